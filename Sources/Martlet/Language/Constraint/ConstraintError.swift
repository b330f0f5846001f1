/// Why a schema or a list of choices cannot constrain an output.
///
/// A plain value: the sentence, with line and column, is written by those who may build text.
public struct ConstraintError: Error, Equatable {
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// More bytes than `Constraint.maxSourceBytes`, or more values, levels or alternatives than fit.
    case overLimit
    /// Not JSON as RFC 8259 has it, or an object with one key twice.
    case syntax
    /// JSON Schema beyond the subset that `Constraint` knows. The text at `position` is its name.
    case unsupported
    /// A known keyword with a value that it cannot have.
    case badValue
    /// A schema that nothing satisfies.
    case nothingAllowed
    /// A choice that is empty, there twice or spelt wrongly.
    case badChoice
    /// The caller's region is too small or not aligned to 8 bytes.
    case badRegion
  }

  public var kind: Kind
  /// The byte of the source at which it is wrong, from 0.
  public var position: Int
  public var reason: StaticString

  init(_ kind: Kind, at position: Int, _ reason: StaticString) {
    self.kind = kind
    self.position = position
    self.reason = reason
  }

  public static func == (a: ConstraintError, b: ConstraintError) -> Bool {
    a.kind == b.kind && a.position == b.position
  }
}
