import Foundation
import Testing

/// A folder that is gone with the test.
final class TemporaryFolder {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "martlet-" + UUID().uuidString
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? [] }

  func read(_ name: String) -> [UInt8] { (try? [UInt8](Data(contentsOf: URL(fileURLWithPath: file(name))))) ?? [] }

  func write(_ name: String, _ bytes: [UInt8]) { try! Data(bytes).write(to: URL(fileURLWithPath: file(name))) }

  func lines(_ name: String) -> [String] {
    let text = String(decoding: read(name), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}

struct NothingThere: Error {}

/// What `#require` does, for values that cannot be copied.
func require<T: ~Copyable>(_ value: consuming T?) throws -> T {
  guard let value else { throw NothingThere() }
  return value
}

/// Removes a folder in which a recorder may still begin its log anew.
func remove(_ folder: String) {
  for _ in 0..<100 {
    try? FileManager.default.removeItem(atPath: folder)
    if !FileManager.default.fileExists(atPath: folder) { return }
    usleep(20000)
  }
  Issue.record("\(folder) stays")
}
