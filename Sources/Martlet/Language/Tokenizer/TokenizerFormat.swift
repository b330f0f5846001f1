/// The section `tokenizer` of a `.martlet` file: little-endian, fixed-size records, every offset relative to the
/// section.
///
/// ```
/// TokenizerHeader | TokenRecord x tokenCount | texts | token table | MergeRecord x mergeCount | merge table |
/// Int32 x 256 byte tokens | UInt32 x specialCount | Int32 x endCount
/// ```
/// in any order; the header says where each array begins. Nothing needs alignment.
///
/// - Texts are the raw bytes that tokens stand for in the output: byte-level BPE is already decoded from its printable
///   alphabet, SentencePiece's U+2581 is a space. The token table and the matching of text use the same bytes, since
///   text is brought into that form first.
/// - The token table finds a normal token by its text; the merge table finds a merge by its two tokens. Both are open
///   addressing with linear probing: a power of two of UInt32, 0 for empty, else index + 1. `probeLimit` bounds a
///   search.
/// - The specials are tokens that are found in the text before anything else, ordered by their bytes, so that the
///   longest match at a position is found by narrowing a range byte after byte.
public enum TokenizerFormat {
  // Limits. A section beyond them is refused.
  public static let maxTokens = 1 << 20
  public static let maxMerges = 1 << 21
  public static let maxSpecials = 1 << 16
  public static let maxEnds = 64
  /// Longest text of a token, in bytes.
  public static let maxTextBytes = (1 << 16) - 1
  /// Longest text in the token table of a model that searches it substring by substring.
  public static let maxPieceBytes = 1024
  public static let maxProbes = 255
  /// In place of a token.
  public static let none: Int32 = -1

  /// The hash of the token table: FNV-1a over a text's bytes, begun with this.
  public static let hashStart: UInt32 = 0x811C_9DC5

  /// FNV-1a's step for one more byte.
  @inline(__always)
  public static func hash(_ hash: UInt32, _ byte: UInt8) -> UInt32 {
    (hash ^ UInt32(byte)) &* 0x0100_0193
  }

  /// Spreads a text's hash over the slots (the finalizer of MurmurHash3).
  public static func slotHash(_ hash: UInt32) -> UInt32 {
    var h = hash
    h = (h ^ (h >> 16)) &* 0x85EB_CA6B
    h = (h ^ (h >> 13)) &* 0xC2B2_AE35
    return h ^ (h >> 16)
  }

  /// The hash of the merge table.
  public static func slotHash(left: Int32, right: Int32) -> UInt32 {
    slotHash(UInt32(bitPattern: left) &* 0x9E37_79B1 ^ slotHash(UInt32(bitPattern: right)))
  }
}

/// How a text becomes tokens.
public enum TokenizerModel: UInt8, Sendable {
  /// Byte-pair encoding of bytes, by the rank of merges (GPT-2).
  case byteLevel = 1
  /// Byte-pair encoding of characters, by the rank of merges (tokenizer.json of SentencePiece models).
  case ranked = 2
  /// Byte-pair encoding of characters, by the score of what a merge makes (SentencePiece).
  case scored = 3
  /// The most probable sequence of pieces (SentencePiece).
  case unigram = 4
}

/// How text is cut into words before byte-pair encoding.
public enum WordPattern: UInt8, Sendable {
  /// Not at all.
  case none = 0
  case gpt2 = 1
  /// Llama 3: up to three digits together.
  case llama3 = 2
  /// Qwen 2 and 3: as Llama 3, each digit alone.
  case qwen2 = 3
  /// Each digit alone, then as GPT-2.
  case smollm = 4
  case deepseekLLM = 5
  case deepseekCoder = 6
  /// Mistral Nemo.
  case tekken = 7
  /// llama.cpp's rule where a file names none.
  case plain = 8
  /// A word begins at each space (tokenizer.json's Metaspace that splits).
  case spaces = 9
}

public enum TextNormalizer: UInt8, Sendable {
  case none = 0
  /// Unicode's normalization form C.
  case nfc = 1
}

/// What a token is; the raw values are GGUF's.
public enum TokenType: UInt8, Sendable {
  case normal = 1
  case unknown = 2
  case control = 3
  case userDefined = 4
  case unused = 5
  case byte = 6
}

/// Bits of `TokenizerHeader.flags`.
public struct TokenizerFlags: FlagSet {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A text begins with the token `beginning`.
  public static var addsBeginning: TokenizerFlags { TokenizerFlags(rawValue: 1 << 0) }
  /// A space is put before a text's start.
  public static var prefixesStart: TokenizerFlags { TokenizerFlags(rawValue: 1 << 1) }
  /// A space is put before what follows a control token.
  public static var prefixesAfterControl: TokenizerFlags { TokenizerFlags(rawValue: 1 << 2) }
  /// A space is put before what follows a user-defined token.
  public static var prefixesAfterUserDefined: TokenizerFlags { TokenizerFlags(rawValue: 1 << 3) }
  /// No space is put where one stands already.
  public static var prefixesUnlessPresent: TokenizerFlags { TokenizerFlags(rawValue: 1 << 4) }
  /// What is no token becomes the tokens of its bytes.
  public static var fallsBackToBytes: TokenizerFlags { TokenizerFlags(rawValue: 1 << 5) }
  /// Neighbours that are no tokens become one unknown token.
  public static var fusesUnknown: TokenizerFlags { TokenizerFlags(rawValue: 1 << 6) }
  /// A word that is a token is not looked at further.
  public static var ignoresMerges: TokenizerFlags { TokenizerFlags(rawValue: 1 << 7) }
  /// Spaces at both ends are dropped and runs of them become one.
  public static var collapsesSpaces: TokenizerFlags { TokenizerFlags(rawValue: 1 << 8) }
  /// U+2581 in a text is a space.
  public static var readsSpaceMark: TokenizerFlags { TokenizerFlags(rawValue: 1 << 9) }
  /// The unigram model's sums are float64, as in Hugging Face `tokenizers`; else float32, as in SentencePiece.
  public static var sumsDoubles: TokenizerFlags { TokenizerFlags(rawValue: 1 << 10) }
}

/// 116 bytes at the start of the section.
public struct TokenizerHeader: BitwiseCopyable {
  /// A `TokenizerModel`.
  public var model: UInt8 = 0
  /// A `WordPattern`.
  public var words: UInt8 = 0
  /// A `TextNormalizer`.
  public var normalizer: UInt8 = 0
  public var probeLimit: UInt8 = 0
  /// `TokenizerFlags`.
  public var flags: UInt32 = 0
  public var tokenCount: UInt32 = 0
  public var mergeCount: UInt32 = 0
  public var specialCount: UInt32 = 0
  public var endCount: UInt32 = 0
  /// Slots: powers of two.
  public var tokenSlots: UInt32 = 0
  public var mergeSlots: UInt32 = 0
  /// Token that begins a text, or -1.
  public var beginning: Int32 = TokenizerFormat.none
  /// Token for what is none, or -1.
  public var unknown: Int32 = TokenizerFormat.none
  /// Bytes of the longest text in the token table.
  public var longestPiece: UInt32 = 0
  /// Score of a character that is no token (unigram).
  public var unknownScore: Float = 0
  // Where the arrays begin.
  public var tokens: UInt32 = 0
  public var texts: UInt32 = 0
  public var textBytes: UInt32 = 0
  public var tokenTable: UInt32 = 0
  public var merges: UInt32 = 0
  public var mergeTable: UInt32 = 0
  /// 256 tokens, one for each byte; -1 where there is none.
  public var bytes: UInt32 = 0
  /// UInt32: token indices.
  public var specials: UInt32 = 0
  /// Int32: tokens that end a text or a turn.
  public var ends: UInt32 = 0
  /// Bit b % 32 of word b / 32: a special begins with byte b.
  public var specialStarts: InlineArray<8, UInt32> = InlineArray(repeating: 0)
  public init() {}
}

/// Bits of `TokenRecord.flags`: how a special token is found in a text.
public struct TokenFlags: FlagSet {
  public var rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// White space before it belongs to it.
  public static var stripsLeft: TokenFlags { TokenFlags(rawValue: 1 << 0) }
  /// White space after it belongs to it.
  public static var stripsRight: TokenFlags { TokenFlags(rawValue: 1 << 1) }
  /// It is looked for in the normalized text.
  public static var isNormalized: TokenFlags { TokenFlags(rawValue: 1 << 2) }
  /// The model's chat format is made of it: whatever its type, it is found only where control tokens are.
  public static var isMarker: TokenFlags { TokenFlags(rawValue: 1 << 3) }
}

/// 12 bytes.
public struct TokenRecord: BitwiseCopyable {
  /// Into the texts.
  public var offset: UInt32 = 0
  public var length: UInt16 = 0
  /// A `TokenType`.
  public var type: UInt8 = 0
  /// `TokenFlags`.
  public var flags: UInt8 = 0
  public var score: Float = 0
  public init() {}
}

/// 12 bytes. A merge's index is its rank.
public struct MergeRecord: BitwiseCopyable {
  public var left: Int32 = TokenizerFormat.none
  public var right: Int32 = TokenizerFormat.none
  public var merged: Int32 = TokenizerFormat.none
  public init() {}
}
