// String's own operators and interpolations are expanded wherever they are used: a kilobyte for a line of a report.
// Here they are functions that are called, which halves what the text of the commands takes in the device build.

extension String {
  /// `+=` that is not inlined, and frees what was made for it.
  @inline(never)
  public mutating func add(_ more: consuming String) {
    append(more)
  }
}

extension String {
  /// The same bytes. (`==` compares what Unicode holds equal, for which the device build lacks the tables.)
  @inline(never)
  public func isSame(as other: String) -> Bool {
    var other = other
    return other.withUTF8 { isSame(as: UnsafeRawBufferPointer($0)) }
  }

  func isSame(as other: UnsafeRawBufferPointer) -> Bool {
    var own = self
    return own.withUTF8 { UnsafeRawBufferPointer($0).isSame(as: other) }
  }

  /// What lies between the separators, empty parts too. (`split` is ten times the code.)
  @inline(never)
  public func parts(at separator: UInt8) -> [String] {
    var copy = self
    return copy.withUTF8 { UnsafeRawBufferPointer($0).parts(at: separator) }
  }
}

extension UnsafeRawBufferPointer {
  @inline(never)
  func isSame(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    for index in 0..<count where self[index] != other[index] { return false }
    return true
  }

  func isSame(as other: StaticString) -> Bool { isSame(as: other.bytes) }

  /// What lies between the separators, empty parts too.
  @inline(never)
  public func parts(at separator: UInt8) -> [String] {
    var parts: [String] = []
    var start = 0
    for index in 0...count where index == count || self[index] == separator {
      parts.append(String(utf8: UnsafeRawBufferPointer(rebasing: self[start..<index])))
      start = index + 1
    }
    return parts
  }

  /// Its lines, without the empty ones.
  public var lines: [String] { parts(at: UInt8(ascii: "\n")).filter { !$0.isEmpty } }
}

// `self` is text that is written to: the standard library's own `appendLiteral` would be inlined, this one stands for
// it.
extension DefaultStringInterpolation {
  @inline(never)
  public mutating func appendLiteral(_ literal: String) {
    literal.write(to: &self)
  }

  @inline(never)
  public mutating func appendInterpolation(_ value: consuming String) {
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
