import CMartletLinux
import CMartletPlatform
import Martlet
import MartletDevice

/// One text on its way: from the prompt to the last token, with what is measured meanwhile.
struct GenerateRun: ~Copyable {
  private let file: ModelFile
  private var model: LoadedGenerator
  private let options: TextOptions
  private var stream: AnswerStream
  private var measured: GenerateMeasurement
  private let isJSON: Bool

  init(_ path: FilePath, _ options: TextOptions, verb: StaticString, isJSON: Bool) throws(CommandError) {
    let isa = try ModelOpener.isa()
    let opened = martlet_now_ns()
    let file = try ModelOpener.file(path, verb: verb)
    var model = try ModelOpener.generator(file, options, isa: isa)
    try options.constrain(&model.generator)
    var stops = StopStrings()
    try options.addStops(to: &stops)
    measured = GenerateMeasurement(keepsTokens: isJSON, limit: options.maxTokens)
    measured.loadNs = martlet_now_ns() - opened
    stream = AnswerStream(stops: stops, isWritten: !isJSON)
    self.file = file
    self.model = model
    self.options = options
    self.isJSON = isJSON
  }

  // MARK: The prompt

  /// Evaluates the prompt, as far as the session does not hold it already. With a session Ctrl-C ends the text and not
  /// the program, from here on.
  mutating func begin(_ prompt: Prompt) throws(CommandError) {
    let start = Clocks()
    if options.session != nil { Interrupts.catchThem() }
    if let path = options.session { try SessionFile.restore(path, &model, isNeeded: prompt.isContinued) }
    if !prompt.isContinued {
      do throws(LanguageError) {
        let count = try place(prompt)
        guard count > 0 else { throw .contextTooShort(0, room: 0) }
        let ids = model.generator.encoded(count)
        measured.promptTokens = count
        if isJSON { measured.prompt = Array(ids) }
        measured.reusedTokens = try model.generator.replace(with: ids, on: model.team) { !Interrupts.happened }
        model.generator.kept = count
      } catch {
        if error == .interrupted {
          throw CommandError("interrupted while the text was read; nothing is saved", exitCode: ExitCode.interrupted)
        }
        throw error == .contextTooShort(0, room: 0) ? GenerateRun.isEmpty : CommandError(error)
      }
    }
    if model.generator.length == 0 { throw GenerateRun.isEmpty }
    if prompt.isContinued, model.generator.isConstrained, !model.generator.resumeConstraint() {
      throw CommandError(
        "what the session holds behind its prompt is no beginning of what is allowed", exitCode: ExitCode.data)
    }
    if options.slides { model.generator.policy = .slide }
    measured.prefill = start.passed
  }

  private static var isEmpty: CommandError {
    CommandError("the text has no tokens to go on with", exitCode: ExitCode.data)
  }

  private mutating func place(_ prompt: Prompt) throws(LanguageError) -> Int {
    if let ids = prompt.tokens {
      return try ids.withUnsafeBufferPointer { (ids) throws(LanguageError) in try model.generator.place(ids) }
    }
    return try prompt.text.withUnsafeBufferPointer { (text) throws(LanguageError) in
      try model.generator.encode(UnsafeRawBufferPointer(text), parsesSpecial: prompt.parsesSpecial, isStart: true)
    }
  }

  // MARK: The answer

  /// Token after token, until something ends the text.
  mutating func go() throws(CommandError) {
    let start = Clocks()
    while measured.tokenCount < options.maxTokens {
      guard let token = try next() else {
        if measured.finish != .interrupted { measured.finish = model.generator.isComplete ? .complete : .context }
        break
      }
      if measured.tokenCount == 0 { measured.firstToken = start.passed }
      if model.generator.tokenizer?.isEnd(token) == true {
        model.generator.drop()
        measured.finish = .end
        break
      }
      measured.add(token)
      let bytes = model.generator.tokenizer?.bytes(of: token, special: false)
      if let bytes, try stream.push(bytes) {
        measured.finish = .stop
        break
      }
    }
    try stream.finish()
    measured.decode = start.passed
  }

  /// Nil where the text ends, or Ctrl-C came.
  private mutating func next() throws(CommandError) -> Int32? {
    let left = options.maxTokens - measured.tokenCount
    do throws(LanguageError) {
      let token = try model.generator.next(on: model.team, left: left) { !Interrupts.happened }
      if isJSON { measured.hash(model.generator.logits) }
      return token
    } catch {
      guard error == .interrupted else { throw CommandError(error) }
      measured.finish = .interrupted
      return nil
    }
  }

  // MARK: The end

  /// Saves the session and reports.
  mutating func end(isVerbose: Bool) throws(CommandError) {
    if let path = options.session { try SessionFile.save(path, &model) }
    measured.peakResidentBytes = martlet_peak_resident_bytes()
    if isJSON {
      try report(json: measured.json(model.generator, text: stream.text, path: file.path))
    } else {
      try report("\n")
      if isVerbose { Output.write(measured.text(model.generator), to: .error) }
    }
    if measured.finish == .interrupted {
      throw CommandError(
        "interrupted; the text goes on with --session and without a prompt", exitCode: ExitCode.interrupted)
    }
    if model.generator.isConstrained, !model.generator.isComplete, measured.finish != .stop {
      throw CommandError(TextOptions.cutOff, exitCode: ExitCode.data)
    }
  }
}

/// Time on the wall and on the processors, from one moment on.
struct Clocks {
  private let wall = martlet_now_ns()
  private let cpu = martlet_cpu_time_ns()

  struct Span {
    var wallNs: UInt64 = 0
    var cpuNs: UInt64 = 0
  }

  var passed: Span { Span(wallNs: martlet_now_ns() - wall, cpuNs: martlet_cpu_time_ns() - cpu) }
}
