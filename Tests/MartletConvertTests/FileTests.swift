import Foundation
import Testing

@testable import MartletConvert

@Suite struct FileTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  private func kind(_ body: () throws(ConversionError) -> Void) -> ConversionError.Kind? {
    do throws(ConversionError) {
      try body()
      return nil
    } catch {
      return error.kind
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileAccess.write([1, 2, 3], to: path("a"))
    try FileAccess.write([4, 5], to: path("a"))
    #expect(try FileAccess.read(path("a")) == [4, 5])
    // Nothing is left beside it.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a"])
  }

  /// What is being written is known to the whole process, for its signals: threads take turns.
  @Test func threadsWriteSideBySide() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for turn in 0..<20 {
        #expect(throws: Never.self) { try FileAccess.write([UInt8(thread), UInt8(turn)], to: path("\(thread)")) }
      }
    }
    for thread in 0..<8 { #expect(try FileAccess.read(path("\(thread)")) == [UInt8(thread), 19]) }
  }

  @Test func replacingLeavesTheOldFileToItsReaders() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileAccess.write([1, 2, 3], to: path("a"))
    let reader = try #require(FileHandle(forReadingAtPath: path("a")))
    try FileAccess.write([9], to: path("a"))
    #expect(try reader.readToEnd() == Data([1, 2, 3]))
  }

  @Test func failuresAreNamed() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(kind { () throws(ConversionError) in _ = try FileAccess.read(path("none")) } == .missingFile)
    #expect(kind { () throws(ConversionError) in _ = try FileAccess.read(folder.path) } == .missingFile)
    #expect(kind { () throws(ConversionError) in try FileAccess.write([1], to: folder.path) } == .cannotCreate)
    #expect(kind { () throws(ConversionError) in try FileAccess.write([1], to: path("no/such")) } == .cannotCreate)
  }
}
