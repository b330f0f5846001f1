/// Why a byte string is not a model, or why a model cannot run here.
///
/// A plain value: the sentence is written by those who may build text.
public struct ModelError: Error, Equatable {
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// Shorter than a header. found = bytes.
    case tooShort
    /// Not a .martlet file. found = first four bytes, little-endian.
    case wrongMagic
    /// Written by another version. found = its version, expected = ours.
    case wrongVersion
    /// The header's length is not the file's. found = bytes in the file, expected = bytes in the header.
    case wrongLength
    /// A stored hash is not that of the bytes.
    case wrongHash
    /// Something that must be there is not. expected = what (section kind, ...).
    case missing
    /// Something is there twice.
    case duplicate
    /// Bytes end too late. found = end, expected = limit.
    case outOfBounds
    /// A count or size is over its limit. found, expected = limit.
    case overLimit
    /// An offset that is not aligned. found = offset, expected = alignment.
    case misaligned
    /// An enumeration's raw value that does not exist. found = value.
    case unknownValue
    /// Two numbers that must agree do not. found, expected.
    case mismatch
    /// A number outside its range. found = number, expected = nearest limit.
    case outOfRange
    /// An operator reads or writes memory that it may not share with another operand. found, expected = tensor indices.
    case overlap
    /// A weight, scale or bias that is a NaN or an infinity. index = the tensor, found = its place there.
    case notFinite
    /// Operators that cannot run strip by strip. found = the `CascadeFault`, expected = the operator.
    case notCascade
    /// A tokenizer without a model.
    case noModel
    /// The caller's arena is too small. found = its bytes, expected = bytes needed.
    case arenaTooSmall
    /// The caller's region is not aligned to 64 bytes.
    case arenaMisaligned
    /// The file changed while it was being read.
    case changed
  }

  public enum Place: UInt8, Sendable, BitwiseCopyable {
    case file, header, sectionTable, section, manifest, input, output, tensor, `operator`, plan, labels, pixels, arena
    case language, tokenizer, chat
    case cascade
  }

  public var kind: Kind
  public var place: Place
  /// Section kind, tensor or operator index, by place.
  public var index: Int32
  /// Opcode of the operator, if the place is one; else 0.
  public var opcode: UInt16
  /// The field that is wrong, as the format's documentation spells it.
  public var field: StaticString
  public var found: Int64
  public var expected: Int64

  public init(
    _ kind: Kind, _ place: Place, index: Int = 0, opcode: UInt16 = 0, field: StaticString = "", found: Int64 = 0,
    expected: Int64 = 0
  ) {
    self.kind = kind
    self.place = place
    self.index = Int32(truncatingIfNeeded: index)
    self.opcode = opcode
    self.field = field
    self.found = found
    self.expected = expected
  }

  public static func == (a: ModelError, b: ModelError) -> Bool {
    a.kind == b.kind && a.place == b.place && a.index == b.index && a.found == b.found && a.expected == b.expected
  }
}
