import CMartletKernels

/// A language model ready to run: token ids in, a score for each token of the vocabulary out, nothing allocated in
/// between.
///
/// The caller keeps `file` mapped and `region` alive for as long as the engine lives. One thread at a time drives an
/// engine. What it was fed stays in the KV cache, position after position, until `rewind(to:)`.
public struct LanguageEngine: ~Copyable {
  let model: LanguageModel
  let layout: LanguageLayout
  let kernels: LanguageKernels
  /// Tokens whose keys and values are in the cache.
  public internal(set) var position = 0
  var evaluation = Evaluation()

  /// How far the current batch has come.
  struct Evaluation {
    /// Tokens of the batch; 0: nothing is being evaluated.
    var count = 0
    var stage = Stage.embed
    var layer = 0
  }

  enum Stage {
    case embed, angles, localAngles, attentionNorm, queryKeyValue, rotate, attention, packAttention, attentionOutput
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
    var arena = try Arena(region: region)
    let model = try LanguageModel(sections, arena: &arena)
    let layout = try LanguageLayout(model, options: options, from: &arena)
    self.model = model
    self.layout = layout
    self.kernels = LanguageKernels(kernels.pointee)
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

  /// The tokens in the cache.
  public var tokens: UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: layout.tokens, count: position)
  }

  /// Forgets everything behind the first `count` tokens.
  public mutating func rewind(to count: Int) {
    precondition(count >= 0 && count <= position)
    position = count
    evaluation = Evaluation()
  }

  /// The cache's first `count` positions have been filled from elsewhere.
  mutating func adopt(_ count: Int) { position = count }

  // MARK: Running

  /// Begins to evaluate up to `LanguageFormat.batch` tokens; returns how many were taken: fewer where the context ends.
  /// `step(on:limit:)` does the work.
  ///
  /// - Parameter tokens: ids below the vocabulary's size.
  public mutating func feed(_ tokens: UnsafeBufferPointer<Int32>) -> Int {
    precondition(evaluation.count == 0)
    let count = min(tokens.count, min(LanguageFormat.batch, room))
    for i in 0..<count {
      precondition(tokens[i] >= 0 && tokens[i] < Int32(record.vocabularySize))
      layout.tokens![position + i] = tokens[i]
    }
    evaluation = Evaluation(count: count)
    return count
  }

  /// Goes on with what was fed for about `limit` multiply-accumulates, at least for one stage of a layer, and returns
  /// whether the batch is complete. Between two steps another engine may run on the same team.
  ///
  /// - Parameter wantsLogits: whether the scores behind the batch's last token are computed; not needed inside a
  ///   prompt.
  public mutating func step(on team: borrowing Team, limit: Int64 = .max, wantsLogits: Bool = true) -> Bool {
    var remaining = limit
    while evaluation.count > 0 {
      remaining -= run(evaluation.stage, on: team)
      guard advance(wantsLogits: wantsLogits) else {
        position += evaluation.count
        evaluation = Evaluation()
        return true
      }
      if remaining <= 0 { return false }
    }
    return true
  }

  /// Feeds all of `tokens`, batch after batch; returns how many there was room for. The logits are those behind the
  /// last.
  public mutating func evaluate(_ tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team) -> Int {
    var done = 0
    while done < tokens.count {
      let count = feed(UnsafeBufferPointer(rebasing: tokens[done...]))
      if count == 0 { break }
      done += count
      _ = step(on: team, wantsLogits: done == tokens.count || count == room)
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
      _ = step(on: team, wantsLogits: false)
      for row in 0..<count where done + row >= first {
        outputNorm(row: row, team)
        _ = head(team)
        each(done + row, logits)
      }
      done += count
    }
    return done
  }

  /// To the next stage; false behind the last one.
  mutating func advance(wantsLogits: Bool) -> Bool {
    switch evaluation.stage {
    case .embed: evaluation.stage = .angles
    case .angles: evaluation.stage = model.localFrequencies == nil ? .attentionNorm : .localAngles
    case .localAngles: evaluation.stage = .attentionNorm
    case .attentionNorm: evaluation.stage = .queryKeyValue
    case .queryKeyValue: evaluation.stage = .rotate
    case .rotate: evaluation.stage = .attention
    case .attention: evaluation.stage = .packAttention
    case .packAttention: evaluation.stage = .attentionOutput
    case .attentionOutput: evaluation.stage = .feedForwardNorm
    case .feedForwardNorm: evaluation.stage = .gateUp
    case .gateUp: evaluation.stage = .gate
    case .gate: evaluation.stage = .down
    case .down:
      evaluation.layer += 1
      if evaluation.layer < Int(record.layerCount) {
        evaluation.stage = .attentionNorm
      } else if wantsLogits {
        evaluation.stage = .outputNorm
      } else {
        return false
      }
    case .outputNorm: evaluation.stage = .head
    case .head: return false
    }
    return true
  }
}
