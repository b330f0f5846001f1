import CMartletKernels

/// The way of a camera's frame into a model's input, in one pass: crop, filter, colours, quantize, store.
///
/// The filter is `Resizer`'s, weight for weight and rounding for rounding, on a frame that lies in memory as a whole:
/// each output row is made at once from the source rows that it needs, in the order in which their bytes are stored.
///
/// - Red, green, blue and grey: bit for bit what `Resizer` makes of the same pixels.
/// - Y, Cb and Cr are filtered as they are, and only the result becomes red, green, blue: the colour matrix is linear,
///   so the order differs in roundings alone, and where a source pixel lies outside of red, green, blue: there the
///   average is clamped and not the pixel. A sample of Cb or Cr counts for every pixel that shares it. After the
///   columns a value keeps 7 fraction bits, `(sum + 2^13) >> 14`, and `martlet_vision_matrix` takes it to 0...255.
/// - Of luma in words the highest eight bits are taken first; from then on it is grey.
/// - Grey with `isFullRange` false is expanded from 16...235, by the same matrix; so is Y where luma is all that is
///   wanted. In full range both are `Resizer`'s luma.
///
/// Integers only, and the same bits on every processor. All tables are made once for a stream of frames.
public struct FrameResizer: ~Copyable {
  private let frame: FrameShape
  private let target: PictureTarget
  private let placement: TargetPlacement
  private let layout: FrameLayout
  private let region: UnsafeMutableRawPointer
  private let kernels: UnsafePointer<martlet_vision_table>
  private let matrix: UnsafePointer<martlet_vision_matrix>
  /// Of the used part in the stored frame.
  private let x: Int
  private let y: Int

  /// Exact bytes of the region, for a target of these sizes.
  public static func byteCount(
    of frame: FrameShape, policy: ResizePolicy, shorterSide: Int = 0, width: Int, height: Int, channels: Int
  ) -> Int {
    let placement = Self.placement(
      of: frame, policy: policy, shorterSide: shorterSide, width: width, height: height, channels: channels)
    return FrameLayout(frame: frame, placement: placement, channels: channels).byteCount
  }

  /// - Parameters:
  ///   - frame: must be valid.
  ///   - region: 64-byte aligned, at least `byteCount` bytes; in use until the resizer ends.
  ///   - isa: whose instructions do the work; the bits do not depend on it.
  public init(
    frame: FrameShape, policy: ResizePolicy, shorterSide: Int = 0, target: PictureTarget,
    region: UnsafeMutableRawBufferPointer, isa: martlet_isa = martlet_best_isa()
  ) {
    precondition(frame.isValid)
    precondition(target.channels == 1 || target.channels == 3)
    precondition(TargetPlacement.isSide(target.width) && TargetPlacement.isSide(target.height))
    placement = Self.placement(
      of: frame, policy: policy, shorterSide: shorterSide, width: target.width, height: target.height,
      channels: target.channels)
    layout = FrameLayout(frame: frame, placement: placement, channels: target.channels)
    precondition(region.count >= layout.byteCount && UInt(bitPattern: region.baseAddress) % 64 == 0)
    self.region = region.baseAddress!
    self.frame = frame
    self.target = target
    kernels = martlet_vision_for(isa)
    matrix = martlet_vision_matrix_for(Int32(frame.matrix.rawValue), frame.isFullRange ? 1 : 0)
    x = frame.usedBox.x + placement.source.x
    y = frame.usedBox.y + placement.source.y

    placement.columns.fill(
      first: at(layout.first.luma), weights: at(layout.columnWeights.luma), taps: layout.columnTaps.luma,
      offset: layout.lead, shift: 0)
    placement.rows.fill(
      first: nil, weights: at(layout.rowWeights.luma), taps: layout.rowTaps.luma, offset: y, shift: 0)
    if layout.planeCount == 3 && frame.layout.isYCbCr {
      let shift = layout.columnShift
      placement.columns.fill(
        first: at(layout.first.chroma), weights: at(layout.columnWeights.chroma), taps: layout.columnTaps.chroma,
        offset: x & shift, shift: shift)
      placement.rows.fill(
        first: nil, weights: at(layout.rowWeights.chroma), taps: layout.rowTaps.chroma, offset: y,
        shift: layout.rowShift)
    }
    // The padding taps read past the row; their weight is 0, but what they read must exist.
    at(layout.planes, of: Int16.self).update(repeating: 0, count: 3 * layout.planeStride)
  }

  /// Fills the target from a frame.
  ///
  /// - Returns: false, and nothing is done, if the frame is shorter than its shape's `byteCount`.
  public mutating func run(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= frame.byteCount, let start = bytes.baseAddress else { return false }
    let first = start.assumingMemoryBound(to: UInt8.self)
    var lumaRows = 0
    placement.fillAround(target)
    for output in 0..<Int(placement.rows.count) {
      filterRows(of: output, first, &lumaRows)
      store(output)
    }
    return true
  }

  // MARK: - Down the rows

  private func filterRows(of output: Int, _ frame: UnsafePointer<UInt8>, _ lumaRows: inout Int) {
    let layout = self.frame.layout
    let wantsColour = self.layout.planeCount == 3
    let mixed: UnsafeMutablePointer<Int16> = at(self.layout.mixed)
    let (even, odd): (UnsafeMutablePointer<Int16>, UnsafeMutablePointer<Int16>) = (
      at(self.layout.halves.even), at(self.layout.halves.odd)
    )
    let width = Int32(placement.source.width)
    let chromaColumns = Int32(self.layout.chromaColumns)
    // Cb and Cr in the order in which they are stored.
    let (first, second) = (plane(layout.isReversed ? 2 : 1), plane(layout.isReversed ? 1 : 2))
    switch layout.planes {
    case .grey:
      if self.layout.unpacksLuma { return unpackedLuma(output, frame, &lumaRows) }
      luma(output, frame + x, into: plane(0))
    case .semiPlanar:
      luma(output, frame + x, into: plane(0))
      guard wantsColour else { return }
      chroma(output, frame, plane: 1, bytes: 2 * Int(chromaColumns), into: mixed)
      kernels.pointee.split(first, second, mixed, chromaColumns)
    case .planar:
      luma(output, frame + x, into: plane(0))
      guard wantsColour else { return }
      chroma(output, frame, plane: 1, bytes: Int(chromaColumns), into: first)
      chroma(output, frame, plane: 2, bytes: Int(chromaColumns), into: second)
    case .packed:
      luma(output, frame + 4 * (x >> 1), into: mixed)
      let isLumaFirst = !layout.isChromaFirst
      kernels.pointee.split(isLumaFirst ? plane(0) : even, isLumaFirst ? even : plane(0), mixed, 2 * chromaColumns)
      if wantsColour { kernels.pointee.split(first, second, even, chromaColumns) }
    case .rgb:
      if self.layout.unpacksLuma { return unpackedLuma(output, frame, &lumaRows) }
      luma(output, frame + layout.step * x, into: mixed)
      let (red, blue) = (plane(layout.isReversed ? 2 : 0), plane(layout.isReversed ? 0 : 2))
      if layout.step == 3 {
        kernels.pointee.split3(red, plane(1), blue, mixed, width)
      } else {
        kernels.pointee.split(even, odd, mixed, 2 * width)
        kernels.pointee.split(red, blue, even, width)
        kernels.pointee.split(plane(1), mixed, odd, width)
      }
    }
  }

  /// The first plane's lines, from their first used byte.
  private func luma(_ output: Int, _ line: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<Int16>) {
    let range = placement.rows.range(of: output)
    let pointers: UnsafeMutablePointer<UnsafePointer<UInt8>?> = at(layout.rowPointers)
    for row in range { pointers[row - range.lowerBound] = line + (y + row) * frame.stride }
    let weights: UnsafeMutablePointer<Int16> = at(layout.rowWeights.luma)
    kernels.pointee.rows(
      out, pointers, weights + output * layout.rowTaps.luma, Int32(range.count), Int32(layout.lineBytes))
  }

  private func chroma(
    _ output: Int, _ start: UnsafePointer<UInt8>, plane: Int, bytes: Int, into out: UnsafeMutablePointer<Int16>
  ) {
    let range = placement.rows.range(of: output)
    let first = (y + range.lowerBound) >> layout.rowShift
    let count = ((y + range.upperBound - 1) >> layout.rowShift) - first + 1
    let pointers: UnsafeMutablePointer<UnsafePointer<UInt8>?> = at(layout.rowPointers)
    let column = (x >> layout.columnShift) * (frame.layout.planes == .semiPlanar ? 2 : 1)
    let line = start + frame.offset(ofPlane: plane) + column
    for row in 0..<count { pointers[row] = line + (first + row) * frame.chromaStride }
    let weights: UnsafeMutablePointer<Int16> = at(layout.rowWeights.chroma)
    kernels.pointee.rows(out, pointers, weights + output * layout.rowTaps.chroma, Int32(count), Int32(bytes))
  }

  /// Luma of each pixel first, in a ring of as many rows as an output row can need: what `Resizer` does.
  private func unpackedLuma(_ output: Int, _ start: UnsafePointer<UInt8>, _ made: inout Int) {
    let range = placement.rows.range(of: output)
    let pointers: UnsafeMutablePointer<UnsafePointer<UInt8>?> = at(layout.rowPointers)
    let ring: UnsafeMutablePointer<UInt8> = at(layout.lumaRows)
    let (width, step) = (placement.source.width, frame.layout.step)
    let isRedFirst = !frame.layout.isReversed
    for row in range {
      let luma = ring + row % layout.rowTaps.luma * width
      if row >= made {
        let line = start + (y + row) * frame.stride + x * step
        if frame.layout.wordShift > 0 {
          martlet_vision_words(luma, line, Int32(width), Int32(frame.layout.wordShift))
        } else {
          martlet_vision_luma(luma, line, Int32(width), Int32(step), isRedFirst ? 0 : 2, isRedFirst ? 2 : 0)
        }
        made = row + 1
      }
      pointers[row - range.lowerBound] = UnsafePointer(luma)
    }
    let weights: UnsafeMutablePointer<Int16> = at(layout.rowWeights.luma)
    kernels.pointee.rows(plane(0), pointers, weights + output * layout.rowTaps.luma, Int32(range.count), Int32(width))
  }

  // MARK: - Along the columns

  private func store(_ output: Int) {
    let count = Int(placement.columns.count)
    let values: UnsafeMutablePointer<Int16> = at(layout.values)
    let isExpanded = frame.layout.planes != .rgb && !(layout.planeCount == 1 && frame.isFullRange)
    let bits = Int32(MARTLET_VISION_WEIGHT_BITS) + (isExpanded ? 0 : Int32(MARTLET_VISION_SAMPLE_BITS))
    for index in 0..<layout.planeCount {
      let isChroma = index > 0 && frame.layout.isYCbCr
      kernels.pointee.columns(
        values + index * count, plane(index), at(isChroma ? layout.first.chroma : layout.first.luma),
        at(isChroma ? layout.columnWeights.chroma : layout.columnWeights.luma),
        Int32(isChroma ? layout.columnTaps.chroma : layout.columnTaps.luma), Int32(count), bits)
    }
    var red = values
    if isExpanded {
      red = values + 3 * count
      if layout.planeCount == 1 {
        kernels.pointee.expand(red, values, Int32(count), matrix)
      } else {
        kernels.pointee.colour(
          red, red + count, red + 2 * count, values, values + count, values + 2 * count, Int32(count), matrix)
      }
    }
    let step = layout.planeCount == 3 ? count : 0
    placement.store(row: output, red, red + step, red + 2 * step, into: target)
  }

  private func plane(_ index: Int) -> UnsafeMutablePointer<Int16> {
    at(layout.planes, of: Int16.self) + index * layout.planeStride
  }

  private func at<Value: BitwiseCopyable>(_ offset: Int, of type: Value.Type = Value.self)
    -> UnsafeMutablePointer<Value>
  {
    (region + offset).assumingMemoryBound(to: Value.self)
  }

  static func placement(
    of frame: FrameShape, policy: ResizePolicy, shorterSide: Int, width: Int, height: Int, channels: Int
  ) -> TargetPlacement {
    let box = frame.usedBox
    return TargetPlacement(
      width: box.width, height: box.height, orientation: frame.orientation, policy: policy, shorterSide: shorterSide,
      targetWidth: width, targetHeight: height, channels: channels)
  }
}
