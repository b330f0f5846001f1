import CMartletKernels

extension LanguageEngine {
  private var layer: LanguageLayer { model.layers![evaluation.layer] }
  private var hidden: Int { Int(record.hiddenSize) }
  private var headSize: Int { Int(record.headSize) }
  private var attentionSize: Int { Int(record.headCount) * headSize }
  private var queryStride: Int { attentionSize + 2 * Int(record.keyValueHeadCount) * headSize }
  /// The batch's first position.
  private var first: Int { content.count }

  /// What an element of a row costs a kernel that is no matrix product: it is quantized, rotated or goes through an
  /// exponential, about four cycles in which a slow core makes two multiply-accumulates each.
  private static let elementWork = 8
  /// A sine and a cosine.
  private static let angleWork = 64

  /// Runs a stage for `limit` multiply-accumulates, but at least one unit of its kernel; returns how many it were.
  mutating func run(_ stage: Stage, limit: Int64, on team: borrowing Team) -> Int64 {
    switch stage {
    case .embed: return embed(limit, team)
    case .angles: return angles(model.frequencies, half: 0, limit, team)
    case .localAngles: return angles(model.localFrequencies, half: 1, limit, team)
    case .attentionNorm:
      let before = evaluation.layer > 0 ? model.layers![evaluation.layer - 1] : nil
      return norm(
        update: before == nil ? nil : layout.update, updateWeight: before?.postFeedForwardNorm,
        weight: layer.attentionNorm, for: layer.queryKeyValue, limit, team)
    case .queryKeyValue:
      return multiply(layer.queryKeyValue, bias: layer.queryKeyValueBias, into: layout.queries!, limit, team)
    case .rotate: return rotate(limit, team)
    case .attention: return attend(limit, team)
    case .merge: return merge(limit, team)
    case .attentionOutput: return multiply(layer.attentionOutput, into: layout.update!, limit, team)
    case .feedForwardNorm:
      return norm(
        update: layout.update, updateWeight: layer.postAttentionNorm, weight: layer.feedForwardNorm, for: layer.gateUp,
        limit, team)
    case .gateUp: return multiply(layer.gateUp, into: layout.gates!, limit, team)
    case .gate: return gate(limit, team)
    case .down: return multiply(layer.down, into: layout.update!, limit, team)
    // Only one token's row goes on to the head.
    case .outputNorm: return outputNorm(limit, team)
    case .head: return head(limit, team)
    }
  }

  /// A kernel with a unit for each token of the batch, of `size` elements.
  private mutating func perToken<Parameters>(
    _ kernel: LanguageKernel<Parameters>, _ parameters: Parameters, _ size: Int, _ limit: Int64,
    _ team: borrowing Team
  ) -> Int64 {
    run(kernel, parameters, units: evaluation.count, work: size * LanguageEngine.elementWork, limit: limit, on: team)
  }

  private mutating func embed(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    let parameters = martlet_embed_params(
      matrix: model.embedding, ids: layout.tokens! + first, x: layout.x, factor: record.embeddingScale)
    return perToken(kernels.embed, parameters, hidden, limit, team)
  }

  private mutating func angles(
    _ frequencies: UnsafePointer<Float>?, half which: Int, _ limit: Int64, _ team: borrowing Team
  ) -> Int64 {
    let table = angleTable(which)
    let parameters = martlet_rope_table_params(
      frequencies: frequencies, cosines: table.cosines, sines: table.sines, half: Int32(headSize / 2),
      first_position: Int32(first))
    let work = headSize / 2 * LanguageEngine.angleWork
    return run(kernels.angles, parameters, units: evaluation.count, work: work, limit: limit, on: team)
  }

  private func angleTable(
    _ which: Int
  ) -> (cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>) {
    let size = layout.batch * headSize / 2
    let start = layout.angles! + which * 2 * size
    return (start, start + size)
  }

  private mutating func norm(
    update: UnsafeMutablePointer<Float>?, updateWeight: UnsafePointer<Float>?, weight: UnsafePointer<Float>?,
    for matrix: martlet_matrix, _ limit: Int64, _ team: borrowing Team
  ) -> Int64 {
    let parameters = martlet_norm_params(
      x: layout.x, update: UnsafePointer(update), update_weight: updateWeight, weight: weight,
      out: layout.activations(for: matrix), size: Int32(hidden), epsilon: record.normEpsilon)
    return perToken(kernels.norm, parameters, hidden, limit, team)
  }

  private mutating func multiply(
    _ matrix: martlet_matrix, bias: UnsafePointer<Float>? = nil, into out: UnsafeMutablePointer<Float>,
    _ limit: Int64, _ team: borrowing Team
  ) -> Int64 {
    multiply(matrix, bias: bias, into: out, tokens: evaluation.count, cap: 0, limit, team)
  }

  private mutating func multiply(
    _ matrix: martlet_matrix, bias: UnsafePointer<Float>?, into out: UnsafeMutablePointer<Float>, tokens: Int,
    cap: Float, _ limit: Int64, _ team: borrowing Team
  ) -> Int64 {
    let parts = MatrixParts(matrix, tokens: tokens)
    let strip = evaluation.part / parts.tokenParts * parts.blocks
    let token = evaluation.part % parts.tokenParts * parts.tokens
    let count = min(parts.tokens, tokens - token)
    let parameters = martlet_matmul_params(
      matrix: matrix, x: layout.activations(for: matrix, from: token), bias: bias, out: out + token * Int(matrix.rows),
      out_stride: matrix.rows, tokens: Int32(count), cap: cap)
    let blocks = min(parts.blocks, (Int(matrix.rows) + 15) / 16 - strip)
    return run(
      kernels.matmul, parameters, first: strip, units: blocks, work: 16 * Int(matrix.columns) * count,
      parts: parts.strips * parts.tokenParts, limit: limit, on: team)
  }

  private mutating func rotate(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    let table = angleTable(model.localFrequencies != nil && record.isWindowed(evaluation.layer) ? 1 : 0)
    let parameters = martlet_rotate_params(
      x: layout.queries, stride: Int32(queryStride), heads: Int32(record.headCount),
      cache: layout.cache(layer: evaluation.layer, record), query_norm: layer.queryNorm, key_norm: layer.keyNorm,
      epsilon: record.normEpsilon, cosines: table.cosines, sines: table.sines, first_position: Int32(first),
      factor: record.attentionScale)
    return perToken(kernels.rotate, parameters, queryStride, limit, team)
  }

  /// What attention computes for some tokens of the batch, as many as there is room for: as far as the batch's tokens
  /// were merged, and from there on.
  private var attention: martlet_attention_params {
    let position = first + evaluation.merged
    let left = evaluation.count - evaluation.merged
    // What lies behind the batch no token sees.
    let seen = first + evaluation.count
    let window = Int32(record.isWindowed(evaluation.layer) ? min(Int(record.window), seen) : seen)
    return martlet_attention_params(
      x: layout.queries! + evaluation.merged * queryStride, stride: Int32(queryStride), heads: Int32(record.headCount),
      cache: layout.cache(layer: evaluation.layer, record), first_position: Int32(position),
      tokens: martlet_attention_tokens(Int32(position), window, Int32(left), layout.partialRoom), window: window,
      cap: record.attentionCap, partials: layout.partials)
  }

  private mutating func attend(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    var parameters = attention
    let grid = martlet_attention_grid_of(&parameters)
    // Scores and values of a chunk, which the window may not fill.
    let seen = min(Int(MARTLET_CACHE_CHUNK), Int(parameters.first_position + parameters.tokens))
    return run(
      kernels.attention, parameters, units: Int(martlet_attention_units(&parameters)),
      work: 2 * seen * headSize * Int(grid.unit_heads * grid.unit_tokens), limit: limit, on: team)
  }

  private mutating func merge(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    var attention = attention
    let chunks = Int(martlet_attention_grid_of(&attention).chunks)
    let parameters = martlet_merge_params(
      attention: attention, out: layout.activations(for: layer.attentionOutput), first_row: Int32(evaluation.merged))
    let work = run(
      kernels.merge, parameters, units: Int(attention.tokens),
      work: attentionSize * (chunks + LanguageEngine.elementWork), limit: limit, on: team)
    if evaluation.unit == 0 { evaluation.merged += Int(attention.tokens) }
    return work
  }

  private mutating func gate(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    let parameters = martlet_gate_params(
      x: layout.gates, size: Int32(record.feedForwardSize), gate: Int32(record.gate),
      out: layout.activations(for: layer.down))
    return perToken(kernels.gate, parameters, Int(record.feedForwardSize), limit, team)
  }

  private mutating func outputNorm(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    let row = evaluation.row * hidden
    let parameters = martlet_norm_params(
      x: layout.x! + row, update: UnsafePointer(layout.update! + row),
      update_weight: model.layers![Int(record.layerCount) - 1].postFeedForwardNorm, weight: model.outputNorm,
      out: layout.activations(for: model.head), size: Int32(hidden), epsilon: record.normEpsilon)
    return run(
      kernels.norm, parameters, units: 1, work: hidden * LanguageEngine.elementWork, limit: limit, on: team)
  }

  private mutating func head(_ limit: Int64, _ team: borrowing Team) -> Int64 {
    multiply(model.head, bias: nil, into: layout.logits!, tokens: 1, cap: record.outputCap, limit, team)
  }
}
