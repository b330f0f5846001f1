import ArgumentParser
import Foundation
import Martlet
import MartletConvert
import MartletDevice

extension LanguageWeights: ExpressibleByArgument {}

/// What `convert` takes for language models only.
struct LanguageOptionGroup: ParsableArguments {
  @Option(help: "int8, int4 (smaller, less exact), or f32 (for comparison).")
  var weights = LanguageWeights.int8

  @Option(
    help: ArgumentHelp(
      "With --weights int4: a text in UTF-8, of a few thousand words. The weights are rounded for what the model "
        + "computes with it (GPTQ); 4 minutes for 135 M of them.", valueName: "text"))
  var calibration: String?

  @Option(help: ArgumentHelp("With --calibration: parts of 512 tokens that are read at most.", valueName: "n"))
  var calibrationChunks = CalibrationText.defaultChunks

  @Option(help: "With --weights int4: embedding and head, int8 unless told, or int4.")
  var head: LanguageWeights?

  @Option(help: "Of llama2.c: its tokenizer, a .bin file.")
  var tokenizer: String?

  @Option(help: "Most positions that the device may be asked for; the model's own unless told.")
  var context: Int?

  @Option(
    help: ArgumentHelp(
      "For a chat template that is unknown, or whose markers are ordinary text: \(ChatFormatSource.choices).",
      valueName: "name"))
  var chatFormat: String?

  @Flag(
    help: """
      Only the tokenizer, for martlet tokenize: of a .gguf, or of tokenizer.json or tokenizer.model with the files \
      beside it.
      """)
  var tokenizerOnly = false

  @Option(help: "With --tokenizer-only and llama2.c's tokenizer: its number of tokens.")
  var vocabulary: Int?

  func convert(_ input: String, to output: String, json: Bool) throws {
    if tokenizerOnly {
      let conversion = try TokenizerConversion(path: input, vocabularySize: vocabulary, chatFormat: chatFormat)
      try ResultFiles.write(conversion.bytes, to: output)
      let lines = [
        "\(output.visible()): \(conversion.bytes.count) bytes", "tokenizer     \(conversion.tokenizer.summary)",
        "chat format   \(conversion.chatFormat ?? "none")",
      ]
      return try StandardOutput.print(
        (lines + conversion.notes.map { "note          \($0)" }).joined(separator: "\n"))
    }
    var options = LanguageConversionOptions()
    options.weights = weights
    options.chatFormat = chatFormat
    options.contextLength = context
    options.head = head
    options.calibration = try calibration.map {
      try CalibrationText(FileAccess.read($0), name: $0, chunks: calibrationChunks)
    }
    let source = try LanguageSources.open(input, tokenizer: tokenizer)
    let progress = Progress()
    defer { progress.end() }
    let (bytes, summary) = try LanguageConverter.convert(source, options: options) { progress.show("converting", $0) }
    try ResultFiles.write(bytes, to: output)
    progress.end()
    let report = LanguageReport(summary, output: output)
    if json { return try StandardOutput.print(json: report.json) }
    try StandardOutput.print(report.text)
  }

  /// What means nothing for a classifier must not be passed over in silence.
  func refuse(for input: String) throws {
    let isGiven =
      tokenizer != nil || context != nil || chatFormat != nil || weights != .int8 || calibration != nil || head != nil
    guard !isGiven else {
      throw ConversionError(.badRequest, "\(input): is no language model; its options do not apply")
    }
  }
}

/// What `convert` prints about a language model.
struct LanguageReport: Encodable {
  let output: String
  let family: String
  let parameters: Int
  let layers: Int
  let vocabulary: Int
  let context_length: Int
  let weights: String
  let file_bytes: Int
  let weights_bytes: Int
  let bits_per_weight: Double
  let calibration_tokens: Int?
  let arena_bytes: Int
  let arena_context: Int
  let chat_format: String?
  let tokenizer: String
  let source_sha256: String
  let notes: [String]

  init(_ summary: LanguageSummary, output: String) {
    self.output = output
    family = summary.family
    parameters = summary.parameters
    layers = summary.layers
    vocabulary = summary.vocabulary
    context_length = summary.contextLength
    weights = summary.weights
    file_bytes = summary.fileBytes
    weights_bytes = summary.weightsBytes
    bits_per_weight = summary.bitsPerWeight
    calibration_tokens = summary.calibrationTokens
    arena_bytes = summary.budget.arenaBytes
    arena_context = summary.budget.contextLength
    chat_format = summary.chatFormat
    tokenizer = summary.tokenizer
    source_sha256 = summary.sourceSHA256
    notes = summary.notes
  }

  var json: String { Summary.encoded(self) }

  var text: String {
    let lines = [
      "\(output.visible()): \(file_bytes) bytes", "family        \(family), \(layers) layers, \(parameters) parameters",
      "vocabulary    \(vocabulary) tokens, \(tokenizer)",
      "weights       \(weights), \(weights_bytes) bytes, \(String(format: "%.3f", bits_per_weight)) bits each",
      "context       at most \(context_length) positions",
      "arena         \(arena_bytes) bytes for a context of \(arena_context) and one thread",
      "chat format   \(chat_format ?? "none")",
    ]
    return (lines + notes.map { "note          \($0)" }).joined(separator: "\n")
  }
}
