import CMartletKernels

/// What a text generator is made for; decides how large its arena is.
public struct GeneratorOptions: Sendable {
  public var language = LanguageOptions()
  /// Bytes of the longest text that is tokenized at once; 0: eight for each position of the context.
  public var textBytes = 0
  /// Bytes for a constraint's program; 0: output is free.
  public var constraintBytes = 0

  public init() {}
}

/// What becomes of a text when the context is full.
public enum ContextPolicy: Equatable, Sendable {
  /// The text ends.
  case stop
  /// The first tokens stay (`TextGenerator.kept`), the older half of the others is forgotten, and the rest is read
  /// again: its keys depend on where they stand.
  case slide
}

/// Text in, text out: tokenizer, engine and sampler in one region.
///
/// ```
/// append(text)...; while let token = next() { show(bytes(of: token)) }
/// ```
/// Nothing is allocated, and each call is bounded.
public struct TextGenerator: ~Copyable {
  // Not public: another module would reach it through a coroutine, whose frame is allocated.
  var engine: LanguageEngine
  public let tokenizer: Tokenizer?
  public var sampler: Sampler
  public var policy = ContextPolicy.stop
  /// Tokens at the beginning that sliding leaves where they are: the prompt's. A saved text remembers it.
  public var kept = 0
  public let budget: LanguageBudget
  public let textBytes: Int
  /// Room for the token ids of a prompt.
  let prompt: UnsafeMutableBufferPointer<Int32>
  let tokenizerWork: UnsafeMutableRawBufferPointer
  /// The caller's, for a constraint's program.
  public let constraintRegion: UnsafeMutableRawBufferPointer
  /// One bit a token; and the order in which tokens are tried. Nil and empty without room for a constraint.
  private let mask: UnsafeMutablePointer<UInt32>?
  private let orderRegion: UnsafeMutableRawBufferPointer
  private var constrained: (constraint: Constraint, order: TokenOrder, state: ConstraintState)?
  /// Tokens that were appended or sampled, but not yet evaluated: at most one, the latest sampled.
  var pending: Int32?
  /// Whether `logits` are those behind the last token of the engine's text.
  var hasScores = false

  private struct Parts {
    var textBytes = 0
    var promptCount = 0
    var prompt: UnsafeMutableRawPointer?
    var work: UnsafeMutableRawPointer?
    var workBytes = 0
    var candidates: UnsafeMutableRawPointer?
    var constraint: UnsafeMutableRawPointer?
    var mask: UnsafeMutableRawPointer?
    var order: UnsafeMutableRawPointer?
  }

  private static func carve(
    _ arena: inout Arena, _ budget: LanguageBudget, _ tokenizer: Tokenizer?, _ options: GeneratorOptions
  ) throws(ModelError) -> Parts {
    var parts = Parts()
    let vocabulary = budget.logitsBytes / 4
    parts.textBytes = options.textBytes > 0 ? options.textBytes : 8 * budget.contextLength
    parts.promptCount = budget.contextLength + 1
    _ = try arena.carve(budget.arenaBytes)
    parts.prompt = try arena.carve(parts.promptCount * 4)
    parts.workBytes = tokenizer?.workBytes(textBytes: parts.textBytes) ?? 0
    parts.work = try arena.carve(parts.workBytes)
    parts.candidates = try arena.carve(Sampler.workBytes(vocabulary: vocabulary))
    if options.constraintBytes > 0 {
      parts.constraint = try arena.carve(options.constraintBytes)
      parts.mask = try arena.carve((vocabulary + 31) / 32 * 4)
      parts.order = try arena.carve(TokenOrder.workBytes(tokens: vocabulary))
    }
    return parts
  }

  /// What `init` will need for this file: exact, and known before anything runs.
  public static func budget(
    of file: UnsafeRawBufferPointer, options: GeneratorOptions
  ) throws(ModelError) -> LanguageBudget {
    let sections = try Sections(file: file)
    let tokenizer = try LanguageDescription(sections).tokenizer
    var budget = try LanguageEngine.budget(of: sections, options: options.language)
    var arena = Arena(measuring: ())
    _ = try carve(&arena, budget, tokenizer, options)
    budget.arenaBytes = arena.used
    return budget
  }

  /// - Parameters:
  ///   - file: a `.martlet` file, mapped.
  ///   - region: 64-byte aligned, at least `budget(of:options:).arenaBytes`.
  public init(
    file: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer, options: GeneratorOptions,
    sampling: SamplingOptions, isa: martlet_isa
  ) throws(ModelError) {
    let sections = try Sections(file: file)
    let tokenizer = try LanguageDescription(sections).tokenizer
    var budget = try LanguageEngine.budget(of: sections, options: options.language)
    var arena = try Arena(region: region)
    let engineBytes = budget.arenaBytes
    let parts = try TextGenerator.carve(&arena, budget, tokenizer, options)
    let engine = try LanguageEngine(
      sections, region: UnsafeMutableRawBufferPointer(rebasing: region[..<engineBytes]), options: options.language,
      isa: isa)
    let vocabulary = budget.logitsBytes / 4
    guard engine.logits.count == vocabulary else { throw ModelError(.changed, .file) }
    budget.arenaBytes = arena.used
    self.engine = engine
    self.tokenizer = tokenizer
    self.budget = budget
    textBytes = parts.textBytes
    sampler = Sampler(sampling, region: parts.candidates!)
    prompt = UnsafeMutableBufferPointer(
      start: parts.prompt!.bindMemory(to: Int32.self, capacity: parts.promptCount), count: parts.promptCount)
    tokenizerWork = UnsafeMutableRawBufferPointer(start: parts.work, count: parts.workBytes)
    constraintRegion = UnsafeMutableRawBufferPointer(start: parts.constraint, count: options.constraintBytes)
    mask = parts.mask?.bindMemory(to: UInt32.self, capacity: (vocabulary + 31) / 32)
    orderRegion = UnsafeMutableRawBufferPointer(
      start: parts.order, count: parts.order == nil ? 0 : TokenOrder.workBytes(tokens: vocabulary))
  }

  // MARK: The engine

  /// Scores of each token of the vocabulary, behind the last one that was evaluated.
  public var logits: UnsafeMutableBufferPointer<Float> { engine.logits }

  /// A place in the text, counted in tokens. Sliding moves it with what stands there; where that is forgotten, to the
  /// end of what is kept.
  public var mark = 0

  /// Tokens that the context still has room for.
  public var room: Int { engine.room }

  /// Bytes of the weights in the file, all of which are read for each token.
  public var weightsBytes: Int { engine.weightsBytes }

  // MARK: Text out

  /// From now on the output is what the constraint allows, from its start. Nil: free again.
  ///
  /// - Precondition: `constraintBytes` was not 0.
  public mutating func constrain(by constraint: Constraint?) throws(LanguageError) {
    guard let constraint else {
      constrained = nil
      return
    }
    guard let tokenizer else { throw .noTokenizer }
    do throws(ConstraintError) {
      let order = try TokenOrder(tokenizer, region: orderRegion)
      constrained = (constraint, order, constraint.start)
    } catch {
      throw .stuck
    }
  }

  /// Takes what stands behind the kept tokens for the beginning of the constrained output; false if it is none.
  public mutating func resumeConstraint() -> Bool {
    guard let tokenizer, var resumed = constrained else { return false }
    for index in min(kept, engine.position)..<length {
      let token = index < engine.position ? engine.tokens[index] : pending ?? -1
      for byte in tokenizer.bytes(of: token, special: false) {
        guard resumed.constraint.advance(&resumed.state, byte: byte) else { return false }
      }
    }
    constrained = resumed
    return true
  }

  /// Samples the next token behind the text; nil where the context is full, or where a constraint allows nothing more.
  /// An end token is returned like any other, and becomes part of the text unless `drop()` takes it back.
  ///
  /// - Parameters:
  ///   - left: how many tokens may still come, this one included: a constraint sees to it that they suffice, and that
  ///     the context does.
  ///   - goesOn: asked before each step; after a false the text is what it was, and `interrupted` is thrown.
  public mutating func next(
    on team: borrowing Team, left: Int? = nil, while goesOn: () -> Bool = { true }
  ) throws(LanguageError) -> Int32? {
    if pending != nil {
      if engine.room == 0 && !slide() { return nil }
      try flush(on: team, while: goesOn)
    } else {
      try score(on: team, while: goesOn)
    }
    // The last token of a text needs no place in the cache.
    let left = policy == .stop ? min(left ?? .max, engine.room + 1) : left
    if let tokenizer, let mask, let constrained {
      if constrained.constraint.mustEnd(constrained.state) { return nil }
      let allowed = constrained.constraint.mask(
        constrained.state, tokenizer: tokenizer, order: constrained.order, tokensLeft: left, into: mask)
      guard allowed > 0 else { throw .stuck }
    }
    let allowed = constrained == nil ? nil : UnsafePointer(mask)
    // A model may have more rows than there are tokens, for rounder sizes: those stand for nothing.
    let scores = UnsafeMutableBufferPointer(rebasing: engine.logits[..<(tokenizer?.count ?? engine.logits.count)])
    guard let token = sampler.next(scores, recent: engine.tokens, mask: allowed) else { throw .stuck }
    if let tokenizer, constrained != nil {
      for byte in tokenizer.bytes(of: token, special: false) {
        _ = constrained!.constraint.advance(&constrained!.state, byte: byte)
      }
    }
    pending = token
    return token
  }

  /// Whether the output is what a constraint allows.
  public var isConstrained: Bool { constrained != nil }

  /// Whether a constraint is there and the output satisfies it.
  public var isComplete: Bool {
    guard let constrained else { return false }
    return constrained.constraint.isComplete(constrained.state)
  }

  /// Takes back the token that was sampled last.
  public mutating func drop() { pending = nil }
}

extension Tokenizer: ConstraintVocabulary {
  public func bytes(of token: Int32) -> UnsafeRawBufferPointer { bytes(of: token, special: false) }
}
