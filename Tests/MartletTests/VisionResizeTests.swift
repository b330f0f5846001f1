import Testing

@testable import Martlet

/// The resize against others' arithmetic: Pillow's, and a plain one in double precision.
@Suite struct VisionResizeTests {
  @Test(arguments: [(37, 29, 16, 16), (16, 12, 40, 33), (100, 20, 7, 50), (64, 200, 64, 9)])
  func agreesWithPillow(width: Int, height: Int, toWidth: Int, toHeight: Int) throws {
    let golden = try fixture("resize_\(width)x\(height)_\(toWidth)x\(toHeight).rgb")
    let ours = resized(.formula(width: width, height: height), to: toWidth, toHeight)
    // Pillow rounds to 8 bits between its passes.
    #expect(largestDifference(ours, golden) <= 1)
  }

  @Test func agreesWithDoublePrecision() {
    var generator = SeededGenerator(1)
    for _ in 0..<60 {
      let size = { (limit: Int) in Int.random(in: 1...limit, using: &generator) }
      let (width, height, toWidth, toHeight) = (size(90), size(90), size(60), size(60))
      let picture = TestPicture.random(width: width, height: height, using: &generator)
      let difference = largestDifference(
        resized(picture, to: toWidth, toHeight), inDouble(picture, to: toWidth, toHeight))
      #expect(difference <= 1, "\(width)x\(height) to \(toWidth)x\(toHeight)")
    }
  }

  @Test(arguments: [(1, 1), (1, 50), (50, 1), (33, 27)])
  func ownSizeIsUnchanged(width: Int, height: Int) {
    var generator = SeededGenerator(2)
    let picture = TestPicture.random(width: width, height: height, using: &generator)
    for policy in [ResizePolicy.stretch, .crop, .letterbox] {
      #expect(resized(picture, to: width, height, policy: policy) == picture.bytes)
    }
  }

  @Test func constantStaysConstant() {
    var generator = SeededGenerator(3)
    for value in [UInt8(0), 1, 127, 128, 254, 255] {
      for _ in 0..<10 {
        let (width, height) = (Int.random(in: 1...300, using: &generator), Int.random(in: 1...300, using: &generator))
        let bytes = [UInt8](repeating: value, count: width * height)
        let picture = TestPicture(width: width, height: height, format: .grey, bytes: bytes)
        let (toWidth, toHeight) = (Int.random(in: 1...70, using: &generator), Int.random(in: 1...70, using: &generator))
        #expect(resized(picture, to: toWidth, toHeight, channels: 1).allSatisfy { $0 == value })
      }
    }
  }

  @Test func mirroredPictureGivesMirroredTensor() {
    var generator = SeededGenerator(4)
    for _ in 0..<20 {
      let side = { Int.random(in: 1...80, using: &generator) }
      let picture = TestPicture.random(width: side(), height: side(), using: &generator)
      let (width, height) = (side(), side())
      let upright = TestPicture(width: width, height: height, bytes: resized(picture, to: width, height))
      for orientation in [Orientation.mirrored, .flipped, .upsideDown] {
        // These orientations are their own inverse.
        #expect(resized(picture.stored(as: orientation), to: width, height) == upright.stored(as: orientation).bytes)
      }
    }
  }

  /// The definition does not drift: 400 pictures of all formats, orientations and policies, in one number. The aarch64
  /// device build gives the same.
  @Test func oneHash() {
    var random = Congruential()
    var all: UInt64 = 0
    let table = (0..<768).map { Int8(truncatingIfNeeded: ($0 & 255) - 128) }
    for round in 0..<400 {
      let (width, height) = (1 + random.next(below: 300), 1 + random.next(below: 200))
      let (toWidth, toHeight) = (1 + random.next(below: 100), 1 + random.next(below: 100))
      let channels = random.next(below: 2) == 0 ? 1 : 3
      let format = RowFormat(rawValue: UInt8(1 + random.next(below: 4)))!
      let orientation = Orientation(rawValue: UInt8(1 + random.next(below: 8)))!
      let policy = ResizePolicy(rawValue: UInt32(random.next(below: 3)))!
      let isBlueFirst = random.next(below: 2) == 0
      let bytes = (0..<width * height * Int(format.rawValue)).map { _ in UInt8(random.next(below: 256)) }
      let result = resized(
        TestPicture(width: width, height: height, format: format, bytes: bytes), to: toWidth, toHeight,
        channels: channels, policy: policy, orientation: orientation, isBlueFirst: isBlueFirst, table: table)
      all = all &* 31 &+ result.withUnsafeBytes { XXH64.hash($0, seed: UInt64(round)) }
    }
    #expect(all == 0x67F4_27D9_F582_0396)
  }

  private struct Congruential {
    var state: UInt64 = 1
    mutating func next(below limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
  }

  /// The whole chain in double precision, rounded once.
  private func inDouble(_ picture: TestPicture, to width: Int, _ height: Int) -> [UInt8] {
    func weights(_ length: Int, _ count: Int) -> [[Double]] {
      (0..<count).map { output in
        let scale = Double(length) / Double(count)
        let centre = (Double(output) + 0.5) * scale
        let raw = (0..<length).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / max(1, scale)) }
        let sum = raw.reduce(0, +)
        return raw.map { $0 / sum }
      }
    }
    let (columns, rows) = (weights(picture.width, width), weights(picture.height, height))
    var result: [UInt8] = []
    for row in rows {
      var line = [Double](repeating: 0, count: picture.width * 3)
      for (y, weight) in row.enumerated() where weight > 0 {
        for x in line.indices { line[x] += weight * Double(picture.bytes[y * line.count + x]) }
      }
      for column in columns {
        for c in 0..<3 {
          var sum = 0.0
          for (x, weight) in column.enumerated() { sum += weight * line[x * 3 + c] }
          result.append(UInt8(min(max(sum.rounded(), 0), 255)))
        }
      }
    }
    return result
  }
}
