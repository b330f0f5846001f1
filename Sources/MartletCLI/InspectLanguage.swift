import Martlet
import MartletDevice

/// `inspect` of a language model: what it is, and the arena as a function of the context length.
struct InspectLanguage {
  private let file: FilePath
  private let fileBytes: Int
  private let record: LanguageRecord
  private let weightsBytes: Int
  private let tokenizerCount: Int?
  private let hasChat: Bool
  private let provenance: [String]
  /// Of the chosen context first, then of usual ones.
  private let budgets: [LanguageBudget]

  init(_ file: borrowing ModelFile, _ language: LanguageOptions) throws(ModelError) {
    self.file = file.path
    fileBytes = file.bytes.count
    let description = try LanguageDescription(file: file.bytes)
    record = description.record
    weightsBytes = description.weightsBytes
    tokenizerCount = description.tokenizer?.count
    hasChat = description.chat != nil
    provenance = description.provenance.lines
    var options = GeneratorOptions()
    options.language = language
    var budgets = [try TextGenerator.budget(of: file.bytes, options: options)]
    for length in [256, 512, 1024, 2048, 4096, 8192, 16384, 32768] where length <= Int(record.contextLength) {
      options.language.contextLength = length
      do throws(ModelError) {
        budgets.append(try TextGenerator.budget(of: file.bytes, options: options))
      } catch {
        // More is refused for longer contexts too.
        guard error.kind == .overLimit else { throw error }
        break
      }
    }
    self.budgets = budgets
  }

  private var windowedLayers: Int {
    var count = 0
    for layer in 0..<Int(record.layerCount) where record.isWindowed(layer) { count += 1 }
    return count
  }

  func json() -> String {
    var json = JSONWriter()
    json.begin()
    json.field("model", file.text)
    json.field("file_bytes", fileBytes)
    json.field("format_version", Int(ModelFormat.version))
    json.field("task", "language")
    json.field("layers", Int(record.layerCount))
    json.field("hidden", Int(record.hiddenSize))
    json.field("heads", Int(record.headCount))
    json.field("key_value_heads", Int(record.keyValueHeadCount))
    json.field("head_size", Int(record.headSize))
    json.field("feed_forward", Int(record.feedForwardSize))
    json.field("vocabulary", Int(record.vocabularySize))
    json.field("tokenizer_tokens", tokenizerCount ?? 0)
    json.field("chat_format", hasChat ? 1 : 0)
    json.field("context_limit", Int(record.contextLength))
    json.field("window", Int(record.window))
    json.field("windowed_layers", windowedLayers)
    json.field("weights_bytes", weightsBytes)
    memory(budgets[0], &json)
    json.beginArray("by_context")
    for budget in budgets.dropFirst() {
      json.beginObject()
      memory(budget, &json)
      json.endObject()
    }
    json.endArray()
    json.beginArray("provenance")
    for entry in provenance { json.element(entry) }
    json.endArray()
    json.end()
    return json.text
  }

  private func memory(_ budget: LanguageBudget, _ json: inout JSONWriter) {
    json.field("context", budget.contextLength)
    json.field("threads", budget.threads)
    json.field("arena_bytes", budget.arenaBytes)
    json.field("batch", budget.batch)
    json.field("cache_bytes", budget.cacheBytes)
    json.field("whole_cache_bytes", budget.wholeCacheBytes)
    json.field("windowed_cache_bytes", budget.windowedCacheBytes)
    json.field("windowed_positions", budget.ringPositions)
    json.field("scratch_bytes_per_thread", budget.scratchBytesPerThread)
    json.field("multiply_accumulates", Int(budget.work))
    json.field("multiply_accumulates_at_end", Int(budget.workAtEnd))
  }

  func text() -> String {
    let chosen = budgets[0]
    var text = line("model", "\(file.shown), \(NumberText.grouped(fileBytes)) bytes")
    text.add(line("task", "language, \(hasChat ? "with" : "without") a chat format"))
    text.add(
      line(
        "shape",
        "\(Int(record.layerCount)) layers of \(Int(record.hiddenSize)), \(Int(record.headCount)) heads of "
          + "\(Int(record.headSize)) on \(Int(record.keyValueHeadCount)), feed-forward \(Int(record.feedForwardSize))"))
    let tokens = tokenizerCount.map { "tokenizer of \(NumberText.grouped($0))" } ?? "no tokenizer"
    text.add(line("vocabulary", "\(NumberText.grouped(Int(record.vocabularySize))), " + tokens))
    text.add(line("weights", "\(NumberText.grouped(weightsBytes)) bytes, used where they lie in the file"))
    text.add(
      line(
        "multiply-adds",
        "\(NumberText.grouped(Int(chosen.work))) for the first token, \(NumberText.grouped(Int(chosen.workAtEnd))) "
          + "for the last of the context"))
    text.add(
      line(
        "arena",
        "\(NumberText.grouped(chosen.arenaBytes)) bytes for a context of \(chosen.contextLength) and "
          + "\(chosen.threads) \(chosen.threads == 1 ? "thread" : "threads"), \(chosen.batch) tokens at a time"))
    text.add(line("", "\(NumberText.grouped(chosen.cacheBytes)) of them keys and values"))
    if windowedLayers > 0 {
      let whole = Int(record.layerCount) - windowedLayers
      text.add(
        line(
          "",
          "  \(NumberText.grouped(chosen.wholeCacheBytes)) of \(whole) layers that see the whole context"))
      text.add(
        line(
          "",
          "  \(NumberText.grouped(chosen.windowedCacheBytes)) of \(windowedLayers) layers with a window of "
            + "\(Int(record.window)), room for \(chosen.ringPositions) positions"))
    }
    text.add("\n" + "context".padded(to: 9, left: true) + "arena bytes".padded(to: 18, left: true))
    text.add("keys and values".padded(to: 18, left: true) + "\n")
    for budget in budgets.dropFirst() {
      text.add(String(budget.contextLength).padded(to: 9, left: true))
      text.add(NumberText.grouped(budget.arenaBytes).padded(to: 18, left: true))
      text.add(NumberText.grouped(budget.cacheBytes).padded(to: 18, left: true) + "\n")
    }
    text.add("\n")
    for entry in provenance { text.add(line("", entry)) }
    return text
  }

  @inline(never)
  private func line(_ name: String, _ value: String) -> String { name.padded(to: 16) + value + "\n" }
}
