import MartletDevice

/// Where the process starts; SwiftPM links `main` to MODULE_main.
@_cdecl("martlet_allocations_main")
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  guard argc >= 2, let path = argv[1] else {
    return AllocationTest.usage()
  }
  let threads = argc >= 3 ? argv[2].flatMap { Int(String(cString: $0)) } ?? 1 : 1
  var pictures: [FilePath] = []
  for index in 3..<max(Int(argc), 3) {
    if let picture = argv[index] { pictures.append(FilePath(picture)) }
  }
  return AllocationTest.run(path, threads: threads, pictures: pictures)
}
