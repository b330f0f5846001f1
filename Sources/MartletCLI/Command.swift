import CMartletLinux
import MartletDevice

/// The device command: parses, calls, prints; decides nothing.
enum Command {
  static func run(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    var text = "martlet " + MartletVersion.text + "\n"
    _ = text.withUTF8 { martlet_write_all(1, $0.baseAddress, $0.count) }
    return 0
  }
}
