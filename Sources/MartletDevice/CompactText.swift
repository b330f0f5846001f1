// String's own operators and interpolations are expanded wherever they are used: a kilobyte for a line of a report.
// Here they are functions that are called, which halves what the text of the commands takes in the device build.

extension String {
  /// `+=` that is not inlined.
  @inline(never)
  public mutating func add(_ more: String) {
    append(more)
  }
}

extension String {
  /// The same bytes. (`==` compares what Unicode holds equal, for which the device build lacks the tables.)
  @inline(never)
  public func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension DefaultStringInterpolation {
  @inline(never)
  public mutating func appendInterpolation(_ value: String) {
    appendLiteral(value)
  }

  @inline(never)
  public mutating func appendInterpolation(_ value: Int) {
    appendLiteral(String(value))
  }

  @inline(never)
  public mutating func appendInterpolation(_ value: Int64) {
    appendLiteral(String(value))
  }

  @inline(never)
  public mutating func appendInterpolation(_ value: Int32) {
    appendLiteral(String(value))
  }
}
