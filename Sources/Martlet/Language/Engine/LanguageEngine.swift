import CMartletKernels

/// A language model ready to run: token ids in, a score for each token of the vocabulary out, nothing allocated in between.
///
/// The caller keeps `file` mapped and `region` alive for as long as the engine lives. One thread at a time drives an
/// engine. What it was fed stays in the KV cache, position after position, until `rewind(to:)`.
public struct LanguageEngine: ~Copyable {
  let model: LanguageModel
  let layout: LanguageLayout
  private let kernels: martlet_language_table
  /// Tokens whose keys and values are in the cache.
  public private(set) var position = 0
  private var evaluation = Evaluation()

  /// How far the current batch has come.
  private struct Evaluation {
    /// Tokens of the batch; 0: nothing is being evaluated.
    var count = 0
    var stage = Stage.embed
    var layer = 0
  }

  private enum Stage {
    case embed, angles, localAngles, attentionNorm, queryKeyValue, rotate, attention, packAttention, attentionOutput
    case feedForwardNorm, gateUp, gate, down, outputNorm, head
  }

  /// What `init` will need for this file: exact, and known before anything runs. Validates the file's tables.
  public static func budget(
    of file: UnsafeRawBufferPointer, options: LanguageOptions
  ) throws(ModelError) -> LanguageBudget {
    var arena = Arena(measuring: ())
    let model = try LanguageModel(Sections(file: file), arena: &arena)
    return try LanguageLayout(model, options: options, from: &arena).budget
  }

  /// - Parameters:
  ///   - file: a `.martlet` file, mapped; weights are read from it in place.
  ///   - region: 64-byte aligned, at least `budget(of:options:).arenaBytes`.
  ///   - isa: which kernels; must be one that this processor has.
  public init(
    file: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer, options: LanguageOptions, isa: martlet_isa
  ) throws(ModelError) {
    guard let kernels = martlet_language_for(isa) else {
      throw ModelError(.unknownValue, .arena, field: "isa", found: Int64(isa.rawValue))
    }
    var arena = try Arena(region: region)
    let model = try LanguageModel(Sections(file: file), arena: &arena)
    let layout = try LanguageLayout(model, options: options, from: &arena)
    self.model = model
    self.layout = layout
    self.kernels = kernels.pointee
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

  /// Goes on with what was fed for about `limit` multiply-accumulates, at least for one stage of a layer, and returns whether
  /// the batch is complete. Between two steps another engine may run on the same team.
  ///
  /// - Parameter wantsLogits: whether the scores behind the batch's last token are computed; not needed inside a prompt.
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

  /// Feeds all of `tokens`, batch after batch; returns how many there was room for. The logits are those behind the last.
  public mutating func evaluate(_ tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team) -> Int {
    var done = 0
    while done < tokens.count {
      let count = feed(UnsafeBufferPointer(rebasing: tokens[done...]))
      if count == 0 { break }
      done += count
      _ = step(on: team, wantsLogits: done == tokens.count || room == 0)
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
  private mutating func advance(wantsLogits: Bool) -> Bool {
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

// MARK: - Stages

extension LanguageEngine {
  private var layer: LanguageLayer { model.layers![evaluation.layer] }
  private var hidden: Int { Int(record.hiddenSize) }
  private var attentionSize: Int { Int(record.headCount) * Int(record.headSize) }
  private var queryStride: Int { attentionSize + 2 * Int(record.keyValueHeadCount) * Int(record.headSize) }

  /// Runs one stage; returns its multiply-accumulates.
  private func run(_ stage: Stage, on team: borrowing Team) -> Int64 {
    switch stage {
    case .embed: embed(team)
    case .angles: angles(model.frequencies, half: 0, team)
    case .localAngles: angles(model.localFrequencies, half: 1, team)
    case .attentionNorm:
      let before = evaluation.layer > 0 ? model.layers![evaluation.layer - 1] : nil
      norm(
        update: before == nil ? nil : layout.update, updateWeight: before?.postFeedForwardNorm,
        weight: layer.attentionNorm, for: layer.queryKeyValue, team)
    case .queryKeyValue:
      return multiply(layer.queryKeyValue, bias: layer.queryKeyValueBias, into: layout.queries!, team)
    case .rotate: rotate(team)
    case .attention: return attend(team)
    case .packAttention: pack(layout.attended!, for: layer.attentionOutput, team)
    case .attentionOutput: return multiply(layer.attentionOutput, into: layout.update!, team)
    case .feedForwardNorm:
      norm(
        update: layout.update, updateWeight: layer.postAttentionNorm, weight: layer.feedForwardNorm, for: layer.gateUp,
        team)
    case .gateUp: return multiply(layer.gateUp, into: layout.gates!, team)
    case .gate: gate(team)
    case .down: return multiply(layer.down, into: layout.update!, team)
    // Only the last token's row goes on to the head.
    case .outputNorm: outputNorm(row: evaluation.count - 1, team)
    case .head: return head(team)
    }
    return Int64(evaluation.count * hidden)
  }

  private func run<P>(
    _ kernel: martlet_kernel, _ parameters: P, units: Int, _ team: borrowing Team
  ) {
    withUnsafePointer(to: parameters) { pointer in
      let raw = UnsafeRawPointer(pointer)
      // The language kernels do not look at the buffers.
      let job = Job(
        kernel: kernel, parameters: raw, buffers: raw.assumingMemoryBound(to: martlet_buffers.self),
        scratch: layout.scratch!, scratchStride: layout.scratchStride)
      team.run(job, first: 0, last: Int32(units))
    }
  }

  private func embed(_ team: borrowing Team) {
    let parameters = martlet_embed_params(
      matrix: model.embedding, ids: layout.tokens! + position, x: layout.x, factor: record.embeddingScale)
    run(kernels.embed, parameters, units: evaluation.count, team)
  }

  private func angles(_ frequencies: UnsafePointer<Float>?, half which: Int, _ team: borrowing Team) {
    let table = angleTable(which)
    let parameters = martlet_rope_table_params(
      frequencies: frequencies, cosines: table.cosines, sines: table.sines, half: Int32(record.headSize) / 2,
      first_position: Int32(position))
    run(kernels.rope_table, parameters, units: evaluation.count, team)
  }

  private func angleTable(
    _ which: Int
  ) -> (cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>) {
    let size = LanguageFormat.batch * Int(record.headSize) / 2
    let start = layout.angles! + which * 2 * size
    return (start, start + size)
  }

  private func norm(
    update: UnsafeMutablePointer<Float>?, updateWeight: UnsafePointer<Float>?, weight: UnsafePointer<Float>?,
    for matrix: martlet_matrix, _ team: borrowing Team
  ) {
    let parameters = martlet_norm_params(
      x: layout.x, update: UnsafePointer(update), update_weight: updateWeight, weight: weight,
      out: layout.activations(for: matrix), size: Int32(hidden), epsilon: record.normEpsilon)
    run(kernels.norm, parameters, units: evaluation.count, team)
  }

  private func multiply(
    _ matrix: martlet_matrix, bias: UnsafePointer<Float>? = nil, into out: UnsafeMutablePointer<Float>,
    _ team: borrowing Team
  ) -> Int64 {
    let parameters = martlet_matmul_params(
      matrix: matrix, x: layout.activations(for: matrix), bias: bias, out: out, out_stride: matrix.rows,
      tokens: Int32(evaluation.count), cap: 0)
    run(kernels.matmul, parameters, units: (Int(matrix.rows) + 15) / 16, team)
    return Int64(matrix.rows) * Int64(matrix.columns) * Int64(evaluation.count)
  }

  private func rotate(_ team: borrowing Team) {
    let table = angleTable(model.localFrequencies != nil && record.isWindowed(evaluation.layer) ? 1 : 0)
    let parameters = martlet_rotate_params(
      x: layout.queries, stride: Int32(queryStride), heads: Int32(record.headCount),
      cache: layout.cache(layer: evaluation.layer, record), query_norm: layer.queryNorm, key_norm: layer.keyNorm,
      epsilon: record.normEpsilon, cosines: table.cosines, sines: table.sines, first_position: Int32(position),
      factor: record.attentionScale)
    run(kernels.rotate, parameters, units: evaluation.count, team)
  }

  private func attend(_ team: borrowing Team) -> Int64 {
    let window = record.isWindowed(evaluation.layer) ? Int(record.window) : layout.capacity
    let parameters = martlet_attention_params(
      x: layout.queries, stride: Int32(queryStride), heads: Int32(record.headCount),
      cache: layout.cache(layer: evaluation.layer, record), first_position: Int32(position), window: Int32(window),
      cap: record.attentionCap, out: layout.attended, out_stride: Int32(attentionSize))
    run(kernels.attention, parameters, units: evaluation.count * Int(record.keyValueHeadCount), team)
    return Int64(evaluation.count) * Int64(position + evaluation.count) * Int64(attentionSize)
  }

  private func pack(_ x: UnsafeMutablePointer<Float>, for matrix: martlet_matrix, _ team: borrowing Team) {
    let parameters = martlet_pack_params(
      x: x, x_stride: matrix.columns, size: matrix.columns, out: layout.activations(for: matrix))
    run(kernels.pack, parameters, units: evaluation.count, team)
  }

  private func gate(_ team: borrowing Team) {
    let parameters = martlet_gate_params(
      x: layout.gates, size: Int32(record.feedForwardSize), gate: Int32(record.gate),
      out: layout.activations(for: layer.down))
    run(kernels.gate, parameters, units: evaluation.count, team)
  }

  private func outputNorm(row: Int, _ team: borrowing Team) {
    let last = row * hidden
    let parameters = martlet_norm_params(
      x: layout.x! + last, update: UnsafePointer(layout.update! + last),
      update_weight: model.layers![Int(record.layerCount) - 1].postFeedForwardNorm, weight: model.outputNorm,
      out: layout.activations(for: model.head), size: Int32(hidden), epsilon: record.normEpsilon)
    run(kernels.norm, parameters, units: 1, team)
  }

  private func head(_ team: borrowing Team) -> Int64 {
    let matrix = model.head
    let parameters = martlet_matmul_params(
      matrix: matrix, x: layout.activations(for: matrix), bias: nil, out: layout.logits, out_stride: matrix.rows,
      tokens: 1, cap: record.outputCap)
    run(kernels.matmul, parameters, units: (Int(matrix.rows) + 15) / 16, team)
    return Int64(matrix.rows) * Int64(matrix.columns)
  }
}
