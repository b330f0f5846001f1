import CMartletKernels
import Martlet

/// A language model among the loader's inputs: what loads must read any text, run, sample, obey a constraint and look
/// at a session inside its file and its arena.
enum GeneratorTarget {
  /// Multiply-accumulates for a token.
  private static let maxWork: Int64 = 150_000
  private static let context = 32
  private static let schema: StaticString = "{\"type\": \"string\"}"

  static func run(_ file: UnsafeRawBufferPointer) throws(ModelError) {
    let description = try LanguageDescription(file: file)
    var options = GeneratorOptions()
    options.language.contextLength = min(context, Int(description.record.contextLength))
    options.textBytes = 300
    options.constraintBytes = Constraint.workBytes(schemaBytes: schema.utf8CodeUnitCount)
    let budget = try TextGenerator.budget(of: file, options: options)
    guard budget.arenaBytes <= LoaderTarget.maxArenaBytes else { return }
    let tail = UnsafeRawBufferPointer(rebasing: file.suffix(64))
    if let format = try ChatFormat.of(file: file) { render(format, tail) }
    for isa in [MARTLET_ISA_SCALAR, martlet_best_isa()] {
      try generate(file, budget, options, tail, runs: work(description.record) <= maxWork, isa)
    }
  }

  private static func work(_ record: LanguageRecord) -> Int64 {
    var work: Int64 = 0
    var order = LanguageTensorOrder(record)
    while let (kind, _) = order.next() {
      let shape = kind.shape(in: record)
      work += Int64(shape.rows) * Int64(shape.columns)
    }
    return work
  }

  private static func generate(
    _ file: UnsafeRawBufferPointer, _ budget: LanguageBudget, _ options: GeneratorOptions,
    _ tail: UnsafeRawBufferPointer, runs: Bool, _ isa: martlet_isa
  ) throws(ModelError) {
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: max(budget.arenaBytes, 64), alignment: 64)
    defer { region.deallocate() }
    region.initializeMemory(as: UInt8.self, repeating: 0x5A)
    var generator = try TextGenerator(
      file: file, region: UnsafeMutableRawBufferPointer(rebasing: region[..<budget.arenaBytes]), options: options,
      sampling: SamplingOptions(), isa: isa)
    precondition(generator.budget == budget)
    if let tokenizer = generator.tokenizer { read(tail, tokenizer, generator) }
    guard runs else { return }
    do throws(LanguageError) {
      try write(&generator, tail)
    } catch {
      precondition(error != .noTokenizer)
    }
  }

  /// The end of the file as text, in every way.
  private static func read(
    _ text: UnsafeRawBufferPointer, _ tokenizer: Tokenizer, _ generator: borrowing TextGenerator
  ) {
    var sum = 0
    for parsesSpecial in [false, true] {
      for isStart in [false, true] {
        do throws(LanguageError) {
          let count = try generator.encode(text, parsesSpecial: parsesSpecial, isStart: isStart)
          for token in generator.encoded(count) {
            precondition(token >= 0 && Int(token) < tokenizer.count)
            for byte in tokenizer.bytes(of: token, special: parsesSpecial) { sum &+= Int(byte) }
            if tokenizer.isEnd(token) || tokenizer.isControl(token) { sum &+= 1 }
          }
        } catch {
          precondition(error != .noTokenizer)
        }
      }
    }
    for token in [-1, Int32.max, .min, Int32(tokenizer.count)] {
      precondition(tokenizer.bytes(of: token, special: true).isEmpty)
    }
    precondition(sum >= 0)
  }

  private static func write(_ generator: inout TextGenerator, _ tail: UnsafeRawBufferPointer) throws(LanguageError) {
    let team = Team(threads: 1, region: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    let vocabulary = generator.logits.count
    var prompt = InlineArray<8, Int32>(repeating: 0)
    for index in 0..<8 { prompt[index] = Int32(tail[index % tail.count]) * 257 % Int32(vocabulary) }
    let count = min(8, generator.room)
    let placed = try withUnsafeBytes(of: prompt) { (bytes) throws(LanguageError) in
      try generator.place(UnsafeBufferPointer(rebasing: bytes.assumingMemoryBound(to: Int32.self)[..<count]))
    }
    try generator.append(generator.encoded(placed), on: team)
    generator.policy = .slide
    generator.kept = 2
    for temperature: Float in [0, 0.8] {
      generator.sampler.options.temperature = temperature
      try draw(&generator, team)
    }
    if generator.tokenizer != nil, let constraint = compile(generator.constraintRegion) {
      try generator.constrain(by: constraint)
      try draw(&generator, team)
    }
    do throws(SessionError) {
      try generator.restore(tail)
    } catch {
      precondition(generator.length == 0)
    }
  }

  private static func draw(_ generator: inout TextGenerator, _ team: borrowing Team) throws(LanguageError) {
    let limit = generator.tokenizer?.count ?? generator.logits.count
    for _ in 0..<2 {
      guard let token = try generator.next(on: team, left: 9) else { return }
      precondition(token >= 0 && Int(token) < limit)
    }
  }

  private static func compile(_ region: UnsafeMutableRawBufferPointer) -> Constraint? {
    do throws(ConstraintError) {
      return try Constraint(
        jsonSchema: UnsafeRawBufferPointer(start: schema.utf8Start, count: schema.utf8CodeUnitCount), region: region)
    } catch {
      return nil
    }
  }

  private static func render(_ format: ChatFormat, _ text: UnsafeRawBufferPointer) {
    var segments = ChatSegments()
    do throws(ChatError) {
      try format.begin(system: text, into: &segments)
      try format.user(text, system: text, isFirst: true, isLast: false, into: &segments)
      try format.assistant(format.historyText(of: text), into: &segments)
      _ = try format.assistantEnd(answer: text, into: &segments)
      try format.generationPrompt(into: &segments)
    } catch {}
    var sum = 0
    for index in 0..<segments.count { for byte in segments[index].bytes { sum &+= Int(byte) } }
    for index in 0..<format.stopCount { for byte in format.stop(index) { sum &+= Int(byte) } }
    precondition(sum >= 0)
  }
}
