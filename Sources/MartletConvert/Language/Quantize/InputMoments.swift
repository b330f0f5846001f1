import CMartletFloat
import Foundation

/// Second moments x' x of a matrix's inputs over a text: what errors of its weights cost together.
///
/// Bits do not depend on the number of threads. Takes 4 * depth^2 bytes.
final class InputMoments: @unchecked Sendable {
  let depth: Int
  /// [depth, depth]: of use is the lower triangle.
  private let values: UnsafeMutablePointer<Float>
  private static let strip = 64

  init(depth: Int) {
    self.depth = depth
    values = .allocate(capacity: depth * depth)
    values.initialize(repeating: 0, count: depth * depth)
  }

  deinit { values.deallocate() }

  private var strips: Int { (depth + InputMoments.strip - 1) / InputMoments.strip }

  private func bounds(_ strip: Int) -> (first: Int, last: Int) {
    (strip * InputMoments.strip, min(depth, (strip + 1) * InputMoments.strip))
  }

  /// - Parameter x: [tokens, stride].
  func add(_ x: UnsafePointer<Float>, stride: Int, tokens: Int) {
    nonisolated(unsafe) let x = x
    // The longest rows first.
    DispatchQueue.concurrentPerform(iterations: strips) { index in
      let (first, last) = bounds(strips - 1 - index)
      martlet_float_moments(values, depth, first, last, x, stride, tokens)
    }
  }

  /// What rounding needs; nil where there was no input but zeros. The moments are used up.
  ///
  /// - Parameter damping: joins the diagonal, as a share of its mean: how much an error weighs where the text was
  ///   silent.
  func factor(damping: Float) throws(ConversionError) -> InputFactor? {
    let diagonal = (0..<depth).map { values[$0 * depth + $0] }
    let mean = diagonal.reduce(0.0) { $0 + Double($1) } / Double(depth)
    guard mean.isFinite else { throw .badData("the calibration text drives a layer's inputs out of float32's range") }
    guard mean > 0 else { return nil }
    var share = damping
    for _ in 0..<6 {
      let added = diagonal.map { $0 + share * Float(mean) }
      if factorize(added) { return InputFactor(self, importance: added) }
      share *= 10
    }
    throw .badData("the calibration text's inputs of a layer cannot be factorized")
  }

  /// Row i from the diagonal on, which is left as 1.
  var rows: UnsafePointer<Float> { UnsafePointer(values) }

  private func factorize(_ diagonal: [Float]) -> Bool {
    for row in 0..<depth {
      values[row * depth + row] = diagonal[row]
      for column in row + 1..<max(depth, row + 1) { values[row * depth + column] = values[column * depth + row] }
    }
    for index in 0..<strips {
      let (first, last) = bounds(index)
      guard martlet_float_factor(values, depth, first, last, first, last) != 0 else { return false }
      DispatchQueue.concurrentPerform(iterations: strips - 1 - index) { next in
        let (left, right) = bounds(index + 1 + next)
        _ = martlet_float_factor(values, depth, first, last, left, right)
      }
    }
    for row in 0..<depth {
      let inverse = 1 / values[row * depth + row]
      for column in row..<depth { values[row * depth + column] *= inverse }
    }
    return true
  }
}

/// x' x (with damping) as U' U, for rounding a matrix's rows one column after another.
struct InputFactor: Sendable {
  private let moments: InputMoments
  /// [columns]: what a squared error of each column weighs by itself.
  let importance: [Float]

  fileprivate init(_ moments: InputMoments, importance: [Float]) {
    self.moments = moments
    self.importance = importance
  }

  var columns: Int { importance.count }
  /// [columns, columns], see `martlet_float_int4_params`.
  var rows: UnsafePointer<Float> { moments.rows }
}
