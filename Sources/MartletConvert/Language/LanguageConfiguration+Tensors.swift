extension LanguageConfiguration {
  /// Every weight that a model of this configuration has, in the order of the computation.
  public var tensors: [LanguageTensor] {
    var result: [LanguageTensor] = [.embedding]
    for layer in 0..<layerCount {
      result += LayerTensor.allCases.filter { shape(of: $0) != nil }.map { .layer(layer, $0) }
    }
    result.append(.outputNorm)
    if !isHeadTied { result.append(.head) }
    return result
  }

  /// Nil where the configuration has no such weight.
  public func shape(of tensor: LanguageTensor) -> [Int]? {
    switch tensor {
    case .embedding: [vocabularySize, hiddenSize]
    case .outputNorm: [hiddenSize]
    case .head: isHeadTied ? nil : [vocabularySize, hiddenSize]
    case .layer(let layer, let tensor): (0..<layerCount).contains(layer) ? shape(of: tensor) : nil
    }
  }

  private func shape(of tensor: LayerTensor) -> [Int]? {
    let queries = headCount * headSize
    let keys = keyValueHeadCount * headSize
    return switch tensor {
    case .attentionNorm, .feedForwardNorm: [hiddenSize]
    case .postAttentionNorm, .postFeedForwardNorm: hasPostNorms ? [hiddenSize] : nil
    case .query: [queries, hiddenSize]
    case .key, .value: [keys, hiddenSize]
    case .queryBias: hasQueryKeyValueBias ? [queries] : nil
    case .keyBias, .valueBias: hasQueryKeyValueBias ? [keys] : nil
    case .queryNorm, .keyNorm: hasQueryKeyNorm ? [headSize] : nil
    case .attentionOutput: [hiddenSize, queries]
    case .gate, .up: [feedForwardSize, hiddenSize]
    case .down: [hiddenSize, feedForwardSize]
    }
  }

  /// Heads in the rows of a tensor that rotary embedding turns, or nil for any other.
  func rotaryHeads(of tensor: LanguageTensor) -> Int? {
    guard case .layer(_, let kind) = tensor else { return nil }
    return switch kind {
    case .query, .queryBias: headCount
    case .key, .keyBias: keyValueHeadCount
    case .queryNorm, .keyNorm: 1
    case .attentionNorm, .value, .valueBias, .attentionOutput, .postAttentionNorm, .feedForwardNorm, .gate, .up, .down,
      .postFeedForwardNorm:
      nil
    }
  }
}

extension LanguageTensor {
  var isNorm: Bool {
    switch self {
    case .outputNorm: true
    case .embedding, .head: false
    case .layer(_, let kind): kind.isNorm
    }
  }
}

extension LayerTensor {
  fileprivate var isNorm: Bool {
    switch self {
    case .attentionNorm, .queryNorm, .keyNorm, .postAttentionNorm, .feedForwardNorm, .postFeedForwardNorm: true
    case .query, .key, .value, .queryBias, .keyBias, .valueBias, .attentionOutput, .gate, .up, .down: false
    }
  }
}

/// Rows of `heads` heads from the interleaved rotary layout (a pair is two neighbours) to halves (the two of a pair are
/// headSize / 2 apart). `values` is [heads * headSize, columns].
func halvesFromInterleaved(_ values: [Float], heads: Int, headSize: Int) -> [Float] {
  let rows = heads * headSize
  guard rows > 0, headSize % 2 == 0, values.count % rows == 0 else { return values }
  let columns = values.count / rows
  var result: [Float] = []
  result.reserveCapacity(values.count)
  for head in 0..<heads {
    for half in 0..<2 {
      for pair in 0..<headSize / 2 {
        let row = head * headSize + 2 * pair + half
        result += values[row * columns..<(row + 1) * columns]
      }
    }
  }
  return result
}
