import MartletDevice

/// Where the process starts; SwiftPM links `main` to MODULE_main.
@_cdecl("martlet_frames_main")
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  guard argc == 10 else { return FrameCommand.usage() }
  return FrameCommand.run(
    path: argv[1]!, format: Word(argv[2]!), numbers: (3..<9).map { Int(String(cString: argv[$0]!)) ?? 0 },
    output: argv[9]!)
}
