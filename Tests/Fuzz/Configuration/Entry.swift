import CMartletFuzz

/// Where the process starts: SwiftPM links `main` to MODULE_main, so libFuzzer's own stays out.
@_cdecl("martlet_fuzz_configuration_main")
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
  martlet_fuzz_run(argc, argv) { data, size in
    ConfigurationTarget.run(UnsafeRawBufferPointer(start: data, count: size))
    return 0
  }
}
