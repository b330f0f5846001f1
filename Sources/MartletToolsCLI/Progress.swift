import Foundation
import MartletDevice

/// A bar on standard error with the time that is left; nothing where nobody watches.
final class Progress: @unchecked Sendable {
  private let lock = NSLock()
  private let isShown = isatty(STDERR_FILENO) != 0
  private let begin = Date()
  private var last = Date.distantPast

  func show(_ what: String, _ share: Double) {
    guard isShown else { return }
    lock.withLock {
      let now = Date()
      guard share >= 1 || now.timeIntervalSince(last) > 0.1 else { return }
      last = now
      let passed = now.timeIntervalSince(begin)
      let width = 28
      let filled = max(0, min(width, Int(share * Double(width))))
      let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      var left = ""
      if share > 0.03, share < 1 { left = ", \(Int(passed / share * (1 - share)) + 1) s left" }
      let what = what.visible()
      let text = "\r[\(bar)] \(Int(share * 100)) %  \(what)\(left)\u{1B}[K"
      Output.write(exactly: text, to: .error)
    }
  }

  /// Takes the bar away.
  func end() {
    if isShown { Output.write(exactly: "\r\u{1B}[K", to: .error) }
  }
}
