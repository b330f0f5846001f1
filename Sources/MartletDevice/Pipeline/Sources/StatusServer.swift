import CMartletLinux
import CMartletPlatform

/// Answers on a Unix socket: a caller sends `json`, `text`, `check` or `reload` and a newline, and reads until the end.
/// A caller is never waited for, and is hung up on after a second.
struct StatusServer: ~Copyable, EventSource {
  /// Callers at a time.
  static let capacity = 4
  private static let patienceNs: UInt64 = 1_000_000_000

  private enum Question { case json, text, check, reload }

  private let path: FilePath?
  private var listening: Int32 = -1
  private var callers = InlineArray<4, Int32>(repeating: -1)
  private var deadlines = InlineArray<4, UInt64>(repeating: .max)
  /// Which reload a caller waits for; 0: none.
  private var awaited = InlineArray<4, Int>(repeating: 0)

  init(_ configuration: Configuration) throws(PipelineError) {
    path = configuration.status?.permanentPath()
    guard let path else { return }
    let code = martlet_status_listen(path.cString, &listening)
    guard code != 0 else { return }
    throw PipelineError(
      "status: \(path.text): \(String(cString: martlet_error_text(code)))", exitCode: ExitCode.cannotCreate)
  }

  deinit {
    for slot in 0..<Self.capacity where callers[slot] >= 0 { martlet_status_hang_up(callers[slot]) }
    if let path { martlet_status_unlisten(path.cString, listening) }
  }

  var descriptorCapacity: Int { Self.capacity + 1 }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    var isFull = true
    for slot in 0..<Self.capacity {
      if callers[slot] < 0 { isFull = false } else if awaited[slot] == 0 { waits.add(callers[slot]) }
    }
    // Further ones wait in the kernel.
    if !isFull { waits.add(listening) }
  }

  /// When the first caller has taken too long.
  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    var first = UInt64.max
    for slot in 0..<Self.capacity { first = min(first, deadlines[slot]) }
    return first
  }

  mutating func service(_ core: inout PipelineCore) {
    let now = martlet_now_ns()
    for slot in 0..<Self.capacity where awaited[slot] > 0 && core.reload.count >= awaited[slot] {
      awaited[slot] = 0
      reply(slot, core.reload.answer)
    }
    while let (slot, question) = next(nowNs: now) {
      switch question {
      case .json: reply(slot, core.statusJSON(now))
      case .text: reply(slot, core.statusText(now))
      case .check: reply(slot, core.statusCheck(now))
      case .reload:
        awaited[slot] = core.reload.ask()
        deadlines[slot] = .max
      }
    }
  }

  /// The next caller with a question, by its number.
  private mutating func next(nowNs: UInt64) -> (slot: Int, question: Question)? {
    guard listening >= 0 else { return nil }
    for slot in 0..<Self.capacity where awaited[slot] == 0 {
      if callers[slot] < 0 {
        var caller: Int32 = -1
        if martlet_status_accept(listening, &caller) != 0 { continue }
        callers[slot] = caller
        deadlines[slot] = nowNs + Self.patienceNs
      }
      var (word, count): (UInt64, Int) = (0, 0)
      let error = withUnsafeMutableBytes(of: &word) { bytes in
        martlet_status_receive(callers[slot], bytes.baseAddress!.assumingMemoryBound(to: CChar.self), 8, &count)
      }
      if count == 5, word == 0x0A_6E_6F_73_6A { return (slot, .json) }
      if count == 5, word == 0x0A_74_78_65_74 { return (slot, .text) }
      if count == 6, word == 0x0A_6B_63_65_68_63 { return (slot, .check) }
      if count == 7, word == 0x0A_64_61_6F_6C_65_72 { return (slot, .reload) }
      // Something else, an end, or nothing for too long.
      if error != Int32(MARTLET_NOT_YET) || nowNs >= deadlines[slot] { hangUp(slot) }
    }
    return nil
  }

  private mutating func reply(_ slot: Int, _ answer: String) {
    var answer = answer
    _ = answer.withUTF8 { martlet_status_send(callers[slot], $0.baseAddress, $0.count) }
    hangUp(slot)
  }

  private mutating func hangUp(_ slot: Int) {
    if callers[slot] >= 0 { martlet_status_hang_up(callers[slot]) }
    callers[slot] = -1
    deadlines[slot] = .max
  }
}
