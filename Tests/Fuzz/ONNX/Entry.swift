import CMartletFuzz

/// Where the process starts: SwiftPM links `main` to MODULE_main, so libFuzzer's own stays out.
@_cdecl("martlet_fuzz_onnx_main")
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
  martlet_fuzz_run(argc, argv) { data, size in
    ONNXTarget.run(UnsafeRawBufferPointer(start: data, count: size))
    return 0
  }
}

/// libFuzzer calls it by its name.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ data: UnsafeMutablePointer<UInt8>?, _ size: Int, _ maxSize: Int, _ seed: UInt32) -> Int {
  guard let data else { return size }
  return ONNXMutator(seed).mutate(data, size, maxSize)
}
