import CMartletKernels

/// A language model ready to run: token ids in, a score for each token of the vocabulary out, nothing allocated in
/// between.
///
/// The caller keeps `file` mapped and `region` alive for as long as the engine lives. One thread at a time drives an
/// engine. What it was fed is its text, token after token, until `rewind(to:)`. Layers with a window forget the keys
/// and values of positions that no later token sees; where a rewind brings such a token back, they are computed again
/// with the next tokens that are fed, from the text's ids, with the same bits.
public struct LanguageEngine: ~Copyable {
  let model: LanguageModel
  let layout: LanguageLayout
  let kernels: LanguageKernels
  /// Tokens of the text.
  public private(set) var position = 0
  /// How much of the text has its keys and values in the cache: all, but for what a ring has lost or a session lacked.
  private(set) var content: CacheContent
  /// Tokens behind the text that are being evaluated.
  private var fed = 0
  var evaluation = Evaluation()

  /// How far the current batch has come.
  struct Evaluation {
    /// Tokens of the batch, behind those in the cache; 0: nothing is being evaluated.
    var count = 0
    var stage = Stage.embed
    var layer = 0
    /// The stage's parts that are done, and units of the next one.
    var part = 0
    var unit = 0
    /// Of the layer's attention, tokens that are through with it.
    var merged = 0
    /// Of the batch's tokens the one that the head scores.
    var row = 0
  }

  enum Stage {
    case embed, angles, localAngles, attentionNorm, queryKeyValue, rotate, attention, merge, attentionOutput
    case feedForwardNorm, gateUp, gate, down, outputNorm, head
  }

  /// What `init` will need for this file: exact, and known before anything runs. Validates the file's tables.
  public static func budget(
    of file: UnsafeRawBufferPointer, options: LanguageOptions
  ) throws(ModelError) -> LanguageBudget {
    try budget(of: Sections(file: file), options: options)
  }

  static func budget(of sections: Sections, options: LanguageOptions) throws(ModelError) -> LanguageBudget {
    var arena = Arena(measuring: ())
    let model = try LanguageModel(sections, arena: &arena)
    return try LanguageLayout(model, options: options, from: &arena).budget
  }

  /// - Parameters:
  ///   - file: a `.martlet` file, mapped; weights are read from it in place.
  ///   - region: 64-byte aligned, at least `budget(of:options:).arenaBytes`.
  ///   - isa: which kernels; must be one that this processor has.
  public init(
    file: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer, options: LanguageOptions, isa: martlet_isa
  ) throws(ModelError) {
    try self.init(Sections(file: file), region: region, options: options, isa: isa)
  }

  init(
    _ sections: Sections, region: UnsafeMutableRawBufferPointer, options: LanguageOptions, isa: martlet_isa
  ) throws(ModelError) {
    guard let kernels = martlet_language_for(isa) else {
      throw ModelError(.unknownValue, .arena, field: "isa", found: Int64(isa.rawValue))
    }
    try self.init(sections, region: region, options: options, kernels: LanguageKernels(kernels.pointee))
  }

  init(
    _ sections: Sections, region: UnsafeMutableRawBufferPointer, options: LanguageOptions, kernels: LanguageKernels
  ) throws(ModelError) {
    var arena = try Arena(region: region)
    let model = try LanguageModel(sections, arena: &arena)
    let layout = try LanguageLayout(model, options: options, from: &arena)
    self.model = model
    self.layout = layout
    self.kernels = kernels
    content = layout.emptyContent(model.record)
  }

  public var record: LanguageRecord { model.record }
  public var budget: LanguageBudget { layout.budget }
  public var weightsBytes: Int { model.weightsBytes }

  /// Positions that are still free.
  public var room: Int { layout.budget.contextLength - position }

  /// The scores of the token that follows what was fed last; the sampler may change them.
  public var logits: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: layout.logits, count: Int(record.vocabularySize))
  }

  /// The text.
  public var tokens: UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: layout.tokens, count: position)
  }

  // MARK: The text

  /// Forgets everything behind the first `count` tokens, and tokens that are being evaluated.
  public mutating func rewind(to count: Int) {
    precondition(count >= 0 && count <= position)
    cancel()
    position = count
    content.rewind(to: count)
  }

  /// Takes tokens out of the middle of the text. What stands behind them is evaluated again with the next tokens that
  /// are fed, for its keys depend on where it stands.
  public mutating func remove(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= position)
    cancel()
    for i in range.upperBound..<position { layout.tokens![i - range.count] = layout.tokens![i] }
    position -= range.count
    content.rewind(to: range.lowerBound)
  }

  /// Gives up tokens that were fed and not completely evaluated: they do not become a part of the text.
  public mutating func cancel() {
    fed = 0
    evaluation = Evaluation()
  }

  /// The text's ids, and the cache as far as `cached`, have been filled from elsewhere.
  mutating func adopt(_ count: Int, cached: Int) {
    position = count
    content.adopt(cached)
  }

  /// What is about to be saved is what a saved cache holds.
  mutating func trim() { content.trim() }

  // MARK: Running

  /// Multiply-accumulates of a step for which a slow core takes about a millisecond: it makes 2 * 10^9 of int8 in a
  /// second. Whoever shares the processor with a text, a frame with a deadline or Ctrl-C, waits no longer for it.
  public static let stepLimit: Int64 = 1 << 21

  /// Begins to evaluate up to a batch of tokens; returns how many were taken: fewer where the context ends.
  /// `step(on:limit:)` does the work.
  ///
  /// - Parameter tokens: ids below the vocabulary's size.
  public mutating func feed(_ tokens: UnsafeBufferPointer<Int32>) -> Int {
    precondition(fed == 0)
    let count = min(tokens.count, min(layout.batch, room))
    for i in 0..<count {
      precondition(tokens[i] >= 0 && tokens[i] < Int32(record.vocabularySize))
      layout.tokens![position + i] = tokens[i]
    }
    fed = count
    return count
  }

  /// Goes on with what was fed, and returns whether it is complete. Between two steps another engine may run on the
  /// same team.
  ///
  /// - Parameters:
  ///   - limit: multiply-accumulates of each of the team's threads after which the step ends; by the last unit of a
  ///     kernel it may exceed them.
  ///   - wantsLogits: whether the scores behind the last token are computed; not needed inside a prompt.
  public mutating func step(on team: borrowing Team, limit: Int64, wantsLogits: Bool = true) -> Bool {
    let (all, overflow) = limit.multipliedReportingOverflow(by: Int64(team.threads))
    var left = overflow ? .max : all
    while fed > 0 {
      // What the cache lacks of the text comes first, in batches of its own.
      let missing = position - content.count
      if evaluation.count == 0 { begin(missing > 0 ? min(missing, layout.batch) : fed) }
      guard finishStages(&left, wantsLogits: wantsLogits && missing == 0, on: team) else { return false }
      content.extend(to: content.count + evaluation.count)
      evaluation = Evaluation()
      if missing == 0 {
        position += fed
        fed = 0
      } else if left <= 0 {
        return false
      }
    }
    return true
  }

  private mutating func begin(_ count: Int) {
    evaluation = Evaluation(count: count, row: count - 1)
    content.write(upTo: content.count + count)
  }

  /// Begins the tokens that were fed behind their embedding.
  mutating func beginLayers() {
    precondition(content.count == position)
    begin(fed)
    evaluation.stage = .angles
  }

  /// The layers of the tokens that were fed are complete.
  mutating func endLayers() {
    content.extend(to: content.count + fed)
    position += fed
    cancel()
  }

  /// Feeds all of `tokens`, batch after batch; returns how many there was room for. The logits are those behind the
  /// last.
  public mutating func evaluate(_ tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team) -> Int {
    var done = 0
    while done < tokens.count {
      let count = feed(UnsafeBufferPointer(rebasing: tokens[done...]))
      if count == 0 { break }
      done += count
      _ = step(on: team, limit: .max, wantsLogits: done == tokens.count || count == room)
    }
    return done
  }

  /// The same, and hands over the logits behind every token from `first` on, for those who judge a model by a text.
  public mutating func evaluate(
    _ tokens: UnsafeBufferPointer<Int32>, from first: Int = 0, on team: borrowing Team,
    each: (_ index: Int, _ logits: UnsafeMutableBufferPointer<Float>) -> Void
  ) -> Int {
    var done = 0
    while done < tokens.count {
      let count = feed(UnsafeBufferPointer(rebasing: tokens[done...]))
      if count == 0 { break }
      _ = step(on: team, limit: .max, wantsLogits: false)
      for row in 0..<count where done + row >= first {
        var left = Int64.max
        evaluation = Evaluation(count: count, stage: .outputNorm, row: row)
        _ = finishStages(&left, wantsLogits: true, on: team)
        each(done + row, logits)
      }
      evaluation = Evaluation()
      done += count
    }
    return done
  }
}
