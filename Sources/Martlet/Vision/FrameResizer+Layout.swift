import CMartletKernels

/// How a frame resizer's region is divided: counted and carved by the same lines.
struct FrameLayout: BitwiseCopyable {
  /// Planes that are filtered: 1 for luma, else 3.
  let planeCount: Int
  /// Rows become luma, a byte a pixel, before they are filtered, as `Resizer` has it.
  let unpacksLuma: Bool
  let columnShift: Int
  let rowShift: Int
  /// Bytes of a filtered line of the first plane; columns of it before the used part.
  let lineBytes: Int
  let lead: Int
  /// Columns of Cb and Cr that the used part touches.
  let chromaColumns: Int
  /// Samples of one plane, with room for the padding taps.
  let planeStride: Int
  /// Taps of every column, padded, and the most of any row: of luma, and of Cb and Cr.
  let columnTaps: (luma: Int, chroma: Int)
  let rowTaps: (luma: Int, chroma: Int)

  // Offsets into the region, multiples of 64.
  let first: (luma: Int, chroma: Int)
  let columnWeights: (luma: Int, chroma: Int)
  let rowWeights: (luma: Int, chroma: Int)
  let rowPointers: Int
  let lumaRows: Int
  /// Filtered samples in the order of the bytes, and the two halves that they are split to.
  let mixed: Int
  let halves: (even: Int, odd: Int)
  let planes: Int
  /// [6, columns]: filtered, and as red, green, blue.
  let values: Int
  let byteCount: Int

  init(frame: FrameShape, placement: TargetPlacement, channels: Int) {
    let layout = frame.layout
    let (columns, rows) = (placement.columns, placement.rows)
    let (width, count) = (Int(columns.length), Int(columns.count))
    let x = frame.usedBox.x + placement.source.x
    planeCount = layout.planes == .grey || channels == 1 ? 1 : 3
    unpacksLuma = layout.planes == .rgb && channels == 1 || layout.wordShift > 0
    columnShift = layout.chromaColumnShift
    rowShift = layout.chromaRowShift
    lead = layout.planes == .packed ? x & 1 : 0
    chromaColumns = ((x + width - 1) >> columnShift) - (x >> columnShift) + 1
    lineBytes =
      switch layout.planes {
      case .grey, .semiPlanar, .planar: width
      case .packed: 4 * chromaColumns
      case .rgb: unpacksLuma ? width : layout.step * width
      }

    columnTaps = (
      Self.padded(FilterAxis.maxTaps(length: width, count: count)),
      Self.padded(FilterAxis.maxTaps(length: width, count: count, shift: columnShift))
    )
    rowTaps = (
      FilterAxis.maxTaps(length: Int(rows.length), count: Int(rows.count)),
      FilterAxis.maxTaps(length: Int(rows.length), count: Int(rows.count), shift: rowShift)
    )
    planeStride = max(width, 2 * chromaColumns) + columnTaps.luma

    let hasChroma = planeCount == 3 && layout.isYCbCr
    var tape = RegionTape()
    first = (tape.carve(4 * count), tape.carve(hasChroma ? 4 * count : 0))
    columnWeights = (
      tape.carve(2 * count * columnTaps.luma), tape.carve(hasChroma ? 2 * count * columnTaps.chroma : 0)
    )
    rowWeights = (
      tape.carve(2 * Int(rows.count) * rowTaps.luma), tape.carve(hasChroma ? 2 * Int(rows.count) * rowTaps.chroma : 0)
    )
    rowPointers = tape.carve(rowTaps.luma * MemoryLayout<UnsafePointer<UInt8>?>.stride)
    lumaRows = tape.carve(unpacksLuma ? rowTaps.luma * width : 0)
    let most = max(lineBytes, 2 * chromaColumns)
    mixed = tape.carve(2 * most)
    halves = (tape.carve(most + 2), tape.carve(most + 2))
    planes = tape.carve(2 * planeStride * 3)
    values = tape.carve(2 * count * 6)
    byteCount = tape.used
  }

  private static func padded(_ taps: Int) -> Int {
    let multiple = Int(MARTLET_VISION_TAP_MULTIPLE)
    return (taps + multiple - 1) / multiple * multiple
  }
}
