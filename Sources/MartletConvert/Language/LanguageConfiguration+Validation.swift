extension LanguageConfiguration {
  /// Throws unless every number is within `LanguageLimits`, and they fit each other. Afterwards the product of any
  /// three sizes fits an Int.
  func validate() throws(ConversionError) {
    try check(vocabularySize, "vocabulary size", LanguageLimits.vocabulary)
    try check(hiddenSize, "hidden size", LanguageLimits.hidden)
    try check(layerCount, "number of layers", LanguageLimits.layers)
    try check(headCount, "number of heads", LanguageLimits.heads)
    try check(keyValueHeadCount, "number of key-value heads", LanguageLimits.heads)
    try check(headSize, "head size", LanguageLimits.headSize)
    try check(feedForwardSize, "feed-forward size", LanguageLimits.feedForward)
    try check(contextLength, "context length", LanguageLimits.context)
    if let window { try check(window, "attention window", LanguageLimits.context) }
    guard headCount % keyValueHeadCount == 0 else {
      throw .badData("\(headCount) heads cannot share \(keyValueHeadCount) key-value heads evenly")
    }
    guard headSize % 2 == 0 else { throw .badData("the head size \(headSize) is odd; rotary embedding needs pairs") }
    guard isWindowed.count == layerCount else {
      throw .badData("\(isWindowed.count) attention kinds for \(layerCount) layers")
    }
    try checkReals()
  }

  private func check(_ value: Int, _ what: String, _ limit: Int) throws(ConversionError) {
    guard value > 0, value <= limit else { throw .badData("the \(what) is \(value); 1 to \(limit) are taken") }
  }

  private func checkReals() throws(ConversionError) {
    var reals = [
      (normEpsilon, "norm's epsilon"), (ropeTheta, "rotary theta"), (attentionScale, "attention scale"),
      (embeddingScale, "embedding scale"),
    ]
    if let localRopeTheta { reals.append((localRopeTheta, "local rotary theta")) }
    if let attentionSoftCap { reals.append((attentionSoftCap, "attention's soft cap")) }
    if let outputSoftCap { reals.append((outputSoftCap, "logits' soft cap")) }
    switch ropeScaling {
    case .none: break
    case .linear(let factor): reals.append((factor, "rotary scaling factor"))
    case .llama3(let factor, let low, let high, let context):
      reals += [(factor, "rotary scaling factor"), (low, "low frequency factor"), (high, "high frequency factor")]
      try check(context, "original context", LanguageLimits.context)
      guard high > low else { throw .badData("the high frequency factor is not above the low one") }
    case .factors(let factors):
      guard factors.count == headSize / 2 else {
        throw .badData("\(factors.count) rotary factors for heads of \(headSize)")
      }
      reals += factors.map { ($0, "rotary factor") }
    }
    for (value, what) in reals where !(value.isNormal && value > 0) {
      throw .badData("the \(what) is \(value), not a positive number")
    }
  }
}
