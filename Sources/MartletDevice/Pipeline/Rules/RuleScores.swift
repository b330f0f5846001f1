import Martlet

/// A model's scores as its rules read them: output 0, quantized, in the arena.
public struct RuleScores {
  private let values: UnsafeBufferPointer<Int8>
  private let scale: OutputScale
  /// Of the last `update`.
  public private(set) var best = -Float.infinity
  public private(set) var bestIndex = 0
  public private(set) var isUnknown = false
  /// Between the best two classes; infinity where there is one.
  public private(set) var margin = Float.infinity

  /// - Parameter engine: its output 0 is int8 or uint8; must outlive this.
  public init(_ engine: borrowing Engine) {
    let boundary = engine.manifest.outputs[0]
    values = engine.bytes(ofTensor: Int(boundary.tensor)).bindMemory(to: Int8.self)
    scale = OutputScale(boundary)
  }

  public var count: Int { values.count }

  public func raw(_ index: Int) -> Int8 { values[index] }

  public func score(_ index: Int) -> Float { scale.real(values[index]) }

  /// After an inference: finds the best class, and whether the frame is unknown.
  public mutating func update(unknownBelow: Float?) {
    var best = 0
    var second = Int8.min
    for index in 1..<max(values.count, 1) {
      if values[index] > values[best] {
        second = values[best]
        best = index
      } else {
        second = max(second, values[index])
      }
    }
    bestIndex = best
    self.best = values.isEmpty ? -.infinity : score(best)
    margin = values.count < 2 ? .infinity : self.best - scale.real(second)
    isUnknown = unknownBelow.map { self.best < $0 } ?? false
  }

  /// The rule's score in this decision: see `RuleState`.
  ///
  /// - Parameter classes: indices of classes, each less than `count`; without any, and without unknown, whatever is
  ///   best.
  public func score(of classes: [Int32], includesUnknown: Bool) -> Float {
    if classes.isEmpty, !includesUnknown { return best }
    if isUnknown { return includesUnknown ? .infinity : -.infinity }
    var highest = -Float.infinity
    for index in classes { highest = max(highest, score(Int(index))) }
    return highest
  }
}
