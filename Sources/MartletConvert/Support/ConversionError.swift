import MartletDevice

/// Why a model could not be converted: one or more complete lines, each naming the thing and the reason.
public struct ConversionError: Error, Equatable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// The source is not what it should be: truncated, inconsistent, not a model.
    case badData
    /// The source is sound but holds something that Martlet does not run.
    case unsupported
    /// The request contradicts the model: labels that don't match, options that don't apply.
    case badRequest
    /// A file is not there or not readable.
    case missingFile
    /// The result cannot be created.
    case cannotCreate
    /// Reading or writing failed.
    case inputOutput
  }

  public var kind: Kind
  public var lines: [String]

  public init(_ kind: Kind, _ line: String) {
    self.kind = kind
    self.lines = [line]
  }

  public init(_ kind: Kind, lines: [String]) {
    self.kind = kind
    self.lines = lines
  }

  public var description: String { lines.joined(separator: "\n") }

  static func badData(_ line: String) -> ConversionError { ConversionError(.badData, line) }
  static func unsupported(_ line: String) -> ConversionError { ConversionError(.unsupported, line) }
}

/// Largest sizes that the converter takes, so that a small hostile file cannot ask for a large machine.
enum ConversionLimits {
  static let sourceBytes = 1 << 30
  static let subgraphs = 1 << 10
  static let operatorCodes = 1 << 12
  static let buffers = 1 << 18
  static let nameBytes = 1 << 10
  /// Largest rank of a source tensor; TensorFlow Lite itself stops at 8.
  static let sourceRank = 8
  static let operandsPerOperator = 1 << 10
  static let operators = 1 << 14
  /// Of a window's height, width, strides and pads: the loader's limit.
  static let window = 1 << 12
  static let weightsBytes = 1 << 30
  /// Constants larger than this are not folded.
  static let foldedElements = 1 << 24
  /// Nodes of a TensorFlow Lite model that are folded; of an ONNX model any may be, as its shapes are computed so.
  static let foldings = 1 << 10
  static let foldedBytes = 1 << 27
  /// Elements read and written, or products added.
  static let foldedWork = 1 << 29
  /// Of a value that is computed in real numbers.
  static let floatElements = 1 << 25
  static let labelBytes = 1 << 22
}

/// Text from an untrusted file, fit for one line of a terminal.
func printable(_ text: String) -> String {
  let limit = 120
  let scalars = text.unicodeScalars
  let shown = String(String.UnicodeScalarView(scalars.prefix(limit))).visible()
  return scalars.count > limit ? shown + "..." : shown
}
