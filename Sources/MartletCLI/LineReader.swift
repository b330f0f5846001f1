import CMartletLinux
import MartletDevice

/// Lines that a person types, with editing and history in a terminal, or those of a pipe.
struct LineReader: ~Copyable {
  enum Line {
    /// The bytes are valid until the next line is read.
    case text(UnsafeRawBufferPointer)
    /// End of input, or Ctrl-D on an empty line.
    case end
    /// The line of a pipe does not fit; it was skipped.
    case tooLong
  }

  private let terminal: UnsafeMutablePointer<martlet_terminal>
  private let buffer: UnsafeMutablePointer<CChar>

  /// - Parameter capacity: bytes of the longest line, at least 1.
  init(capacity: Int, historyBytes: Int = 1 << 14) {
    terminal = .allocate(capacity: 1)
    buffer = .allocate(capacity: capacity + historyBytes)
    martlet_terminal_open(terminal, buffer, capacity, buffer + capacity, historyBytes)
  }

  deinit {
    martlet_terminal_restore()
    terminal.deallocate()
    buffer.deallocate()
  }

  /// Whether a person sits there who wants to see prompts.
  var isInteractive: Bool { terminal.pointee.is_interactive != 0 }

  mutating func read(prompt: StaticString) throws(CommandError) -> Line {
    let text = UnsafeRawPointer(prompt.utf8Start).assumingMemoryBound(to: CChar.self)
    switch Int(martlet_terminal_read(terminal, text)) {
    case 0: return .text(UnsafeRawBufferPointer(start: terminal.pointee.line, count: terminal.pointee.length))
    case MARTLET_LINE_END: return .end
    case MARTLET_LINE_TOO_LONG: return .tooLong
    default: throw CommandError("standard input cannot be read", exitCode: ExitCode.io)
    }
  }
}

/// Ctrl-C while an answer is being generated: it stops the answer, not the program.
enum Interrupts {
  static func catchThem() { martlet_interrupts_catch() }

  /// Whether Ctrl-C was pressed since they are caught.
  static var happened: Bool { martlet_interrupted() }

  static func release() { martlet_interrupts_release() }
}
