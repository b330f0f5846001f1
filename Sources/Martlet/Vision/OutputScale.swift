/// What the bytes of an output stand for, as the arena holds them.
public struct OutputScale: BitwiseCopyable, Sendable {
  private let zeroPoint: Int32
  private let scale: Float

  /// - Parameter boundary: of an int8 or uint8 output.
  public init(_ boundary: BoundaryRecord) {
    // The arena holds a uint8 output shifted by 128, its zero point likewise.
    zeroPoint = boundary.zeroPoint - (boundary.type == UInt32(ElementType.uint8.rawValue) ? 128 : 0)
    scale = boundary.scale
  }

  /// `(q - zeroPoint) * scale`
  public func real(_ q: Int8) -> Float { Float(Int32(q) - zeroPoint) * scale }

  /// No byte stands for more.
  public var highest: Float { real(.max) }
}
