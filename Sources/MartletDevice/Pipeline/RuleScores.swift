import Martlet

/// A model's scores as its rules read them: output 0, quantized, in the arena.
public struct RuleScores {
  private let values: UnsafeBufferPointer<Int8>
  private let zeroPoint: Int32
  private let scale: Float
  /// Of the last `update`.
  public private(set) var best = -Float.infinity
  public private(set) var bestIndex = 0
  public private(set) var isUnknown = false

  /// - Parameter engine: its output 0 is int8 or uint8; must outlive this.
  public init(_ engine: borrowing Engine) {
    let boundary = engine.manifest.outputs[0]
    values = engine.bytes(ofTensor: Int(boundary.tensor)).bindMemory(to: Int8.self)
    zeroPoint = RuleScores.zeroPoint(boundary)
    scale = boundary.scale
  }

  /// The arena holds a uint8 output shifted by 128, its zero point likewise.
  private static func zeroPoint(_ boundary: BoundaryRecord) -> Int32 {
    boundary.zeroPoint - (boundary.type == UInt32(ElementType.uint8.rawValue) ? 128 : 0)
  }

  public var count: Int { values.count }

  /// The highest score that an output can have.
  static func highest(_ boundary: BoundaryRecord) -> Float { Float(127 - zeroPoint(boundary)) * boundary.scale }

  public func raw(_ index: Int) -> Int8 { values[index] }

  public func score(_ index: Int) -> Float { Float(Int32(values[index]) - zeroPoint) * scale }

  /// After an inference: finds the best class, and whether the frame is unknown.
  public mutating func update(unknownBelow: Float?) {
    var best = 0
    for index in 1..<max(values.count, 1) where values[index] > values[best] { best = index }
    bestIndex = best
    self.best = values.isEmpty ? -.infinity : score(best)
    isUnknown = unknownBelow.map { self.best < $0 } ?? false
  }

  /// The rule's score in this decision: see `RuleState`.
  ///
  /// - Parameter classes: indices of classes, each less than `count`.
  public func score(of classes: UnsafeBufferPointer<Int32>, includesUnknown: Bool) -> Float {
    if isUnknown { return includesUnknown ? .infinity : -.infinity }
    var highest = -Float.infinity
    for index in classes { highest = max(highest, score(Int(index))) }
    return highest
  }
}
