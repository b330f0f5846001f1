import CMartletKernelCases

// Swift for the linker's sake: it knows how to link an Embedded Swift executable for a device, but not a C one.
martlet_selftest()
