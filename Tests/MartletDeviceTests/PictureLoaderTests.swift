import CMartletKernels
import Foundation
import Martlet
import Testing

@testable import MartletDevice

/// From a file to a model's input, and what that takes.
@Suite struct PictureLoaderTests {
  /// Rows one by one, and nothing that grows with them.
  @Test func workMemoryIsIndependentOfHeight() throws {
    func peak(_ bytes: [UInt8]) throws -> Int {
      var reader = try PictureReader()
      return try bytes.withUnsafeBytes { bytes in
        let shape = try reader.open(bytes: bytes)
        for _ in 0..<shape.height { _ = try reader.readRow() }
        return reader.peakBytes
      }
    }
    func netpbm(_ height: Int) -> [UInt8] {
      Array("P6 64 \(height) 255\n".utf8) + [UInt8](repeating: 9, count: 64 * 3 * height)
    }
    #expect(try peak(netpbm(10)) == peak(netpbm(20000)))
    for name in ["tall.jpg", "tall.png"] {
      let low = try peak(fixture(name.replacing("tall", with: "low")))
      let tall = try peak(fixture(name))
      // libpng reads as much at a time as a file's data chunk holds, up to 4096 bytes.
      #expect(tall <= low + (name == "tall.png" ? 4096 : 0), "\(name)")
    }
  }

  @Test func tallPictureIsWhatItSays() throws {
    for name in ["tall.jpg", "tall.png"] {
      let picture = try Picture(path: name, channels: 1)
      #expect(picture.width == 64 && picture.height == 20000)
      // Upper half black, lower half white.
      let white = picture.values.firstIndex { $0 > 127 }!
      #expect(white / 64 == 10000 && picture.values.last == 255)
    }
  }

  @Test func photoIsACat() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let modelPath = strdup(root.appendingPathComponent("Models/resnet8-cifar10/resnet8-cifar10.martlet").path)!
    let photo = FilePath(strdup(root.appendingPathComponent("Models/photos/cat.jpg").path)!)
    let command = strdup("test")!
    let file = try ModelFile(FilePath(modelPath), command: command)
    var model = try LoadedModel(file, threads: 1, isa: martlet_best_isa())
    var loader = try PictureLoader(for: model.engine)
    for policy in [nil, ResizePolicy.stretch, .crop, .letterbox] {
      try loader.load(path: photo, into: model.engine, policy: policy)
      model.engine.run(on: model.team)
      let scores = UnsafeMutableBufferPointer<Score>.allocate(capacity: 1)
      defer { scores.deallocate() }
      #expect(model.engine.topScores(into: scores) == 1)
      #expect(scores[0].index == 3 && scores[0].real > 0.9)
    }
  }

  @Test func loaderEqualsPicture() throws {
    let count = 20 * 15 * 3
    let values = UnsafeMutablePointer<Int8>.allocate(capacity: count)
    defer { values.deallocate() }
    let table = (0..<768).map { Int8(truncatingIfNeeded: $0 & 255) }
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    for name in ["baseline.jpg", "rgba8.png", "palette8.bmp"] {
      let bytes = try fixture(name)
      try table.withUnsafeBufferPointer { table in
        let target = PictureTarget(width: 20, height: 15, channels: 3, values: values, table: table.baseAddress!)
        try bytes.withUnsafeBytes { try loader.load(bytes: $0, into: target, policy: .crop) }
      }
      let picture = try bytes.withUnsafeBytes { try Picture(bytes: $0, width: 20, height: 15, policy: .crop) }
      #expect(picture.values == UnsafeBufferPointer(start: values, count: count).map { UInt8(bitPattern: $0) })
    }
  }
}
