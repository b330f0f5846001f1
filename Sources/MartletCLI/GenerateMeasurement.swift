import Martlet
import MartletDevice

/// What a text cost, and why it ended.
struct GenerateMeasurement {
  enum Finish {
    case limit, end, stop, context, complete, interrupted

    var name: String {
      switch self {
      case .limit: "max-tokens"
      case .end: "end"
      case .stop: "stop"
      case .context: "context"
      case .complete: "complete"
      case .interrupted: "interrupted"
      }
    }
  }

  var finish = Finish.limit
  var loadNs: UInt64 = 0
  var prefill = Clocks.Span()
  var firstToken = Clocks.Span()
  var decode = Clocks.Span()
  var promptTokens = 0
  /// Of the prompt's tokens those that the session held already.
  var reusedTokens = 0
  var peakResidentBytes: UInt64 = 0
  /// Only for JSON.
  var prompt: [Int32] = []
  private(set) var tokens: [Int32] = []
  private(set) var tokenCount = 0
  private let keepsTokens: Bool
  private var logitsHash: UInt64 = 0

  init(keepsTokens: Bool, limit: Int) {
    self.keepsTokens = keepsTokens
    if keepsTokens { tokens.reserveCapacity(min(limit, 1 << 16)) }
  }

  mutating func add(_ token: Int32) {
    tokenCount += 1
    if keepsTokens { tokens.append(token) }
  }

  /// Over the scores of every step.
  mutating func hash(_ logits: UnsafeMutableBufferPointer<Float>) {
    logitsHash = XXH64.hash(UnsafeRawBufferPointer(logits), seed: logitsHash)
  }

  private static func rate(_ count: Int, _ span: Clocks.Span) -> Double {
    span.wallNs == 0 ? 0 : Double(count) * 1e9 / Double(span.wallNs)
  }

  private var prefillRate: Double { GenerateMeasurement.rate(promptTokens - reusedTokens, prefill) }
  private var decodeRate: Double { GenerateMeasurement.rate(tokenCount, decode) }
  private var cpuMs: Double { Double(decode.cpuNs) / 1e6 / Double(max(tokenCount, 1)) }
  private var firstTokenMs: Double { Double(prefill.wallNs + firstToken.wallNs) / 1e6 }

  func json(_ generator: borrowing TextGenerator, text: [UInt8], path: FilePath) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("model", path.text)
    json.field("text", text.withUnsafeBytes { String(utf8: $0) })
    json.field("finish", finish.name)
    json.beginArray("prompt_tokens", inline: true)
    for token in prompt { json.element(Int(token)) }
    json.endArray()
    json.beginArray("tokens", inline: true)
    for token in tokens { json.element(Int(token)) }
    json.endArray()
    json.field("logits_hash", String(logitsHash, radix: 16))
    json.field("reused_tokens", reusedTokens)
    json.field("load_ms", Double(loadNs) / 1e6, places: 3)
    json.field("time_to_first_token_ms", firstTokenMs, places: 3)
    json.field("prefill_tokens_per_s", prefillRate, places: 2)
    json.field("decode_tokens_per_s", decodeRate, places: 2)
    json.field("cpu_ms_per_token", cpuMs, places: 3)
    json.field("arena_bytes", generator.budget.arenaBytes)
    json.field("peak_rss_bytes", Int(peakResidentBytes))
    json.end()
    return json.text
  }

  func text(_ generator: borrowing TextGenerator) -> String {
    var text = "prompt          \(promptTokens) tokens, \(reusedTokens) of them from the session, "
    text.add(NumberText.decimal(prefillRate, places: 1) + " tokens/s\n")
    text.add("answer          \(tokenCount) tokens, " + NumberText.decimal(decodeRate, places: 1) + " tokens/s, ")
    text.add(NumberText.decimal(cpuMs, places: 2) + " ms of processor time a token, ended by \(finish.name)\n")
    text.add("first token     " + NumberText.decimal(firstTokenMs, places: 1) + " ms, loading ")
    text.add(NumberText.decimal(Double(loadNs) / 1e6, places: 1) + " ms\n")
    text.add("memory          arena \(NumberText.grouped(generator.budget.arenaBytes)) bytes, peak resident ")
    text.add(NumberText.bytes(Int(peakResidentBytes)) + "\n")
    return text
  }
}
