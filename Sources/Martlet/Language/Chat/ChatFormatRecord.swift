/// The section `chat`: one `ChatFormatRecord`, then the bytes of its texts (UTF-8). Little-endian; every offset is from
/// the start of the section.
public enum ChatLayout {
  public static let pieces = 8
  public static let maxStops = 4
  /// Longest piece in bytes. A default system text is a few hundred.
  public static let maxPieceBytes = 1 << 14
  public static let maxStopBytes = 64
}

/// The literal texts of a chat format, in the order in which the record has them.
public enum ChatPiece: Int, Sendable {
  /// Before the first user's text where no system text is given: a default system turn, if the format has one, and
  /// the header of the user's turn.
  case start
  /// Before and after the system text where one is given; after it comes the first user's text.
  case systemPrefix, systemSuffix
  /// Around each later user's text. The suffix follows the first one too.
  case userPrefix, userSuffix
  /// Around each answer of the history.
  case assistantPrefix, assistantSuffix
  /// After the last user's text, where the answer is to begin.
  case generationPrompt
}

/// What a format does beside putting texts together. No `OptionSet`: that brings in arrays.
public struct ChatFlags: Sendable, BitwiseCopyable {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// None of them.
  public static let nothing = ChatFlags(rawValue: 0)

  public func contains(_ other: ChatFlags) -> Bool { rawValue & other.rawValue == other.rawValue }

  public func union(_ other: ChatFlags) -> ChatFlags { ChatFlags(rawValue: rawValue | other.rawValue) }

  /// White space (that of Python's `str.strip`) is taken from the start or the end of a text.
  public static let trimsSystemStart = ChatFlags(rawValue: 1 << 0)
  public static let trimsSystemEnd = ChatFlags(rawValue: 1 << 1)
  public static let trimsUserStart = ChatFlags(rawValue: 1 << 2)
  public static let trimsUserEnd = ChatFlags(rawValue: 1 << 3)
  /// As `trimsUserStart`, for the user's text that follows the system text.
  public static let trimsUserStartAfterSystem = ChatFlags(rawValue: 1 << 4)
  public static let trimsAssistantStart = ChatFlags(rawValue: 1 << 5)
  public static let trimsAssistantEnd = ChatFlags(rawValue: 1 << 6)
  /// Of an answer in the history only what follows its last `</think>` is kept.
  public static let dropsReasoning = ChatFlags(rawValue: 1 << 7)
  /// With `dropsReasoning`: the line ends after `</think>` go too.
  public static let dropsReasoningLines = ChatFlags(rawValue: 1 << 8)
  /// The system text stands in the last user's turn (between the turn's header and `systemSuffix`), not at the start.
  public static let systemInLastTurn = ChatFlags(rawValue: 1 << 9)
  /// The format itself puts the beginning-of-sequence token first. It is in none of the pieces.
  public static let startsWithBeginning = ChatFlags(rawValue: 1 << 10)

  static let known = ChatFlags(rawValue: (1 << 11) - 1)
}

/// 8 bytes.
public struct ChatTextRecord: BitwiseCopyable, Sendable {
  public var offset: UInt32 = 0
  public var length: UInt32 = 0
  public init() {}
}

/// 16 bytes: a piece, and how much of it at both ends holds no control token. What is there belongs to the running text
/// beside it and is tokenized together with it.
public struct ChatPieceRecord: BitwiseCopyable, Sendable {
  public var offset: UInt32 = 0
  public var length: UInt32 = 0
  /// Bytes before the first control token; the whole length if there is none.
  public var headLength: UInt32 = 0
  /// Bytes after the last control token; 0 if there is none.
  public var tailLength: UInt32 = 0
  public init() {}
}

/// 168 bytes.
public struct ChatFormatRecord: BitwiseCopyable, Sendable {
  public var flags: UInt32 = 0
  public var stopCount: UInt32 = 0
  /// Indexed by `ChatPiece`.
  public var pieces: InlineArray<8, ChatPieceRecord> = InlineArray(repeating: ChatPieceRecord())
  /// Texts that end an answer, such as `<|im_end|>`.
  public var stops: InlineArray<4, ChatTextRecord> = InlineArray(repeating: ChatTextRecord())
  public init() {}
}
