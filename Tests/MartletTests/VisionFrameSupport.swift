import CMartletKernels
import Foundation

@testable import Martlet

/// A frame for tests, its bytes in memory that ends where a page ends that may not be touched, or begins behind one.
final class TestFrame {
  let shape: FrameShape
  /// As long as the shape says.
  let bytes: [UInt8]

  init(_ shape: FrameShape, bytes: [UInt8]) {
    precondition(bytes.count == shape.byteCount)
    self.shape = shape
    self.bytes = bytes
  }

  static func random(_ shape: FrameShape, using generator: inout some RandomNumberGenerator) -> TestFrame {
    // Whole extremes now and then.
    let isExtreme = Int.random(in: 0..<4, using: &generator) == 0
    let extremes: [UInt8] = [0, 16, 128, 235, 255]
    let bytes = (0..<shape.byteCount).map { _ in
      isExtreme ? extremes.randomElement(using: &generator)! : UInt8.random(in: 0...255, using: &generator)
    }
    return TestFrame(shape, bytes: bytes)
  }

  /// Any shape at all, small.
  static func randomShape(
    _ layout: PixelLayout, limit: Int = 40, using generator: inout some RandomNumberGenerator
  ) -> FrameShape {
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    let (width, height) = (number(1...limit), number(1...limit))
    var stride = FrameShape.leastStride(width: width, layout: layout) + [0, 0, 2, 14].randomElement(using: &generator)!
    if !layout.isYCbCr { stride += number(0...1) }
    var shape = FrameShape(
      width: width, height: height, layout: layout, stride: stride,
      matrix: ColourMatrix(rawValue: UInt8(number(0...2)))!,
      isFullRange: Bool.random(using: &generator), orientation: Orientation(rawValue: UInt8(number(1...8)))!)
    if Bool.random(using: &generator) {
      let (x, y) = (number(0...width - 1), number(0...height - 1))
      shape.region = PixelBox(x: x, y: y, width: number(1...width - x), height: number(1...height - y))
    }
    return shape
  }

  /// What the bytes of a stored pixel mean: Y, Cb, Cr, or red, green, blue, or luma three times.
  func pixel(_ x: Int, _ y: Int) -> (UInt8, UInt8, UInt8) {
    let (layout, height, stride) = (shape.layout, shape.height, shape.stride)
    let (halvesColumns, halvesRows) = (layout.chromaColumnShift == 1, layout.chromaRowShift == 1)
    let luma = bytes[min(y * stride + x, bytes.count - 1)]
    let (chromaX, chromaY) = (halvesColumns ? x / 2 : x, halvesRows ? y / 2 : y)
    let (a, b, c): (UInt8, UInt8, UInt8)
    switch layout.planes {
    case .grey:
      guard layout.step == 2 else { return (luma, luma, luma) }
      let word = UInt16(bytes[y * stride + 2 * x]) + 256 * UInt16(bytes[y * stride + 2 * x + 1])
      let highest = UInt8(truncatingIfNeeded: word >> UInt16(layout.wordShift))
      return (highest, highest, highest)
    case .rgb:
      let at = y * stride + layout.step * x
      (a, b, c) = (bytes[at], bytes[at + 1], bytes[at + 2])
      return layout.isReversed ? (c, b, a) : (a, b, c)
    case .packed:
      let pair = y * stride + x / 2 * 4
      if layout.isChromaFirst {
        (a, b, c) = (bytes[pair + 1 + x % 2 * 2], bytes[pair], bytes[pair + 2])
      } else {
        (a, b, c) = (bytes[pair + x % 2 * 2], bytes[pair + 1], bytes[pair + 3])
      }
    case .semiPlanar:
      let pair = height * stride + chromaY * (halvesColumns ? stride : 2 * stride) + 2 * chromaX
      (a, b, c) = (luma, bytes[pair], bytes[pair + 1])
    case .planar:
      let chromaStride = halvesColumns ? stride / 2 : stride
      let chroma = height * stride + chromaY * chromaStride + chromaX
      (a, b, c) = (luma, bytes[chroma], bytes[chroma + (halvesRows ? (height + 1) / 2 : height) * chromaStride])
    }
    return layout.isReversed ? (a, c, b) : (a, b, c)
  }

  /// The used part, as stored, as a picture of three bytes a pixel, or of one.
  func picture(_ format: RowFormat) -> TestPicture {
    let box = shape.usedBox
    var picture = TestPicture(width: box.width, height: box.height, format: format, bytes: [])
    for y in 0..<box.height {
      for x in 0..<box.width {
        let (a, b, c) = pixel(box.x + x, box.y + y)
        picture.bytes += format == .grey ? [a] : [a, b, c]
      }
    }
    return picture
  }

  /// The tensor as bit patterns, made on every instruction set at both ends of a page; all must be the same.
  func resized(
    to width: Int, _ height: Int, channels: Int = 3, policy: ResizePolicy = .stretch, isBlueFirst: Bool = false,
    table: [Int8] = identityTable
  ) -> [UInt8] {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let pages = (bytes.count + page - 1) / page
    let mapping = mmap(nil, (pages + 2) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
    defer { munmap(mapping, (pages + 2) * page) }
    mprotect(mapping, page, PROT_NONE)
    mprotect(mapping + (pages + 1) * page, page, PROT_NONE)
    var results: [[UInt8]] = []
    for isa in [MARTLET_ISA_SCALAR, martlet_best_isa()] {
      for offset in [0, pages * page - bytes.count] {
        let start = mapping + page + offset
        bytes.withUnsafeBytes { start.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
        let frame = UnsafeRawBufferPointer(start: start, count: bytes.count)
        results.append(run(frame, width, height, channels, policy, isBlueFirst, table, isa))
      }
    }
    precondition(results.allSatisfy { $0 == results[0] })
    return results[0]
  }

  private func run(
    _ frame: UnsafeRawBufferPointer, _ width: Int, _ height: Int, _ channels: Int, _ policy: ResizePolicy,
    _ isBlueFirst: Bool, _ table: [Int8], _ isa: martlet_isa
  ) -> [UInt8] {
    let regionBytes = FrameResizer.byteCount(
      of: shape, policy: policy, width: width, height: height, channels: channels)
    return guarded(regionBytes, width, height, channels, isBlueFirst, table) { target, region in
      var resizer = FrameResizer(frame: shape, policy: policy, target: target, region: region, isa: isa)
      let isDone = resizer.run(frame)
      // What others leave in the target between two frames does not shine through.
      for index in 0..<width * height * channels { target.values[index] = 0x5A }
      let isDoneAgain = resizer.run(frame)
      precondition(isDone && isDoneAgain)
    }
  }
}

extension PixelLayout {
  static let rgbOrGrey: [PixelLayout] = [
    .grey, .grey(bits: 10), .grey(bits: 16), .rgb(), .rgb(isBlueFirst: true), .rgb(step: 4),
    .rgb(step: 4, isBlueFirst: true),
  ]
  static let yCbCr: [PixelLayout] = [false, true].flatMap { isCrFirst in
    [.packed(isCrFirst: isCrFirst), .packed(isChromaFirst: true, isCrFirst: isCrFirst)]
      + [(0, 0), (1, 0), (0, 1), (1, 1)].flatMap { columnShift, rowShift in
        [
          .semiPlanar(columnShift: columnShift, rowShift: rowShift, isCrFirst: isCrFirst),
          .planar(columnShift: columnShift, rowShift: rowShift, isCrFirst: isCrFirst),
        ] as [PixelLayout]
      }
  }
  static let all = rgbOrGrey + yCbCr
}
