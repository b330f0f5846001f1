import CMartletKernels

/// A row of weights in four bits, on two levels: w = step * multiplier * q - floorStep * floor, with a multiplier and a
/// floor for each half group, see `martlet_matrix`.
struct Int4Row {
  struct Level {
    var multiplier: UInt8
    var floor: UInt8
  }

  /// bfloat16s.
  let step: Float
  let floorStep: Float
  let levels: [Level]
  /// [columns], 0...15.
  let integers: [UInt8]

  /// - Parameters:
  ///   - row: finite.
  ///   - importance: of each column's error, at least 0; nil: all the same.
  init(_ row: UnsafeBufferPointer<Float>, importance: [Float]? = nil) {
    let half = Int(MARTLET_HALF_GROUP)
    let runs = stride(from: 0, to: row.count, by: half).map { $0..<min($0 + half, row.count) }
    let fits = runs.map { Int4Fit(UnsafeBufferPointer(rebasing: row[$0]), importance.map { ArraySlice($0) }?[$0]) }
    step = GroupScale.bfloat((fits.map(\.scale).max() ?? 0) / 255, up: true)
    floorStep = GroupScale.bfloat((fits.map(\.floor).max() ?? 0) / 255, up: true)
    var levels: [Level] = []
    var integers: [UInt8] = []
    for (run, fit) in zip(runs, fits) {
      let level = Level(
        multiplier: step == 0 ? 0 : UInt8(min(255, (fit.scale / step).rounded())),
        floor: floorStep == 0 ? 0 : UInt8(min(255, (fit.floor / floorStep).rounded())))
      let scale = step * Float(level.multiplier)
      let floor = floorStep * Float(level.floor)
      for value in row[run] { integers.append(UInt8(Int4Fit.integer(value, scale, floor))) }
      levels.append(level)
    }
    self.levels = levels
    self.integers = integers
  }
}

/// The scale and the floor (at least 0) with which scale * q - floor comes closest to some weights.
///
/// Several scales around that of the extremes are tried; each trial's integers give the scale and the floor that fit
/// them best, by least squares. As llama.cpp's K-quants do.
struct Int4Fit {
  private(set) var scale: Float = 0
  private(set) var floor: Float = 0

  init(_ values: UnsafeBufferPointer<Float>, _ importance: ArraySlice<Float>?) {
    let low = min(0, values.min() ?? 0)
    let high = max(0, values.max() ?? 0)
    guard high > low else { return }
    let square = values.reduce(0) { $0 + $1 * $1 } / Float(values.count)
    var weights = [Float](repeating: 0, count: values.count)
    for (i, value) in values.enumerated() {
      // Without a better word, large weights matter most.
      weights[i] = importance.map { $0[$0.startIndex + i] } ?? (value * value + square)
    }
    var least = Float.infinity
    for trial in -10...5 {
      let first = (high - low) / (15 + 0.1 * Float(trial))
      guard let fit = Int4Fit.leastSquares(values, weights, first, -low) else { continue }
      if fit.error < least { (scale, floor, least) = fit }
    }
    if least == .infinity { (scale, floor) = ((high - low) / 15, -low) }
  }

  /// The integer (0...15) nearest to a weight.
  static func integer(_ value: Float, _ scale: Float, _ floor: Float) -> Float {
    scale == 0 ? 0 : max(0, min(15, ((value + floor) / scale).rounded(.toNearestOrEven)))
  }

  private static func leastSquares(
    _ values: UnsafeBufferPointer<Float>, _ weights: [Float], _ scale: Float, _ floor: Float
  ) -> (scale: Float, floor: Float, error: Float)? {
    // Of weights, integers, their squares, values, and products of both.
    var (w, q, qq, v, qv) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (i, value) in values.enumerated() {
      let integer = Double(integer(value, scale, floor))
      let weight = Double(weights[i])
      w += weight
      q += weight * integer
      qq += weight * integer * integer
      v += weight * Double(value)
      qv += weight * integer * Double(value)
    }
    let determinant = w * qq - q * q
    guard determinant > 1e-12 * w * qq, qq > 0 else { return nil }
    var found = ((w * qv - q * v) / determinant, (q * qv - qq * v) / determinant)
    if found.1 < 0 { found = (qv / qq, 0) }
    guard found.0 > 0 else { return nil }
    let fit = (scale: Float(found.0), floor: Float(found.1))
    var error: Float = 0
    for (i, value) in values.enumerated() {
      let difference = fit.scale * integer(value, fit.scale, fit.floor) - fit.floor - value
      error += weights[i] * difference * difference
    }
    return (fit.scale, fit.floor, error)
  }
}
