/// The texts of fixed size in C structures, which end with zero or fill their array.
public enum FixedText {
  @inline(never)
  static func string(_ bytes: UnsafeRawBufferPointer) -> String {
    String(utf8: UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 }))
  }

  public static func string<Text>(_ text: Text) -> String {
    withUnsafeBytes(of: text) { string($0) }
  }
}
