import Foundation
import Martlet

/// exp of the mean negative log-probability of a text's tokens.
///
/// The text's tokens are cut into chunks; each starts from an empty cache, with BOS in place of its first token where
/// the model wants one, and its second half is scored, as llama.cpp's `llama-perplexity` does.
public struct Perplexity {
  public let value: Double
  /// How many were scored.
  public let tokens: Int
  public let chunks: Int

  /// - Parameter progress: called with the share that is done.
  public init(
    of text: [UInt8], by model: LanguageRunner, context: Int, limit: Int? = nil, progress: (Double) -> Void = { _ in }
  ) throws(ConversionError) {
    let ids = try model.tokens(of: text)
    let available = ids.count / context
    guard available > 0 else {
      throw .badData("the text has \(ids.count) tokens, less than a chunk of \(context)")
    }
    let count = min(available, limit ?? available)
    let first = context / 2
    var sum = 0.0
    var scored = 0
    for chunk in 0..<count {
      var part = Array(ids[chunk * context..<(chunk + 1) * context])
      if let beginning = model.beginning { part[0] = beginning }
      model.evaluate(part, from: first) { index, logits in
        guard index + 1 < part.count else { return }
        sum -= Perplexity.logProbability(logits, Int(part[index + 1]))
        scored += 1
      }
      progress(Double(chunk + 1) / Double(count))
    }
    value = exp(sum / Double(scored))
    tokens = scored
    chunks = count
  }

  static func logProbability(_ logits: UnsafeMutableBufferPointer<Float>, _ token: Int) -> Double {
    var most = -Float.infinity
    for value in logits where value > most { most = value }
    var sum = 0.0
    for value in logits { sum += exp(Double(value - most)) }
    return Double(logits[token] - most) - log(sum)
  }
}
