import Foundation

@testable import Martlet

/// A picture for tests: a formula, or random bytes.
struct TestPicture {
  var width: Int
  var height: Int
  var format: RowFormat
  /// [height, width, bytes per pixel].
  var bytes: [UInt8]

  var channels: Int { Int(format.rawValue) }

  init(width: Int, height: Int, format: RowFormat = .rgb, bytes: [UInt8]) {
    self.width = width
    self.height = height
    self.format = format
    self.bytes = bytes
  }

  /// The formula of Tests/Fixtures/make_pictures.py.
  static func formula(width: Int, height: Int) -> TestPicture {
    var bytes: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        bytes += [x * 12 + y, x * 5 + y * 17, x * y + 40].map { UInt8(truncatingIfNeeded: $0) }
      }
    }
    return TestPicture(width: width, height: height, bytes: bytes)
  }

  static func random(
    width: Int, height: Int, format: RowFormat = .rgb, using generator: inout some RandomNumberGenerator
  ) -> TestPicture {
    let count = width * height * Int(format.rawValue)
    let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    return TestPicture(width: width, height: height, format: format, bytes: bytes)
  }

  /// The rows that a file stores so that a display with this orientation shows this picture.
  func stored(as orientation: Orientation) -> TestPicture {
    let swaps = orientation.swapsAxes
    var result = self
    result.width = swaps ? height : width
    result.height = swaps ? width : height
    for y in 0..<result.height {
      for x in 0..<result.width {
        let u = orientation.reversesX ? result.width - 1 - x : x
        let v = orientation.reversesY ? result.height - 1 - y : y
        let (shownX, shownY) = swaps ? (v, u) : (u, v)
        for c in 0..<channels {
          result.bytes[(y * result.width + x) * channels + c] = bytes[(shownY * width + shownX) * channels + c]
        }
      }
    }
    return result
  }
}

/// Splitmix64: the same pictures on every run.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Pixel value to itself, as bit pattern.
let identityTable = (0..<768).map { Int8(truncatingIfNeeded: $0 & 255) }

/// Runs the resizer; [height, width, channels].
func resized(
  _ picture: TestPicture, to width: Int, _ height: Int, channels: Int = 3, policy: ResizePolicy = .stretch,
  orientation: Orientation = .upright, isBlueFirst: Bool = false, table: [Int8] = identityTable
) -> [UInt8] {
  let shape = PictureShape(
    width: picture.width, height: picture.height, format: picture.format, orientation: orientation)
  let regionBytes = Resizer.byteCount(of: shape, policy: policy, width: width, height: height, channels: channels)
  return guarded(regionBytes, width, height, channels, isBlueFirst, table) { target, region in
    var resizer = Resizer(picture: shape, policy: policy, target: target, region: region)
    picture.bytes.withUnsafeBufferPointer { bytes in
      let rowBytes = picture.width * picture.channels
      for y in 0..<picture.height { resizer.push(row: .init(rebasing: bytes[(y * rowBytes)..<(y + 1) * rowBytes])) }
    }
    precondition(resizer.isComplete)
  }
}

/// What `body` writes into a target of [height, width, channels], given a region of so many bytes; it must write
/// nothing behind either.
func guarded(
  _ regionBytes: Int, _ width: Int, _ height: Int, _ channels: Int, _ isBlueFirst: Bool, _ table: [Int8],
  _ body: (PictureTarget, UnsafeMutableRawBufferPointer) -> Void
) -> [UInt8] {
  let count = width * height * channels
  let region = UnsafeMutableRawBufferPointer.allocate(byteCount: regionBytes + 64, alignment: 64)
  let values = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 64, alignment: 64)
  defer { region.deallocate() }
  defer { values.deallocate() }
  for index in region.indices { region[index] = 0xA5 }
  for index in values.indices { values[index] = 0xA5 }
  table.withUnsafeBufferPointer { table in
    let target = PictureTarget(
      width: width, height: height, channels: channels, isBlueFirst: isBlueFirst,
      values: values.baseAddress!.assumingMemoryBound(to: Int8.self), table: table.baseAddress!)
    body(target, UnsafeMutableRawBufferPointer(rebasing: region[0..<regionBytes]))
  }
  precondition(region[regionBytes...].allSatisfy { $0 == 0xA5 } && values[count...].allSatisfy { $0 == 0xA5 })
  return Array(values[0..<count])
}

/// Largest difference of two pictures.
func largestDifference(_ a: [UInt8], _ b: [UInt8]) -> Int {
  precondition(a.count == b.count)
  return zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// A file of Tests/Fixtures/pictures.
func fixture(_ name: String, from file: String = #filePath) throws -> [UInt8] {
  let folder = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
  return try [UInt8](Data(contentsOf: folder.appendingPathComponent("Fixtures/pictures/\(name)")))
}
