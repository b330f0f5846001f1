import Foundation

/// Resize and its predecessor Upsample.
extension ONNXOperands {
  func importResize() throws(ConversionError) {
    let source = try computed(0)
    guard source.layout.count == 4 else {
      throw .unsupported("input has \(source.layout.count) dimensions, expected 4")
    }
    let sizes = shape(source)
    let isUpsample = node.opType == "Upsample"
    let hasRegion = !isUpsample && importer.opset >= 11
    let scaleIndex = hasRegion ? 2 : 1
    let named = try axes(integers("axes") ?? [0, 1, 2, 3], rank: 4)
    var output = sizes
    var scales = Array(repeating: Float(1), count: 4)
    if hasRegion, let given = try constantIntegers(3, "sizes"), !given.isEmpty {
      guard given.count == named.count else { throw .badData("sizes \(given) do not fit \(named.count) axes") }
      guard text("keep_aspect_ratio_policy", default: "stretch") == "stretch" else {
        throw .unsupported("keep_aspect_ratio_policy is not supported")
      }
      for (index, axis) in named.enumerated() {
        output[axis] = given[index]
        scales[axis] = Float(given[index]) / Float(sizes[axis])
      }
    } else {
      let found = hasInput(scaleIndex) ? try requireConstant(scaleIndex, "scales").reals : reals("scales") ?? []
      guard found.count == named.count, found.allSatisfy({ $0.isFinite && $0 > 0 && $0 <= 4096 }) else {
        throw .badData("scales \(found) are not valid")
      }
      for (index, axis) in named.enumerated() {
        scales[axis] = found[index]
        output[axis] = Int((Float(sizes[axis]) * found[index]).rounded(.down))
      }
    }
    try importer.checkShape(output, "output")
    guard output[0] == sizes[0], output[1] == sizes[1] else { throw .unsupported("resizes batch or channels") }
    let transform =
      isUpsample || importer.opset < 11
      ? "asymmetric" : text("coordinate_transformation_mode", default: "half_pixel")
    let mode = text("mode", default: "nearest")
    guard integer("antialias") == 0, integer("exclude_outside") == 0 else {
      throw .unsupported("antialias and exclude_outside are not supported")
    }
    let places = (2..<4).map { axis in
      (0..<output[axis]).map { Self.position($0, sizes[axis], output[axis], scales[axis], transform) }
    }
    guard places.allSatisfy({ !$0.contains(where: \.isNaN) }) else {
      throw .unsupported("coordinate_transformation_mode '\(transform)' is not supported")
    }
    let rounding = text("nearest_mode", default: isUpsample || importer.opset < 11 ? "floor" : "round_prefer_floor")
    let picture = try picture(source)
    let shape = [sizes[0], output[2], output[3], sizes[1]]
    for flags in [(false, false), (false, true), (true, false)] {
      let candidate = ResizeMode(alignCorners: flags.0, halfPixelCenters: flags.1)
      guard (0..<2).allSatisfy({ Self.agrees(candidate, places[$0], sizes[$0 + 2], output[$0 + 2], mode, rounding) })
      else { continue }
      let operation: Operation =
        mode == "nearest"
        ? .resizeNearest(alignCorners: flags.0, halfPixelCenters: flags.1)
        : .resizeBilinear(alignCorners: flags.0, halfPixelCenters: flags.1)
      return try definePicture(append(operation, [picture], shape), like: source, type: source.type)
    }
    throw .unsupported("the mode '\(mode)' with '\(transform)' and '\(rounding)' is not supported for these sizes")
  }

  /// Where output `i` lies in the input.
  private static func position(_ i: Int, _ from: Int, _ to: Int, _ scale: Float, _ transform: String) -> Double {
    let (x, scale) = (Double(i), Double(scale))
    switch transform {
    case "half_pixel": return (x + 0.5) / scale - 0.5
    case "pytorch_half_pixel": return to > 1 ? (x + 0.5) / scale - 0.5 : 0
    case "align_corners": return to > 1 ? x * Double(from - 1) / max(Double(from) * scale - 1, 1e-9) : 0
    case "asymmetric": return x / scale
    case "tf_half_pixel_for_nn": return (x + 0.5) / scale
    case "half_pixel_symmetric":
      let exact = Double(from) * scale
      let center = Double(from) / 2 * (1 - Double(to) / exact)
      return center + (x + 0.5) / scale - 0.5
    default: return .nan
    }
  }

  /// Whether a way that the device knows takes the same pixels.
  private static func agrees(
    _ candidate: ResizeMode, _ places: [Double], _ from: Int, _ to: Int, _ mode: String, _ rounding: String
  ) -> Bool {
    switch mode {
    case "nearest":
      return places.enumerated().allSatisfy { i, place in
        let index: Double
        switch rounding {
        case "round_prefer_floor": index = (place - 0.5).rounded(.up)
        case "round_prefer_ceil": index = (place + 0.5).rounded(.down)
        case "floor": index = place.rounded(.down)
        case "ceil": index = place.rounded(.up)
        default: return false
        }
        return candidate.nearest(i, from: from, to: to) == min(max(Int(index), 0), from - 1)
      }
    case "linear", "bilinear":
      func clamped(_ x: Double) -> Double { min(max(x, 0), Double(from - 1)) }
      return places.enumerated().allSatisfy { i, place in
        abs(clamped(place) - clamped(Double(candidate.position(i, from: from, to: to)))) < 1e-4
      }
    default: return false
    }
  }
}
