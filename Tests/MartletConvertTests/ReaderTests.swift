import Foundation
import Testing

@testable import MartletConvert

/// Any byte string gives a model or a typed error; nothing traps.
@Suite struct ReaderTests {
  private func outcome(_ bytes: [UInt8]) -> Bool {
    do throws(ConversionError) {
      _ = try Converter.convert(bytes, name: "m")
      return true
    } catch {
      #expect(!error.lines.isEmpty && error.lines.allSatisfy { $0.hasPrefix("m: ") && !$0.contains("\n") })
      return false
    }
  }

  @Test func soundModelConverts() throws {
    let conversion = try Converter.convert(TestModel.convolution().bytes(), name: "m")
    #expect(conversion.summary.operators == 1)
  }

  @Test func everyTruncationIsRefused() {
    let bytes = TestModel.convolution().bytes()
    // The last bytes may be padding or the tail of a name.
    for length in 0..<bytes.count - 16 where outcome(Array(bytes[..<length])) {
      Issue.record("a model cut at byte \(length) of \(bytes.count) was accepted")
    }
  }

  @Test func everyByteMayChange() {
    let bytes = TestModel.convolution().bytes()
    for position in bytes.indices {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF, bytes[position] ^ 1] {
        var changed = bytes
        changed[position] = value
        _ = outcome(changed)
      }
    }
  }

  @Test func realModelMayBeDamaged() throws {
    let bytes = try ShippedModelTests.bytes("resnet8-cifar10/resnet8-cifar10.tflite")
    var state: UInt64 = 7
    for _ in 0..<60 {
      var changed = bytes
      for _ in 0..<8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        // The tables are at the end; weights come first.
        let position = bytes.count - 1 - Int((state >> 33) % 20_000)
        changed[position] = UInt8(truncatingIfNeeded: state >> 24)
      }
      _ = outcome(changed)
    }
  }

  @Test(arguments: [
    (Array("hello, this is no model at all".utf8), "m: is not a TensorFlow Lite model"),
    ([], "m: is empty"),
    (Array("MARTLET\0 and so on".utf8), "m: is a .martlet file already"),
    (
      [0xFF, 0xFF, 0xFF, 0xFF] + Array("TFL3".utf8) + [0, 0, 0, 0],
      "m: file: offset 4294967295 at byte 0 leaves the file"
    ),
  ])
  func notAModel(_ bytes: [UInt8], line: String) {
    #expect(throws: ConversionError(.badData, line)) { _ = try Converter.convert(bytes, name: "m") }
  }

  /// A stored file l.txt and a deflated file d.txt, as Python's zipfile writes them.
  private static let archive: [UInt8] = {
    let hex = Array(
      """
      504b030414000000000000002158219022f10800000008000000050000006c2e7478746361740a646f670a504b030414\
      000000080000002158140a59ab0a000000c800000005000000642e7478744bca2c4ae14a1afa0400504b010214031400\
      0000000000002158219022f108000000080000000500000000000000000000008001000000006c2e747874504b010214\
      0314000000080000002158140a59ab0a000000c800000005000000000000000000000080012b000000642e747874504b\
      0506000000000200020066000000580000000000
      """.utf8)
    return stride(from: 0, to: hex.count, by: 2).compactMap {
      UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
  }()

  @Test(arguments: [0, 1000])
  func archives(modelBytes: Int) throws {
    let archive = try ZipArchive(Array(repeating: 7, count: modelBytes) + Self.archive, name: "m")
    #expect(archive.entries.map(\.name) == ["l.txt", "d.txt"])
    #expect(try archive.contents(of: archive.entries[0], limit: 100) == Array("cat\ndog\n".utf8))
    let birds = Array(String(repeating: "bird\n", count: 40).utf8)
    #expect(try archive.contents(of: archive.entries[1], limit: 200) == birds)
    #expect(throws: ConversionError.self) { try archive.contents(of: archive.entries[1], limit: 199) }
    #expect(try ZipArchive([], name: "m").entries.isEmpty)
  }

  @Test func damagedArchives() {
    for position in Self.archive.indices {
      for bit in [0, 3, 7] {
        var damaged = Self.archive
        damaged[position] ^= 1 << bit
        guard let archive = try? ZipArchive(damaged, name: "m") else { continue }
        for entry in archive.entries { _ = try? archive.contents(of: entry, limit: 1 << 16) }
      }
    }
  }

  @Test(.enabled(if: Corpus.isThere))
  func labelsInsideTheModel() throws {
    let bytes = try Corpus.bytes("models/mobilenet_v1_0.25_128_quant.tflite")
    let conversion = try Converter.convert(bytes, name: "m")
    #expect(conversion.summary.labelCount == 1001)
    let labels = try ModelMetadata(TFLiteModel(bytes, name: "m"), name: "m").labels
    #expect(labels[0] == "background" && labels.count == 1001)
  }

  @Test func labelFiles() throws {
    let text = Array("\u{FEFF}cat\r\n dog \n\nbird\n\n".utf8)
    #expect(try LabelFile.labels(in: text, name: "l") == ["cat", "dog", "", "bird"])
    #expect(throws: ConversionError.self) { try LabelFile.labels(in: [0xFF, 0xFE], name: "l") }
    #expect(throws: ConversionError.self) { try LabelFile.labels(in: [10], name: "l") }
  }
}
