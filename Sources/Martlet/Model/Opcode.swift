import CMartletKernels

/// The operators of a file, one case for each row of `martlet_operators.h`.
public typealias Opcode = martlet_opcode

extension Opcode {
  /// The operator of that number in a file; nil where there is none. (An imported enumeration takes any raw value.)
  public init?(code: UInt16) {
    guard martlet_operator_of(code) != nil else { return nil }
    self.init(rawValue: RawValue(code))
  }

  /// Its number in a file.
  public var code: UInt16 { UInt16(rawValue) }

  /// Its row in the table of operators.
  public var row: martlet_operator { martlet_operator_of(code).pointee }
}
