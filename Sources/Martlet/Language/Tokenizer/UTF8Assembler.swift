/// Puts the bytes of tokens together to whole UTF-8 characters, for a printer that shows text as it comes.
///
/// A token can end in the middle of a character; what is incomplete waits for the next one. What cannot become valid is
/// U+FFFD, exactly as if the whole text were decoded at once with Python's `errors="replace"`.
public struct UTF8Assembler {
  private var pending: InlineArray<4, UInt8> = InlineArray(repeating: 0)
  private var pendingCount = 0

  public init() {}

  /// Bytes that `push` writes at most for `count` bytes.
  public static func capacity(pushing count: Int) -> Int { 3 * (count + 3) }

  /// Takes more bytes; writes the characters that are whole now.
  ///
  /// - Parameter output: has at least `capacity(pushing:)` bytes.
  /// - Returns: how many bytes were written.
  public mutating func push(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
    precondition(output.count >= UTF8Assembler.capacity(pushing: bytes.count))
    guard let target = output.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
    var written = 0
    for byte in bytes {
      pending[pendingCount] = byte
      pendingCount += 1
      written += release(into: target + written, atEnd: false)
    }
    return written
  }

  /// Writes what still waits, as U+FFFD; there is no more to come. At most 3 bytes.
  public mutating func finish(into output: UnsafeMutableRawBufferPointer) -> Int {
    precondition(output.count >= 3)
    guard let target = output.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
    return release(into: target, atEnd: true)
  }

  private mutating func release(into target: UnsafeMutablePointer<UInt8>, atEnd: Bool) -> Int {
    var written = 0
    while pendingCount > 0 {
      let scalar = withUnsafeBytes(of: pending) { raw in
        UTF8Scalar(raw.baseAddress!.assumingMemoryBound(to: UInt8.self), count: pendingCount)
      }
      if scalar.isCut && !atEnd { break }
      written += UTF8Scalar.write(scalar.code, to: target + written)
      for index in scalar.length..<max(pendingCount, scalar.length) { pending[index - scalar.length] = pending[index] }
      pendingCount -= scalar.length
    }
    return written
  }
}
