import CMartletPlatform
import Martlet
import MartletDevice

/// A conversation: turns behind each other in the KV cache. The generator's mark is where the latest one begins.
struct Conversation: ~Copyable {
  private var model: LoadedGenerator
  private let format: ChatFormat
  private let system: [UInt8]?
  private let options: TextOptions
  /// The latest question and answer; nil before the first.
  private var latest: (question: [UInt8], answer: [UInt8], isFirst: Bool)?
  /// Tokens that were evaluated for the latest question.
  private var readTokens = 0

  init(
    _ model: consuming LoadedGenerator, _ format: ChatFormat, system: [UInt8]?, _ options: TextOptions
  ) throws(CommandError) {
    self.model = model
    self.format = format
    self.system = system
    self.options = options
    if let path = options.session { try SessionFile.restore(path, &self.model, isNeeded: false) }
    // What the session holds stays in the cache for as long as the conversation begins with it.
  }

  /// Forgets all turns.
  mutating func reset() {
    latest = nil
    model.generator.mark = 0
    model.generator.kept = 0
    model.generator.policy = .stop
  }

  /// One turn: the question is read, the answer written as it comes. What cannot be read changes nothing.
  mutating func answer(to text: UnsafeRawBufferPointer, isVerbose: Bool) throws(CommandError) {
    let question = Array(text)
    let start = Clocks()
    // From here on: reading a long question may take longer than the answer.
    Interrupts.catchThem()
    defer { Interrupts.release() }
    do throws(CommandError) {
      guard try read(question) else { return try report("\n") }
    } catch {
      Output.tell("chat: \(error.sentence)")
      return
    }
    let read = start.passed
    if let path = options.session, latest == nil { try SessionFile.save(path, &model) }
    try options.constrain(&model.generator)
    let begin = Clocks()
    let isFirst = latest == nil
    let (answer, count) = try write()
    latest = (question, answer, isFirst)
    if isVerbose { say(read, readTokens, begin.passed, count) }
  }

  // MARK: Reading

  /// False: Ctrl-C came meanwhile, and the conversation is what it was.
  private mutating func read(_ question: [UInt8]) throws(CommandError) -> Bool {
    var segments = ChatSegments()
    var base = model.generator.length
    let isFirst = latest == nil
    // The texts that segments point into must stay while they are tokenized.
    let old = latest ?? ([], [], true)
    let ids: (all: [Int32], start: Int) = try old.question.withUnsafeBufferPointer {
      (oldQuestion) throws(CommandError) in
      try old.answer.withUnsafeBufferPointer { (oldAnswer) throws(CommandError) in
        try question.withUnsafeBufferPointer { (question) throws(CommandError) in
          try (system ?? []).withUnsafeBufferPointer { (systemText) throws(CommandError) in
            let system = system == nil ? nil : UnsafeRawBufferPointer(systemText)
            do throws(ChatError) {
              if isFirst {
                base = 0
                try format.begin(system: system, into: &segments)
              } else if try renders(system, UnsafeRawBufferPointer(oldAnswer), &segments) {
                // The history differs from what the cache holds: the latest turn is rendered again, from where it
                // began.
                base = model.generator.mark
                if old.isFirst { try format.begin(system: system, into: &segments) }
                try format.user(
                  UnsafeRawBufferPointer(oldQuestion), system: system, isFirst: old.isFirst, isLast: false,
                  into: &segments)
                try format.assistant(
                  format.historyText(of: UnsafeRawBufferPointer(oldAnswer)), into: &segments)
              }
            } catch {
              throw CommandError("the turns do not fit the chat format", exitCode: ExitCode.data)
            }
            let end = isFirst ? [] : try tokens(segments, behind: base)
            do throws(ChatError) {
              try format.user(
                UnsafeRawBufferPointer(question), system: system, isFirst: isFirst, isLast: true, into: &segments)
              try format.generationPrompt(into: &segments)
            } catch {
              throw CommandError("the question does not fit the chat format", exitCode: ExitCode.data)
            }
            let all = try tokens(segments, behind: base)
            var common = 0
            while common < end.count, common < all.count, end[common] == all[common] { common += 1 }
            return (all, common)
          }
        }
      }
    }
    guard try feed(ids.all, behind: base, isFirst: isFirst) else { return false }
    model.generator.mark = model.generator.length - ids.all.count + ids.start
    return true
  }

  /// Whether the latest turn must be rendered again; if not, what ends it is in `segments`.
  private func renders(
    _ system: UnsafeRawBufferPointer?, _ answer: UnsafeRawBufferPointer, _ segments: inout ChatSegments
  ) throws(ChatError) -> Bool {
    if format.movesSystem && system != nil { return true }
    return !(try format.assistantEnd(answer: answer, into: &segments))
  }

  private mutating func feed(_ ids: [Int32], behind base: Int, isFirst: Bool) throws(CommandError) -> Bool {
    do throws(LanguageError) {
      try ids.withUnsafeBufferPointer { (ids) throws(LanguageError) in
        if isFirst {
          let common = try model.generator.replace(with: ids, on: model.team) { !Interrupts.happened }
          readTokens = ids.count - common
        } else {
          if base < model.generator.length { model.generator.rewind(to: base) }
          model.generator.mark = base
          try model.generator.append(ids, on: model.team) { !Interrupts.happened }
          readTokens = ids.count
        }
      }
    } catch {
      guard error == .interrupted else { throw CommandError(error) }
      if !isFirst { model.generator.rewind(to: model.generator.mark) }
      return false
    }
    // A system text that moves to the latest turn is no longer at the beginning.
    if isFirst { model.generator.kept = format.movesSystem && system != nil ? 1 : model.generator.length }
    if options.slides { model.generator.policy = .slide }
    return true
  }

  /// Token ids of segments behind the first `base` tokens.
  private func tokens(_ segments: ChatSegments, behind base: Int) throws(CommandError) -> [Int32] {
    var text = [UInt8](repeating: 0, count: segments.byteCount)
    do throws(LanguageError) {
      let count = try text.withUnsafeMutableBufferPointer { (text) throws(LanguageError) in
        try model.generator.encode(segments, of: format, behind: base, text: UnsafeMutableRawBufferPointer(text))
      }
      return Array(model.generator.encoded(count))
    } catch {
      throw CommandError(error)
    }
  }

  // MARK: Writing

  /// The answer's bytes, all of them, and how many tokens it has.
  private mutating func write() throws(CommandError) -> (answer: [UInt8], count: Int) {
    var stream = AnswerStream(stops: try stops(), isWritten: true)
    var answer: [UInt8] = []
    var count = 0
    var isFull = false
    var isStopped = false
    var isInterrupted = false
    while count < options.maxTokens {
      guard let token = try next(left: options.maxTokens - count, &isInterrupted) else {
        isFull = !isInterrupted && !model.generator.isComplete
        break
      }
      if model.generator.tokenizer?.isEnd(token) == true {
        model.generator.drop()
        break
      }
      count += 1
      guard let bytes = model.generator.tokenizer?.bytes(of: token, special: false) else { continue }
      answer += bytes
      if try stream.push(bytes) {
        isStopped = true
        break
      }
    }
    try stream.finish()
    try report("\n")
    if isFull { Output.tell("chat: the context is full; /reset begins anew, see --context and --when-full") }
    if model.generator.isConstrained, !model.generator.isComplete, !isStopped, !isFull, !isInterrupted {
      Output.tell("chat: " + TextOptions.cutOff)
    }
    return (answer, count)
  }

  private func stops() throws(CommandError) -> StopStrings {
    var stops = StopStrings()
    for index in 0..<format.stopCount { _ = stops.add(format.stop(index)) }
    try options.addStops(to: &stops)
    return stops
  }

  /// Nil where the text ends, or Ctrl-C came.
  private mutating func next(left: Int, _ isInterrupted: inout Bool) throws(CommandError) -> Int32? {
    do throws(LanguageError) {
      return try model.generator.next(on: model.team, left: left) { !Interrupts.happened }
    } catch {
      guard error == .interrupted else { throw CommandError(error) }
      isInterrupted = true
      return nil
    }
  }

  private func say(_ read: Clocks.Span, _ readTokens: Int, _ written: Clocks.Span, _ count: Int) {
    func rate(_ count: Int, _ span: Clocks.Span) -> String {
      NumberText.decimal(Double(count) * 1e9 / Double(max(span.wallNs, 1)), places: 1) + " tokens/s"
    }
    Output.tell(
      "(read \(readTokens) tokens, \(rate(readTokens, read)); wrote \(count), \(rate(count, written)); "
        + "\(model.generator.room) positions left)")
  }
}
