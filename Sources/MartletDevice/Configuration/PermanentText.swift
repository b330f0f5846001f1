/// Texts for the whole run of the process: made once at start, used in every decision without allocation.
extension String {
  /// A copy that is never given back: the UTF-8 bytes, with a zero behind them that does not count.
  public func permanentBytes() -> UnsafeRawBufferPointer {
    let count = utf8.count
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 1, alignment: 1)
    copy.copyBytes(from: utf8)
    copy[count] = 0
    return UnsafeRawBufferPointer(rebasing: copy[..<count])
  }

  /// The text as a path, in memory that is never given back.
  public func permanentPath() -> FilePath {
    FilePath(permanentBytes().baseAddress!.assumingMemoryBound(to: CChar.self))
  }
}
