import CMartletKernels

/// For those who quantize: layers on a residual stream from elsewhere, with what flows into their matrices in sight.
extension LanguageEngine {
  /// Runs the layers on `stream` in place of the tokens' embeddings, as the positions that follow those in the cache.
  /// The device does not use it.
  ///
  /// - Parameters:
  ///   - stream: [count, hiddenSize]; becomes what the last layer leaves, before the last norm.
  ///   - count: at most a batch and `room`.
  ///   - each: called before each of a layer's matrices that is float32, with its inputs [count, stride].
  public mutating func evaluate(
    stream: UnsafeMutablePointer<Float>, count: Int, on team: borrowing Team,
    each: (_ matrix: LanguageTensorKind, _ inputs: UnsafePointer<Float>, _ stride: Int) -> Void
  ) {
    let size = count * Int(record.hiddenSize)
    // Any ids: nobody looks an embedding up.
    let ids = layout.tokens! + position
    ids.update(repeating: 0, count: count)
    let taken = feed(UnsafeBufferPointer(start: ids, count: count))
    precondition(taken == count)
    beginLayers()
    layout.x!.update(from: stream, count: size)
    repeat {
      if evaluation.part == 0, evaluation.unit == 0, let (kind, matrix) = matrixOfStage() {
        let inputs = layout.activations(for: matrix)
        if let values = inputs.values { each(kind, values, Int(inputs.stride)) }
      }
      _ = run(evaluation.stage, limit: .max, on: team)
    } while evaluation.part > 0 || evaluation.unit > 0 || advance(wantsLogits: false)
    // Joins the last layer's update to the stream.
    for row in 0..<count {
      evaluation = Evaluation(count: count, stage: .outputNorm, row: row)
      _ = run(.outputNorm, limit: .max, on: team)
    }
    stream.update(from: layout.x!, count: size)
    endLayers()
  }

  private func matrixOfStage() -> (LanguageTensorKind, martlet_matrix)? {
    guard evaluation.layer < Int(record.layerCount) else { return nil }
    let layer = model.layers![evaluation.layer]
    return switch evaluation.stage {
    case .queryKeyValue: (.queryKeyValue, layer.queryKeyValue)
    case .attentionOutput: (.attentionOutput, layer.attentionOutput)
    case .gateUp: (.gateUp, layer.gateUp)
    case .down: (.down, layer.down)
    case .embed, .angles, .localAngles, .attentionNorm, .rotate, .attention, .merge, .feedForwardNorm, .gate,
      .outputNorm, .head:
      nil
    }
  }
}
