import CMartletLinux
import Martlet
import MartletDevice

/// An answer on its way out: bytes of tokens become whole UTF-8 characters, stop texts end it. Without heap.
struct AnswerStream: ~Copyable {
  private var stops: StopStrings
  private var assembler = UTF8Assembler()
  private var buffer = InlineArray<1024, UInt8>(repeating: 0)
  private var count = 0
  /// Kept, not written, where the caller wants the whole text.
  private(set) var text: [UInt8] = []
  private let isWritten: Bool
  private(set) var isStopped = false

  init(stops: StopStrings, isWritten: Bool) {
    self.stops = stops
    self.isWritten = isWritten
  }

  /// Takes a token's bytes; true if a stop text is complete.
  mutating func push(_ bytes: UnsafeRawBufferPointer) throws(CommandError) -> Bool {
    for byte in bytes {
      var released = InlineArray<256, UInt8>(repeating: 0)
      var releasedCount = 0
      let isStop = stops.push(byte) { byte in
        released[releasedCount] = byte
        releasedCount += 1
      }
      for i in 0..<releasedCount { try take(released[i]) }
      if isStop {
        isStopped = true
        return true
      }
    }
    if isWritten { try flush() }
    return false
  }

  /// There is no more to come.
  mutating func finish() throws(CommandError) {
    if !isStopped {
      var released = InlineArray<256, UInt8>(repeating: 0)
      var releasedCount = 0
      stops.finish { byte in
        released[releasedCount] = byte
        releasedCount += 1
      }
      for i in 0..<releasedCount { try take(released[i]) }
    }
    var last = InlineArray<4, UInt8>(repeating: 0)
    let written = withUnsafeMutableBytes(of: &last) { assembler.finish(into: $0) }
    if count + written > 1024 { try flush() }
    for i in 0..<written { put(last[i]) }
    if isWritten { try flush() }
  }

  private mutating func take(_ byte: UInt8) throws(CommandError) {
    var whole = InlineArray<16, UInt8>(repeating: 0)
    var byte = byte
    let written = withUnsafeBytes(of: &byte) { source in
      withUnsafeMutableBytes(of: &whole) { assembler.push(source, into: $0) }
    }
    // Between characters: a terminal gets them whole.
    if count + written > 1024 { try flush() }
    for i in 0..<written { put(whole[i]) }
  }

  private mutating func put(_ byte: UInt8) {
    guard isWritten else {
      text.append(byte)
      return
    }
    buffer[count] = byte
    count += 1
  }

  private mutating func flush() throws(CommandError) {
    let length = count
    count = 0
    try withUnsafeBytes(of: buffer) { (bytes) throws(CommandError) in
      try report(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
    }
  }
}
