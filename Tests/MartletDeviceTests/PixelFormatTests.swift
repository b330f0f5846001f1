import CMartletCameraDriver
import Foundation
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// Every row of the table: from the driver's buffer into the model's input, and into a file.
  struct Pixels {
    let bench = CameraBench()
    static let side = 8

    @Test func everyRowIsTested() {
      let names = Set(PixelFormat.all.map { $0.fourcc.text })
      #expect(names == Set(PixelMeaning.names + ["MJPG", "JPEG"]) && names.count == PixelFormat.all.count)
    }

    @Test(arguments: PixelMeaning.names) func isReadAndSaved(name: String) throws {
      try delivered(name, saved: "\(PixelMeaning.isGrey(name) ? "P5" : "P6")\n8 8\n255\n") { saved, bytes, stride in
        for y in 0..<Self.side {
          for x in 0..<Self.side {
            let pixel = try #require(PixelMeaning.pixel(name, bytes, x, y, height: Self.side, stride: stride))
            let stored = PixelMeaning.isYCbCr(name) ? PixelMeaning.colour(pixel) : pixel.map { Double($0) }
            // A camera's grey is of limited range to the model, and saved as it is.
            let read = PixelMeaning.isGrey(name) ? PixelMeaning.colour([pixel[0], 128, 128]) : stored
            let at = y * Self.side + x
            for (index, value) in read.enumerated() {
              #expect(abs(Double(Int(bench.values[3 * at + index]) + 128) - value) <= 1, "read at \(x),\(y)")
            }
            for (index, value) in stored.enumerated() {
              #expect(abs(Double(saved[stored.count * at + index]) - value) <= 1.5, "saved at \(x),\(y)")
            }
          }
        }
      }
    }

    /// What libv4l made of a frame is what the model saw, and what is saved.
    @Test func convertedIsReadAndSaved() throws {
      try delivered("YVYU", saved: "P6\n8 8\n255\n") { saved, bytes, _ in
        #expect(saved.count == 192)
        for (index, value) in saved.enumerated() {
          #expect(value == ~bytes[index % bytes.count] && Int(bench.values[index]) + 128 == Int(value))
        }
      }
    }

    @Test(arguments: ["MJPG", "JPEG"]) func jpegIsSavedAsItIs(name: String) throws {
      let file = try fixture("baseline.jpg")
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, name, 21, 14)
      try kept(camera, file) { saved in #expect(saved == file) }
    }

    /// A frame of random bytes on its way.
    private func delivered(
      _ name: String, saved header: String, _ check: (_ pixels: [UInt8], _ bytes: [UInt8], _ stride: Int) throws -> Void
    ) throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, name, Int32(Self.side), Int32(Self.side))
      let isConverted = !PixelMeaning.names.contains(name)
      let stride = isConverted ? 2 * Self.side : PixelMeaning.stride(name, Self.side)
      let count = isConverted ? stride * Self.side : PixelMeaning.count(name, Self.side, Self.side, stride: stride)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
      try kept(camera, bytes) { saved in
        #expect(saved.starts(with: Array(header.utf8)))
        try check(Array(saved.dropFirst(header.utf8.count)), bytes, stride)
      }
    }

    private func kept(_ camera: Int32, _ bytes: [UInt8], _ check: ([UInt8]) throws -> Void) throws {
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      _ = bytes.withUnsafeBytes { driver_deliver(camera, $0.baseAddress, $0.count, false, 1) }
      let frame = try #require(try stream.take(nowNs: 1))
      let isFilled = stream.fill(frame)
      #expect(isFilled)
      let folder = TemporaryFolder()
      var configuration = FramesConfiguration()
      configuration.folder = folder.path
      configuration.maxBytes = 1 << 20
      var frames = try require(FrameStore(configuration))
      let content = stream.content(of: frame)
      if case .lost(let code, _) = frames.save(content, decision: 1, wallUs: 1) { Issue.record("not saved: \(code)") }
      try check(folder.read(try #require(folder.names.first)))
      try stream.giveBack(frame, nowNs: 2)
    }
  }
}

/// The lists of formats that people read name the rows of the table, no more and no fewer.
@Suite struct PixelFormatDocumentTests {
  @Test(arguments: [
    ("README.md", "- **Frames**", "libv4l"), ("Firmware/package/man/martlet.yaml.5", ".It Ic format", ".It Ic size"),
  ])
  func namesEveryRow(path: String, start: String, end: String) throws {
    let part = try text(of: path, from: start, to: end)
    #expect(names(in: part).sorted() == PixelFormat.all.map { $0.fourcc.text }.sorted())
  }

  /// Examples.
  @Test(arguments: [
    ("Firmware/martlet.yaml", "    format: auto", "\n"), ("Sources/MartletCLI/Help.swift", "--format F", "\n"),
    ("Sources/MartletDevice/Configuration/CameraConfiguration.swift", "auto or a four-character", "\n"),
    ("Sources/MartletCLI/ClassifyCamera.swift", "must be a four-character", "\n"),
  ])
  func namesOnlyRows(path: String, start: String, end: String) throws {
    let found = names(in: try text(of: path, from: start, to: end))
    #expect(!found.isEmpty && found.allSatisfy { name in PixelFormat.all.contains { $0.fourcc.text == name } })
  }

  private func text(of path: String, from start: String, to end: String) throws -> Substring {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    let first = try #require(text.range(of: start))
    let last = try #require(text.range(of: end, range: first.upperBound..<text.endIndex))
    return text[first.lowerBound..<last.lowerBound]
  }

  private func names(in text: Substring) -> [String] {
    text.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.map(String.init).filter {
      ($0.count == 4 || $0.count == 3 && $0.hasPrefix("Y1")) && $0 == $0.uppercased() && $0 != "V4L2"
    }
  }
}
