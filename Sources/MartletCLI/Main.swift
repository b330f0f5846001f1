/// Where the process starts: Embedded Swift has no CommandLine, so argc and argv come from the C entry point.
/// SwiftPM links `main` to MODULE_main, so that tests can link executables too.
@_cdecl("MartletCLI_main")
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  Command.main(argc: argc, argv: argv)
}
