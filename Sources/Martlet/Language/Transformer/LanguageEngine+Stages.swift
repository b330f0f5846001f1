import CMartletKernels

extension LanguageEngine {
  private var layer: LanguageLayer { model.layers![evaluation.layer] }
  private var hidden: Int { Int(record.hiddenSize) }
  private var attentionSize: Int { Int(record.headCount) * Int(record.headSize) }
  private var queryStride: Int { attentionSize + 2 * Int(record.keyValueHeadCount) * Int(record.headSize) }

  /// Runs one stage; returns its multiply-accumulates.
  func run(_ stage: Stage, on team: borrowing Team) -> Int64 {
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

  private func run<Parameters>(
    _ kernel: LanguageKernel<Parameters>, _ parameters: Parameters, units: Int, _ team: borrowing Team
  ) {
    withUnsafePointer(to: parameters) { pointer in
      let job = Job(
        kernel: kernel.function, parameters: UnsafeRawPointer(pointer), buffers: nil, scratch: layout.scratch!,
        scratchStride: layout.scratchStride)
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
    run(kernels.angles, parameters, units: evaluation.count, team)
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

  /// As many tokens at a time as there is room for parts of their softmax.
  private func attend(_ team: borrowing Team) -> Int64 {
    let window = Int32(record.isWindowed(evaluation.layer) ? Int(record.window) : layout.capacity)
    var done = 0
    while done < evaluation.count {
      let first = Int32(position + done)
      let tokens = martlet_attention_tokens(first, window, Int32(evaluation.count - done), layout.attentionRoom)
      var parameters = martlet_attention_params(
        x: layout.queries! + done * queryStride, stride: Int32(queryStride), heads: Int32(record.headCount),
        cache: layout.cache(layer: evaluation.layer, record), first_position: first, tokens: tokens, window: window,
        cap: record.attentionCap, partials: layout.partials)
      run(kernels.attention, parameters, units: Int(martlet_attention_units(&parameters)), team)
      let merge = martlet_merge_params(
        attention: parameters, out: layout.activations(for: layer.attentionOutput), first_row: Int32(done))
      run(kernels.merge, merge, units: Int(tokens), team)
      done += Int(tokens)
    }
    return Int64(evaluation.count) * Int64(position + evaluation.count) * Int64(attentionSize)
  }

  private func gate(_ team: borrowing Team) {
    let parameters = martlet_gate_params(
      x: layout.gates, size: Int32(record.feedForwardSize), gate: Int32(record.gate),
      out: layout.activations(for: layer.down))
    run(kernels.gate, parameters, units: evaluation.count, team)
  }

  func outputNorm(row: Int, _ team: borrowing Team) {
    let last = row * hidden
    let parameters = martlet_norm_params(
      x: layout.x! + last, update: UnsafePointer(layout.update! + last),
      update_weight: model.layers![Int(record.layerCount) - 1].postFeedForwardNorm, weight: model.outputNorm,
      out: layout.activations(for: model.head), size: Int32(hidden), epsilon: record.normEpsilon)
    run(kernels.norm, parameters, units: 1, team)
  }

  func head(_ team: borrowing Team) -> Int64 {
    let matrix = model.head
    let parameters = martlet_matmul_params(
      matrix: matrix, x: layout.activations(for: matrix), bias: nil, out: layout.logits, out_stride: matrix.rows,
      tokens: 1, cap: record.outputCap)
    run(kernels.matmul, parameters, units: (Int(matrix.rows) + 15) / 16, team)
    return Int64(matrix.rows) * Int64(matrix.columns)
  }
}
