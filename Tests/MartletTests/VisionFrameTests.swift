import CMartletKernels
import Testing

@testable import Martlet

/// A camera's frame to a tensor, against `Resizer` and against plain forms of its definition.
@Suite struct VisionFrameTests {
  @Test(arguments: PixelLayout.rgbOrGrey.indices)
  func equalsResizer(index: Int) {
    let layout = PixelLayout.rgbOrGrey[index]
    var generator = SeededGenerator(UInt64(index))
    for _ in 0..<150 {
      var shape = TestFrame.randomShape(layout, using: &generator)
      if layout.planes == .grey { shape.isFullRange = true }
      let frame = TestFrame.random(shape, using: &generator)
      let (width, height) = (Int.random(in: 1...30, using: &generator), Int.random(in: 1...30, using: &generator))
      let channels = Bool.random(using: &generator) ? 1 : 3
      let policy = ResizePolicy(rawValue: UInt32.random(in: 0...2, using: &generator))!
      let isBlueFirst = Bool.random(using: &generator)
      let ours = frame.resized(to: width, height, channels: channels, policy: policy, isBlueFirst: isBlueFirst)
      let wanted = resizedPicture(
        frame.picture(layout.planes == .grey ? .grey : .rgb), width, height, channels, policy, shape.orientation,
        isBlueFirst)
      #expect(ours == wanted, "\(shape) to \(width)x\(height)")
    }
  }

  @Test(arguments: PixelLayout.yCbCr.indices)
  func equalsItsDefinition(index: Int) {
    let layout = PixelLayout.yCbCr[index]
    var generator = SeededGenerator(100 + UInt64(index))
    for _ in 0..<60 {
      let frame = TestFrame.random(TestFrame.randomShape(layout, using: &generator), using: &generator)
      let (width, height) = (Int.random(in: 1...30, using: &generator), Int.random(in: 1...30, using: &generator))
      let channels = Bool.random(using: &generator) ? 1 : 3
      let policy = ResizePolicy(rawValue: UInt32.random(in: 0...2, using: &generator))!
      let ours = frame.resized(to: width, height, channels: channels, policy: policy)
      #expect(ours == plain(frame, width, height, channels, policy), "\(frame.shape) to \(width)x\(height)")
    }
  }

  /// Converting each pixel first, in double precision, and filtering then: the same but for roundings, as long as no
  /// pixel lies outside of red, green, blue.
  @Test func orderOfFilterAndMatrixHardlyMatters() {
    var generator = SeededGenerator(7)
    for layout: PixelLayout in [
      .packed(), .semiPlanar(columnShift: 1, rowShift: 1), .planar(columnShift: 0, rowShift: 0),
    ] {
      for _ in 0..<20 {
        var shape = TestFrame.randomShape(layout, using: &generator)
        shape.isFullRange = true
        shape.orientation = .upright
        let count = shape.byteCount
        let bytes = (0..<count).map { _ in UInt8.random(in: 112...144, using: &generator) }
        let frame = TestFrame(shape, bytes: bytes)
        var picture = frame.picture(.rgb)
        for pixel in 0..<picture.width * picture.height {
          let (y, cb, cr) = (picture.bytes[3 * pixel], picture.bytes[3 * pixel + 1], picture.bytes[3 * pixel + 2])
          for (index, value) in Self.inDouble(y, cb, cr, shape).enumerated() {
            picture.bytes[3 * pixel + index] = UInt8(min(max(value.rounded(), 0), 255))
          }
        }
        let wanted = resizedPicture(picture, 9, 8, 3, .stretch, .upright, false)
        #expect(largestDifference(frame.resized(to: 9, 8), wanted) <= 1)
      }
    }
  }

  /// Where a shape says that the samples lie, against the pixels' plain definition.
  @Test func samples() {
    var generator = SeededGenerator(9)
    for layout in PixelLayout.all {
      for _ in 0..<20 {
        let frame = TestFrame.random(TestFrame.randomShape(layout, using: &generator), using: &generator)
        for (x, y) in [(0, 0), (frame.shape.width - 1, 0), (frame.shape.width / 2, frame.shape.height - 1)] {
          let (a, b, c) = frame.pixel(x, y)
          for (component, value) in [a, b, c].enumerated() where component == 0 || layout.planes != .grey {
            let samples = frame.shape.samples(of: component)
            let row = samples.offset + (y >> samples.rowShift) * samples.stride
            let at = row + (x >> samples.columnShift) * samples.step
            let found =
              samples.wordShift == 0
              ? frame.bytes[at]
              : UInt8(truncatingIfNeeded: (Int(frame.bytes[at]) | Int(frame.bytes[at + 1]) << 8) >> samples.wordShift)
            #expect(found == value, "\(frame.shape), component \(component)")
          }
        }
      }
    }
  }

  @Test(arguments: PixelLayout.all)
  func onePixel(layout: PixelLayout) {
    let shape = FrameShape(
      width: 1, height: 1, layout: layout, stride: FrameShape.leastStride(width: 1, layout: layout), isFullRange: true)
    let word = 128 << layout.wordShift
    let isWord = layout.wordShift > 0
    let frame = TestFrame(
      shape,
      bytes: isWord ? [UInt8(word & 255), UInt8(word >> 8)] : [UInt8](repeating: 128, count: shape.byteCount))
    #expect(frame.resized(to: 3, 2) == [UInt8](repeating: 128, count: 18))
    #expect(frame.resized(to: 3, 2, channels: 1) == [UInt8](repeating: 128, count: 6))
  }

  /// The factors, from the standards' own numbers.
  @Test(arguments: [(ColourMatrix.bt601, 0.299, 0.114), (.bt709, 0.2126, 0.0722), (.bt2020, 0.2627, 0.0593)])
  func matrices(matrix: ColourMatrix, red: Double, blue: Double) {
    for isFullRange in [false, true] {
      let found = martlet_vision_matrix_for(Int32(matrix.rawValue), isFullRange ? 1 : 0).pointee
      let (s, c) = isFullRange ? (1.0, 1.0) : (255.0 / 219, 255.0 / 224)
      let green = 1 - red - blue
      let factors = [
        s, 2 * c * (1 - red), -2 * c * (1 - blue) * blue / green, -2 * c * (1 - red) * red / green, 2 * c * (1 - blue),
      ].map { Int16(($0 * 8192).rounded()) }
      #expect(factors == [found.luma, found.red_cr, found.green_cb, found.green_cr, found.blue_cb])
      #expect(found.luma_offset == (isFullRange ? 0 : 16 * 128))
    }
  }

  /// Colour bars at full strength, as the standards' tables have them.
  @Test func bars() {
    for (matrix, y, cb, cr) in [(ColourMatrix.bt601, 81, 90, 240), (.bt709, 63, 102, 240), (.bt2020, 74, 97, 240)] {
      let shape = FrameShape(width: 2, height: 1, layout: .packed(), stride: 4, matrix: matrix)
      let red = TestFrame(shape, bytes: [UInt8(y), UInt8(cb), UInt8(y), UInt8(cr)]).resized(to: 1, 1)
      #expect(red[0] >= 253 && red[1] <= 2 && red[2] <= 2, "\(matrix): \(red)")
      #expect(TestFrame(shape, bytes: [16, 128, 16, 128]).resized(to: 1, 1) == [0, 0, 0])
      #expect(TestFrame(shape, bytes: [235, 128, 235, 128]).resized(to: 1, 1) == [255, 255, 255])
      #expect(TestFrame(shape, bytes: [235, 128, 235, 128]).resized(to: 1, 1, channels: 1) == [255])
      #expect(TestFrame(shape, bytes: [0, 128, 0, 128]).resized(to: 1, 1, channels: 1) == [0])
    }
  }

  @Test func shortFramesAreLeftAlone() {
    for layout in PixelLayout.all {
      let shape = FrameShape(
        width: 5, height: 3, layout: layout, stride: FrameShape.leastStride(width: 5, layout: layout) + 2)
      let bytes = [UInt8](repeating: 1, count: shape.byteCount - 1)
      var values = [Int8](repeating: 99, count: 12)
      let regionBytes = FrameResizer.byteCount(of: shape, policy: .stretch, width: 2, height: 2, channels: 3)
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: regionBytes, alignment: 64)
      defer { region.deallocate() }
      values.withUnsafeMutableBufferPointer { values in
        identityTable.withUnsafeBufferPointer { table in
          var resizer = FrameResizer(
            frame: shape, policy: .letterbox,
            target: PictureTarget(
              width: 2, height: 2, channels: 3, values: values.baseAddress!, table: table.baseAddress!),
            region: region)
          let isDone = bytes.withUnsafeBytes { resizer.run($0) }
          let isDoneWithNothing = resizer.run(UnsafeRawBufferPointer(start: nil, count: 0))
          #expect(!isDone && !isDoneWithNothing)
        }
      }
      #expect(values.allSatisfy { $0 == 99 })
    }
  }

  @Test func impossibleShapes() {
    let good = FrameShape(width: 4, height: 3, layout: .packed(), stride: 8)
    #expect(good.isValid)
    func isValid(_ change: (inout FrameShape) -> Void) -> Bool {
      var shape = good
      change(&shape)
      return shape.isValid
    }
    for bad in [0, -1, 32769, Int.max, Int.min] {
      #expect(!isValid { $0.width = bad })
      #expect(!isValid { $0.height = bad })
    }
    for bad in [7, 0, -8, Int.max] { #expect(!isValid { $0.stride = bad }) }
    for (x, y, width, height) in [
      (-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0), (4, 0, 1, 1), (0, 3, 1, 1), (1, 0, 4, 1), (0, 1, 1, 3),
      (1, 1, Int.max, Int.max), (Int.max, Int.max, 1, 1), (Int.min, Int.min, 1, 1),
    ] {
      #expect(!isValid { $0.region = PixelBox(x: x, y: y, width: width, height: height) })
    }
    #expect(isValid { $0.region = PixelBox(x: 3, y: 2, width: 1, height: 1) })
  }

  @Test func memoryStaysUnderItsLimit() {
    var generator = SeededGenerator(8)
    for _ in 0..<2000 {
      func side(_ limit: Int) -> Int { Int.random(in: 1...limit, using: &generator) }
      let layout = PixelLayout.all[side(PixelLayout.all.count) - 1]
      if layout.wordShift > 0 { continue }
      let (width, height) = (side(600), side(600))
      let channels = layout.planes == .rgb || Bool.random(using: &generator) ? 3 : 1
      var shape = FrameShape(width: side(32768), height: side(32768), layout: layout, stride: 1 << 20)
      shape.orientation = Orientation(rawValue: UInt8(side(8)))!
      let policy = ResizePolicy(rawValue: UInt32(side(3) - 1))!
      let bytes = FrameResizer.byteCount(of: shape, policy: policy, width: width, height: height, channels: channels)
      #expect(bytes <= FrameResizer.byteCountLimit(width: width, height: height), "\(shape) to \(width)x\(height)")
    }
    for target in [1, 2, 224] {
      let shape = FrameShape(width: 32768, height: 32768, layout: .rgb(step: 4, isBlueFirst: true), stride: 1 << 17)
      let bytes = FrameResizer.byteCount(of: shape, policy: .stretch, width: target, height: target, channels: 3)
      #expect(bytes <= FrameResizer.byteCountLimit(width: target, height: target))
    }
  }

  @Test func leastEighthsNeverEnlarges() {
    for (width, height, eighths) in [
      (1280, 720, 4), (1792, 1792, 1), (1791, 1792, 2), (448, 448, 4), (447, 448, 8), (224, 224, 8), (20, 30, 8),
    ] {
      let shape = FrameShape(width: width, height: height, layout: .grey, stride: width)
      #expect(FrameResizer.leastEighths(of: shape, policy: .stretch, width: 224, height: 224) == eighths)
    }
    // The part that is used decides.
    var shape = FrameShape(width: 1280, height: 720, layout: .grey, stride: 1280)
    shape.region = PixelBox(x: 101, y: 51, width: 300, height: 300)
    #expect(FrameResizer.leastEighths(of: shape, policy: .stretch, width: 224, height: 224) == 8)
    #expect(
      PixelBox(x: 101, y: 51, width: 300, height: 300).scaled(byEighths: 4)
        == PixelBox(x: 50, y: 25, width: 151, height: 151))
  }
}
