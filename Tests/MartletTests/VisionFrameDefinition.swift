@testable import Martlet

extension VisionFrameTests {
  /// `Resizer`'s answer.
  func resizedPicture(
    _ picture: TestPicture, _ width: Int, _ height: Int, _ channels: Int, _ policy: ResizePolicy,
    _ orientation: Orientation, _ isBlueFirst: Bool
  ) -> [UInt8] {
    resized(
      picture, to: width, height, channels: channels, policy: policy, orientation: orientation,
      isBlueFirst: isBlueFirst)
  }

  /// Y, Cb, Cr to red, green, blue without any rounding.
  static func inDouble(_ y: UInt8, _ cb: UInt8, _ cr: UInt8, _ shape: FrameShape) -> [Double] {
    let (red, blue) = [(0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)][Int(shape.matrix.rawValue)]
    let luma = shape.isFullRange ? Double(y) : (Double(y) - 16) * 255 / 219
    let c = shape.isFullRange ? 1 : 255.0 / 224
    let (b, r) = ((Double(cb) - 128) * c, (Double(cr) - 128) * c)
    let (redPart, bluePart) = (2 * (1 - red) * r, 2 * (1 - blue) * b)
    return [luma + redPart, luma - (red * redPart + blue * bluePart) / (1 - red - blue), luma + bluePart]
  }

  /// The definition, pixel by pixel: each pixel has its own Y, Cb and Cr, all are filtered alike.
  func plain(
    _ frame: TestFrame, _ width: Int, _ height: Int, _ channels: Int, _ policy: ResizePolicy
  ) -> [UInt8] {
    let shape = frame.shape
    let (used, turn) = (shape.usedBox, shape.orientation)
    let swaps = turn.swapsAxes
    let geometry = ResizeGeometry(
      width: swaps ? used.height : used.width, height: swaps ? used.width : used.height, targetWidth: width,
      targetHeight: height, policy: policy)
    var source = geometry.source
    if swaps { source = PixelBox(x: source.y, y: source.x, width: source.height, height: source.width) }
    if turn.reversesX { source.x = used.width - source.x - source.width }
    if turn.reversesY { source.y = used.height - source.y - source.height }
    let box = geometry.target
    let (columnCount, rowCount) = swaps ? (box.height, box.width) : (box.width, box.height)
    let columns = (0..<columnCount).map { weights(source.width, columnCount, $0) }
    let rows = (0..<rowCount).map { weights(source.height, rowCount, $0) }

    var result = [UInt8](repeating: 128, count: width * height * channels)
    for row in 0..<rowCount {
      let line = (0..<source.width).map { x in
        rows[row].reduce(into: [0, 0, 0]) { sums, tap in
          let (a, b, c) = frame.pixel(used.x + source.x + x, used.y + source.y + tap.source)
          for (index, value) in [a, b, c].enumerated() { sums[index] += tap.value * Int(value) }
        }.map { ($0 + 64) >> 7 }
      }
      for column in 0..<columnCount {
        let sums = columns[column].reduce(into: [0, 0, 0]) { sums, tap in
          for index in 0..<3 { sums[index] += tap.value * line[tap.source][index] }
        }
        let pixel = finish(sums, shape, channels)
        let (u, v) = (turn.reversesX ? columnCount - 1 - column : column, turn.reversesY ? rowCount - 1 - row : row)
        let (x, y) = swaps ? (v, u) : (u, v)
        let place = ((box.y + y) * width + box.x + x) * channels
        for index in 0..<channels { result[place + index] = pixel[index] }
      }
    }
    return result
  }

  private func weights(_ length: Int, _ count: Int, _ output: Int) -> [(source: Int, value: Int)] {
    VisionFilterTests.weights(FilterAxis(length: length, count: count), output).map { ($0.source, Int($0.value)) }
  }

  /// From the columns' sums, which have 21 fraction bits.
  private func finish(_ sums: [Int], _ shape: FrameShape, _ channels: Int) -> [UInt8] {
    if channels == 1 && shape.isFullRange { return [UInt8((sums[0] + (1 << 20)) >> 21)] }
    let values = sums.map { ($0 + (1 << 13)) >> 14 }
    func factor(_ k: Double) -> Int { Int((k * 8192).rounded()) }
    func clamped(_ sum: Int) -> UInt8 { UInt8(min(max((sum + (1 << 19)) >> 20, 0), 255)) }
    let (red, blue) = [(0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)][Int(shape.matrix.rawValue)]
    let green = 1 - red - blue
    let (s, c) = shape.isFullRange ? (1.0, 1.0) : (255.0 / 219, 255.0 / 224)
    let luma = factor(s) * (values[0] - (shape.isFullRange ? 0 : 16 * 128))
    if channels == 1 { return [clamped(luma)] }
    let (b, r) = (values[1] - 128 * 128, values[2] - 128 * 128)
    return [
      clamped(luma + factor(2 * c * (1 - red)) * r),
      clamped(luma + factor(-2 * c * (1 - blue) * blue / green) * b + factor(-2 * c * (1 - red) * red / green) * r),
      clamped(luma + factor(2 * c * (1 - blue)) * b),
    ]
  }
}
