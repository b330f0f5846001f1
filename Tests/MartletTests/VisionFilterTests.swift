import CMartletKernels
import Testing

@testable import Martlet

/// The filter's weights, the kernel's variants and the stated memory.
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

  @Test func columnsEqualTheScalarForm() {
    var generator = SeededGenerator(5)
    for _ in 0..<200 {
      let taps = 8 * Int.random(in: 1...5, using: &generator)
      let count = Int.random(in: 1...20, using: &generator)
      let channels = Bool.random(using: &generator) ? 1 : 3
      let stride = taps + 50
      // The extremes: full samples with one full weight.
      let planes = (0..<stride * channels).map { _ in [Int16(32640), 0, .random(in: 0...32640)].randomElement()! }
      var weights = [Int16](repeating: 0, count: taps * count)
      for x in 0..<count {
        var left = 16384
        while left > 0 {
          let part = Bool.random(using: &generator) ? left : Int.random(in: 1...left, using: &generator)
          weights[x * taps + Int.random(in: 0..<taps, using: &generator)] += Int16(part)
          left -= part
        }
      }
      let first = (0..<count).map { _ in Int32.random(in: 0...50, using: &generator) }
      var fast = [UInt8](repeating: 0, count: count * channels)
      var plain = fast
      martlet_vision_columns(&fast, planes, Int32(stride), Int32(channels), first, weights, Int32(taps), Int32(count))
      martlet_vision_columns_scalar(
        &plain, planes, Int32(stride), Int32(channels), first, weights, Int32(taps), Int32(count))
      #expect(fast == plain)
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
