/// The `.martlet` file: little-endian, fixed-size records, no pointers, every offset relative to the file.
///
/// ```
/// FileHeader | SectionRecord x sectionCount | sections, each aligned to 64 bytes
/// ```
/// The structs here are the records byte for byte. Their layout is pinned by a test.
///
/// The version counts for the whole file, its language model, tokenizer and chat format included. A file of another
/// version is refused, and has to be converted again. Until the first tagged release version 2 is open: whatever the
/// format still needs changes it in place. From that release on every later 1.x runs version 2 with the same bits, and
/// a change is version 3. A `reserved` field is 0, or the file is refused: no later meaning of it goes unnoticed.
///
/// Text (names, labels, provenance) is written as UTF-8. It is only shown, so a file is not refused for it: whoever
/// makes text of it puts U+FFFD for what is none.
public enum ModelFormat {
  /// "MARTLET\0" read as a little-endian integer.
  public static let magic: UInt64 = 0x0054_454C_5452_414D
  public static let version: UInt32 = 2
  public static let alignment = 64

  // Limits. A file beyond them is refused, whatever its size; `ModelLimits` holds those on what it asks for.
  public static let maxSections = 16
  public static let maxTensors = 1 << 16
  public static let maxOperators = 1 << 16
  public static let maxRank = 6
  public static let maxBoundaries = 8
  /// Largest number of elements in one tensor, and largest arena in bytes.
  public static let maxElements = 1 << 30
  public static let maxLabels = 1 << 16
  /// In place of a tensor index: the operator does not have this operand.
  public static let none = UInt32.max
}

/// 32 bytes at the start of the file.
public struct FileHeader: BitwiseCopyable {
  public var magic: UInt64 = ModelFormat.magic
  public var version: UInt32 = ModelFormat.version
  public var sectionCount: UInt32 = 0
  public var fileLength: UInt64 = 0
  /// XXH64 of the section table, seeded with the file's length.
  public var tableHash: UInt64 = 0
  public init() {}
}

public enum SectionKind: UInt32 {
  case manifest = 1
  case tensors = 2
  case operators = 3
  case plan = 4
  case weights = 5
  /// Names of tensors, UTF-8, not terminated.
  case names = 6
  /// (count + 1) UInt32 offsets into the UTF-8 text that follows them, then the text.
  case labels = 7
  /// 3 x 256 int8: what pixel value 0...255 of red, green and blue becomes in the input tensor.
  case pixels = 8
  /// UTF-8 lines `key: value`: source file's SHA-256, converter version, calibration.
  case provenance = 9
  case tokenizer = 10
  case chat = 11
  /// Reserved: nothing signs or checks it yet.
  case signature = 12
  /// LanguageRecord, then LanguageTensorRecord x count: a language model in place of tensors, operators and plan.
  case language = 13
  /// CascadeRecord x count: operators that run strip by strip. May be absent.
  case cascades = 14
}

/// 32 bytes.
public struct SectionRecord: BitwiseCopyable {
  public var kind: UInt32 = 0
  public var reserved: UInt32 = 0
  /// From the start of the file, a multiple of 64.
  public var offset: UInt64 = 0
  public var length: UInt64 = 0
  /// XXH64 of the section's bytes, seed 0. Checked at load for all but weights, which `verify` checks.
  public var hash: UInt64 = 0
  public init() {}
}

public enum ModelTask: UInt32 {
  /// Tensors in, tensors out.
  case tensors = 0
  /// A picture in, a score for each label out.
  case classification = 1
  /// Token ids in, a score for each token out.
  case language = 2
}

/// How a picture is fitted to the model's input.
public enum ResizePolicy: UInt32, Sendable {
  /// The whole picture, its sides scaled independently.
  case stretch = 0
  /// The largest centred part that has the input's aspect ratio.
  case crop = 1
  /// The whole picture in its own aspect ratio, centred, the rest filled with mid-grey.
  case letterbox = 2
}

public enum ElementType: UInt8 {
  case int8 = 1
  case uint8 = 2
  case int32 = 3
  case int64 = 4
  case float32 = 5

  public var byteCount: Int {
    switch self {
    case .int8, .uint8: 1
    case .int32, .float32: 4
    case .int64: 8
    }
  }
}

/// 16 bytes: a tensor at the model's edge, in the type that the source model had there.
///
/// The arena holds int8 where this says int8, uint8 or float32; `real = (q - zeroPoint) * scale` with q in the
/// boundary's own type for int8 and uint8, and in int8 for float32.
public struct BoundaryRecord: BitwiseCopyable {
  public var tensor: UInt32 = ModelFormat.none
  public var type: UInt32 = 0
  public var scale: Float = 0
  public var zeroPoint: Int32 = 0
  public init() {}
}

/// 284 bytes.
public struct ManifestRecord: BitwiseCopyable {
  public var task: UInt32 = 0
  public var inputCount: UInt32 = 0
  public var outputCount: UInt32 = 0
  public var labelCount: UInt32 = 0
  public var resizePolicy: UInt32 = 0
  /// 0: red, green, blue; 1: blue, green, red. For one channel: luma.
  public var channelOrder: UInt32 = 0
  /// For a cropped picture: to how many pixels its shorter side is scaled before the input's size is cut out of the
  /// middle. 0: to the input's own shorter side.
  public var shorterSide: UInt32 = 0
  public var inputs: InlineArray<8, BoundaryRecord> = InlineArray(repeating: BoundaryRecord())
  public var outputs: InlineArray<8, BoundaryRecord> = InlineArray(repeating: BoundaryRecord())
  public init() {}
}

/// 24 bytes: the memory plan of the tensors; their offsets are in the tensor records.
public struct PlanRecord: BitwiseCopyable {
  /// Bytes from the start of the tensor region to the end of the highest tensor, a multiple of 64.
  public var plannedPeakBytes: UInt64 = 0
  /// The largest sum of live tensors (each rounded up to 64) at any operator or cascade: no plan of this schedule can
  /// be smaller.
  public var lowerBoundBytes: UInt64 = 0
  /// The same where every tensor exists whole.
  public var wholeLowerBoundBytes: UInt64 = 0
  public init() {}
}

public enum TensorStorage: UInt8 {
  /// `offset` is into the arena's tensor region.
  case arena = 0
  /// `offset` is into the weights section; the bytes are read in place.
  case weights = 1
}

/// 64 bytes. A packed constant (convolution weights, a table) has rank 1 and type int8.
public struct TensorRecord: BitwiseCopyable {
  public var type: UInt8 = 0
  public var storage: UInt8 = 0
  public var rank: UInt8 = 0
  public var reserved0: UInt8 = 0
  /// Outermost first; those beyond `rank` are 1.
  public var dims: InlineArray<6, UInt32> = InlineArray(repeating: 1)
  public var scale: Float = 0
  public var zeroPoint: Int32 = 0
  /// 0: the arena holds the whole tensor. Else, inside a cascade, `ringRows` rows of it at a time, row y at place
  /// y mod ringRows: a multiple of its producer's strip, less than dims[1].
  public var ringRows: UInt32 = 0
  /// A multiple of 64.
  public var offset: UInt64 = 0
  /// Product of the dimensions times the element size, of the whole tensor.
  public var byteCount: UInt64 = 0
  public var nameOffset: UInt32 = 0
  public var nameLength: UInt32 = 0
  public init() {}
}

/// 160 bytes. Operators run in file order.
///
/// `parameters` is the C record of the operator (`martlet_conv2d_params`, ...), zero-padded.
/// Several tensor records may share one arena offset (a reshape is nothing but a second record).
public struct OperatorRecord: BitwiseCopyable {
  public var opcode: UInt16 = 0
  /// TensorFlow Lite's number of the operator that this one came from, for messages and profiles.
  public var sourceCode: UInt16 = 0
  /// Index of that operator in the source model.
  public var sourceIndex: UInt32 = 0
  public var input0: UInt32 = ModelFormat.none
  public var input1: UInt32 = ModelFormat.none
  public var output: UInt32 = ModelFormat.none
  /// The packed constant: convolution weights or a 256-byte table.
  public var constant: UInt32 = ModelFormat.none
  public var parameters: InlineArray<34, Int32> = InlineArray(repeating: 0)
  public init() {}

  static let parametersOffset = 24

  /// The parameters as the C record of the operator, `martlet_conv2d_params` and the like.
  public func parameters<T: BitwiseCopyable>(as type: T.Type) -> T {
    withUnsafeBytes(of: parameters) { $0.loadUnaligned(as: type) }
  }
}
