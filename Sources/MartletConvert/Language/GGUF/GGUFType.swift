/// How a tensor's values are stored; the numbers are ggml's `enum ggml_type`.
public struct GGUFType: Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let f32 = GGUFType(rawValue: 0)
  public static let f16 = GGUFType(rawValue: 1)
  public static let q4_0 = GGUFType(rawValue: 2)
  public static let q4_1 = GGUFType(rawValue: 3)
  public static let q5_0 = GGUFType(rawValue: 6)
  public static let q5_1 = GGUFType(rawValue: 7)
  public static let q8_0 = GGUFType(rawValue: 8)
  public static let q4_K = GGUFType(rawValue: 12)
  public static let q5_K = GGUFType(rawValue: 13)
  public static let q6_K = GGUFType(rawValue: 14)
  public static let bf16 = GGUFType(rawValue: 30)

  /// Values in a block, and the bytes that they take.
  typealias Layout = (elements: Int, bytes: Int)

  /// Nil for a type that is not read.
  var layout: Layout? {
    switch self {
    case .f32: (1, 4)
    case .f16, .bf16: (1, 2)
    case .q4_0: (32, 18)
    case .q4_1: (32, 20)
    case .q5_0: (32, 22)
    case .q5_1: (32, 24)
    case .q8_0: (32, 34)
    case .q4_K: (256, 144)
    case .q5_K: (256, 176)
    case .q6_K: (256, 210)
    default: nil
    }
  }

  /// ggml's name, of the types that are not read too.
  public var name: String {
    let names = [
      0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
      12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
      20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
      29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
    ]
    return names[Int(rawValue)] ?? "type \(rawValue)"
  }
}
