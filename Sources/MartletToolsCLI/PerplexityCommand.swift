import ArgumentParser
import Foundation
import Martlet
import MartletConvert
import MartletDevice

extension LanguageBatch: ExpressibleByArgument {}

struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measures how well a language model predicts a text.",
    discussion: """
      The text's tokens are cut into chunks of --context; in each, the second half is scored, every token with at \
      least half a chunk in front of it. Lower is better. --against runs a second model on the same tokens.

      Example:
        martlet-tools perplexity model.martlet book.txt
        martlet-tools perplexity int8.martlet book.txt --against f32.martlet
      """)

  @Argument(help: "The .martlet model.")
  var model: String

  @Argument(help: "A text in UTF-8.")
  var text: String

  @Option(help: "A second model, with the same tokenizer.")
  var against: String?

  @Option(help: "Positions of a chunk.")
  var context = 512

  @Option(help: "Threads.")
  var threads = 2

  @Option(help: ArgumentHelp("Chunks at most; all unless told.", valueName: "n"))
  var chunks: Int?

  @Option(help: "The KV cache: int8 or f32.")
  var kvCache = "int8"

  @Option(help: "Tokens that are evaluated together: 16, 32 or 64.")
  var batch = LanguageBatch.of64

  @Flag(help: "Print the result as JSON.")
  var json = false

  struct Report: Encodable {
    var model: String
    var perplexity: Double
    var tokens: Int
    var chunks: Int
    var against: String?
    var against_perplexity: Double?
    var ratio: Double?
  }

  func run() throws {
    guard kvCache == "int8" || kvCache == "f32" else {
      throw ConversionError(.badRequest, "--kv-cache \(kvCache): must be int8 or f32")
    }
    guard (8...1 << 20).contains(context), (1...64).contains(threads), (chunks ?? 1) > 0 else {
      throw ConversionError(.badRequest, "--context must be at least 8, --threads 1 to 64, --chunks at least 1")
    }
    let bytes = try FileAccess.read(text)
    let first = try measure(model, bytes)
    var report = Report(
      model: model, perplexity: first.value, tokens: first.tokens, chunks: first.chunks)
    if let against {
      let second = try measure(against, bytes)
      guard second.tokens == first.tokens else {
        throw ConversionError(.badRequest, "\(against): cuts the text into other tokens than \(model)")
      }
      report.against = against
      report.against_perplexity = second.value
      report.ratio = first.value / second.value
    }
    if json { return try StandardOutput.print(json: Summary.encoded(report)) }
    try StandardOutput.print(line(report))
  }

  private func measure(_ path: String, _ text: [UInt8]) throws -> Perplexity {
    let progress = Progress()
    defer { progress.end() }
    let options = LanguageOptions(
      contextLength: context, threads: threads, isCacheFloat: kvCache == "f32", batch: batch)
    let model = try LanguageRunner(path: path, options: options)
    return try Perplexity(of: text, by: model, context: context, limit: chunks) { progress.show(path, $0) }
  }

  private func line(_ report: Report) -> String {
    var line = String(
      format: "%@: perplexity %.4f over %d tokens in %d chunks", report.model.visible(), report.perplexity,
      report.tokens,
      report.chunks)
    if let other = report.against, let value = report.against_perplexity, let ratio = report.ratio {
      line += String(format: "\n%@: perplexity %.4f, ratio %.5f", other.visible(), value, ratio)
    }
    return line
  }
}

struct Logits: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the scores behind every token, as float32: [tokens, vocabulary].",
    discussion: """
      By the device's own code, for comparison with other runtimes.

      Example:
        martlet-tools logits model.martlet --tokens "1 2 3" -o logits.bin
      """)

  @Argument(help: "The .martlet model.")
  var model: String

  @Option(help: "Token ids, separated by blanks.")
  var tokens: String

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  @Option(help: "Threads.")
  var threads = 1

  @Option(help: "The KV cache: int8 or f32.")
  var kvCache = "int8"

  @Option(help: "Tokens that are evaluated together: 16, 32 or 64.")
  var batch = LanguageBatch.of64

  func run() throws {
    let ids = try tokens.split(separator: " ").map { word throws in
      guard let id = Int32(word) else { throw ConversionError(.badRequest, "--tokens: \(word) is not a token id") }
      return id
    }
    guard !ids.isEmpty, (1...64).contains(threads), kvCache == "int8" || kvCache == "f32" else {
      throw ConversionError(
        .badRequest, "--tokens needs at least one id, --threads is 1 to 64, --kv-cache int8 or f32")
    }
    try ResultFiles.check([output], sources: [model])
    let options = LanguageOptions(
      contextLength: ids.count, threads: threads, isCacheFloat: kvCache == "f32", batch: batch)
    let runner = try LanguageRunner(path: model, options: options)
    try ResultFiles.write(runner.logits(behind: ids), to: output)
  }
}
