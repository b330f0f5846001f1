import CMartletKernels
import Testing

@testable import Martlet

/// The filter's weights and the stated memory.
@Suite struct VisionFilterTests {
  static let pairs = [
    (1, 1), (1, 7), (7, 1), (5, 5), (2, 3), (3, 2), (1280, 224), (224, 1280), (719, 224), (32768, 1), (1, 32768),
    (32768, 3), (32767, 224), (100, 99), (99, 100),
  ]

  @Test(arguments: pairs)
  func weightsSumToOneAndAreSymmetric(length: Int, count: Int) {
    let axis = FilterAxis(length: length, count: count)
    var mostTaps = 0
    for output in [0, 1, count / 2, count - 2, count - 1] where output >= 0 && output < count {
      let weights = Self.weights(axis, output)
      #expect(weights.reduce(0) { $0 + $1.value } == FilterAxis.one)
      #expect(weights.allSatisfy { $0.value >= 0 })
      mostTaps = max(mostTaps, weights.count)
      let mirrored = Self.weights(axis, count - 1 - output)
      #expect(mirrored.map { length - 1 - $0.source }.reversed() == weights.map(\.source))
      #expect(mirrored.map(\.value).reversed() == weights.map(\.value))
    }
    #expect(mostTaps <= FilterAxis.maxTaps(length: length, count: count))
  }

  @Test func everySourceRowReachesAtMostTwoOutputsWhenShrinking() {
    for length in 1...60 {
      for count in 1...length {
        let axis = FilterAxis(length: length, count: count)
        let ranges = (0..<count).map { axis.range(of: $0) }
        for source in 0..<length {
          let reached = ranges.indices.filter { ranges[$0].contains(source) }
          #expect(reached.count <= 2 && !reached.isEmpty)
          if reached.count == 2 { #expect(reached[1] == reached[0] + 1) }
        }
        #expect(ranges.allSatisfy { $0.count <= FilterAxis.maxTaps(length: length, count: count) })
      }
    }
  }

  @Test func memoryDoesNotGrowWithHeightAndStaysUnderItsLimit() {
    for orientation in [Orientation.upright, .turnedRight] {
      for policy in [ResizePolicy.stretch, .letterbox] {
        let bytes = [20, 2000, 32768].map { height in
          Resizer.byteCount(
            of: PictureShape(width: 640, height: height, format: .rgb, orientation: orientation), policy: .stretch,
            width: 224, height: 224, channels: 3)
        }
        #expect(bytes[0] == bytes[1] && bytes[1] == bytes[2], "\(policy)")
      }
    }
    var generator = SeededGenerator(6)
    for _ in 0..<2000 {
      let side = { (limit: Int) in Int.random(in: 1...limit, using: &generator) }
      let channels = Bool.random(using: &generator) ? 1 : 3
      let (width, height) = (side(600), side(600))
      let shape = PictureShape(
        width: side(32768), height: side(32768), format: .rgba, orientation: Orientation(rawValue: UInt8(side(8)))!)
      let policy = ResizePolicy(rawValue: UInt32(side(3) - 1))!
      let bytes = Resizer.byteCount(of: shape, policy: policy, width: width, height: height, channels: channels)
      let limit = Resizer.byteCountLimit(
        pictureWidth: shape.width, width: width, height: height, channels: channels)
      #expect(bytes <= limit)
    }
  }

  static func weights(_ axis: FilterAxis, _ output: Int) -> [(source: Int, value: Int64)] {
    let total = axis.total(of: output)
    var prefix: Int64 = 0
    return axis.range(of: output).map { source in
      let before = FilterAxis.share(prefix, of: total)
      prefix += axis.rawWeight(of: output, at: source)
      return (source, FilterAxis.share(prefix, of: total) - before)
    }
  }
}
