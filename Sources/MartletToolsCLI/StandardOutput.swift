import CMartletLinux
import Foundation
import MartletConvert
import MartletDevice

/// Where every verb writes its result. What cannot be written is an error: no success is told of a result that is lost.
enum StandardOutput {
  /// A result has gone there as a file: what is said about it goes to standard error.
  nonisolated(unsafe) static var isData = false

  /// Text for people, with a newline behind it.
  static func print(_ text: String) throws {
    try check(Output.write(text + "\n", to: isData ? .error : .standard))
  }

  /// JSON, which has escapes of its own, with a newline behind it.
  static func print(json: String) throws {
    try check(Output.write(exactly: json + "\n", to: isData ? .error : .standard))
  }

  /// Bytes that a model gives: to a terminal as text, to all others as they are.
  static func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { bytes in
      if martlet_is_terminal(1) {
        try check(Output.write(String(visible: bytes, keepsLines: true)))
      } else {
        try check(martlet_file_write_all(1, bytes.baseAddress, bytes.count))
      }
    }
  }

  /// - Parameter code: a `martlet_error`, or 0.
  private static func check(_ code: Int32) throws {
    guard code != 0 else { return }
    // Who reads no more knows why.
    let reason = String(cString: martlet_error_text(code))
    throw ConversionError(
      .inputOutput, lines: code == EPIPE ? [] : ["standard output cannot be written: \(reason)"])
  }
}
