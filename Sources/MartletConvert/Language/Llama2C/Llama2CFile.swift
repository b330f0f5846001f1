/// A checkpoint of llama2.c, version 0: seven 32-bit integers and float32 weights, as its run.c reads them.
struct Llama2CFile {
  static let headerBytes = 28

  let hiddenSize, feedForwardSize, layerCount, headCount, keyValueHeadCount, vocabularySize, contextLength: Int
  /// A vocabulary size that is stored negative says that the head is a matrix of its own.
  let isHeadTied: Bool

  var headSize: Int { hiddenSize / headCount }

  /// Reads the header, and checks that `fileBytes` is exactly what its sizes ask for.
  init(header: UnsafeRawBufferPointer, fileBytes: Int) throws(ConversionError) {
    var cursor = ByteCursor(header)
    var fields: [Int] = []
    for _ in 0..<7 { fields.append(Int(try cursor.integer(Int32.self, "the header of seven integers"))) }
    (hiddenSize, feedForwardSize, layerCount) = (fields[0], fields[1], fields[2])
    (headCount, keyValueHeadCount, contextLength) = (fields[3], fields[4], fields[6])
    isHeadTied = fields[5] > 0
    vocabularySize = abs(fields[5])
    guard headCount > 0, hiddenSize % headCount == 0 else {
      throw .badData("the hidden size \(hiddenSize) is not a multiple of the \(headCount) heads")
    }
    let configuration = self.configuration
    try configuration.validate()
    let expected = Self.headerBytes + layout(configuration).bytes
    guard fileBytes == expected else {
      throw .badData("a llama2.c file of these sizes has \(expected) bytes, this one \(fileBytes)")
    }
  }

  var configuration: LanguageConfiguration {
    LanguageConfiguration(
      family: .llama, vocabularySize: vocabularySize, hiddenSize: hiddenSize, layerCount: layerCount,
      headCount: headCount, keyValueHeadCount: keyValueHeadCount, headSize: headSize,
      feedForwardSize: feedForwardSize, contextLength: contextLength, normEpsilon: 1e-5, activation: .silu,
      ropeTheta: 10000, ropeScaling: .none, localRopeTheta: nil, window: nil,
      isWindowed: Array(repeating: false, count: max(0, min(layerCount, LanguageLimits.layers))),
      attentionScale: 1 / Float(headSize).squareRoot(), attentionSoftCap: nil, outputSoftCap: nil, embeddingScale: 1,
      hasQueryKeyNorm: false, hasQueryKeyValueBias: false, hasPostNorms: false, isHeadTied: isHeadTied)
  }

  /// The tensors of all layers, one kind after the other.
  private static let order: [LayerTensor] = [
    .attentionNorm, .query, .key, .value, .attentionOutput, .feedForwardNorm, .gate, .down, .up,
  ]

  /// Byte offsets, from the end of the header, of the first layer's tensor of each kind and of the others. Afterwards
  /// come the output norm, tables of cosines and sines that we compute ourselves, and the head if it is one.
  private func layout(
    _ configuration: LanguageConfiguration
  ) -> (layers: [LayerTensor: Int], outputNorm: Int, head: Int, bytes: Int) {
    func bytes(_ tensor: LanguageTensor) -> Int { 4 * (configuration.shape(of: tensor) ?? []).reduce(1, *) }
    var offset = bytes(.embedding)
    var layers: [LayerTensor: Int] = [:]
    for kind in Self.order {
      layers[kind] = offset
      offset += layerCount * bytes(.layer(0, kind))
    }
    let outputNorm = offset
    let head = outputNorm + bytes(.outputNorm) + 4 * contextLength * headSize
    return (layers, outputNorm, head, head + (isHeadTied ? 0 : bytes(.head)))
  }

  /// Bytes of the file that hold the tensor; nil for one that the format does not have.
  func range(of tensor: LanguageTensor) -> Range<Int>? {
    let configuration = self.configuration
    guard let shape = configuration.shape(of: tensor) else { return nil }
    let size = 4 * shape.reduce(1, *)
    let layout = layout(configuration)
    let offset: Int
    switch tensor {
    case .embedding: offset = 0
    case .outputNorm: offset = layout.outputNorm
    case .head: offset = layout.head
    case .layer(let layer, let kind):
      guard let first = layout.layers[kind] else { return nil }
      offset = first + layer * size
    }
    return Self.headerBytes + offset..<Self.headerBytes + offset + size
  }
}
