import ArgumentParser
import Foundation
import Martlet
import MartletConvert

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turns a model into a .martlet file: a quantized classifier, or a language model.",
    discussion: """
      Takes int8 .tflite models, and older uint8 ones, which become int8 without changing a bit of their results; \
      and quantized .onnx models, in the Q/DQ and the QOperator form. What Martlet cannot run is named, operator by \
      operator, and nothing is written.

      Takes language models too: GGUF files, Hugging Face folders (config.json, safetensors), and llama2.c \
      checkpoints. Their weights are quantized here.

      Example:
        martlet-tools convert net.tflite -o net.martlet --labels labels.txt
        martlet-tools convert net.tflite -o net.martlet --arena-limit 400000
        martlet-tools convert SmolLM2-135M-Instruct.gguf -o smollm2.martlet
        martlet-tools convert SmolLM2-135M-Instruct.gguf -o smollm2.martlet --weights int4 --calibration book.txt
      """)

  @Argument(help: "The model to read: .tflite, .onnx, .gguf, a folder, or llama2.c's .bin.")
  var input: String

  @Option(name: .shortAndLong, help: "The .martlet file to write.")
  var output: String

  @Option(help: "A text file with one label a line, as many as the model has outputs.")
  var labels: String?

  @OptionGroup var pictures: PictureOptions

  @OptionGroup var plan: PlanOptionGroup

  @OptionGroup(title: "Language models") var language: LanguageOptionGroup

  @Flag(help: "Print the summary as JSON.")
  var json = false

  func run() throws {
    try ResultFiles.check([output], sources: [input, labels, language.tokenizer, language.calibration])
    if language.tokenizerOnly || LanguageSources.isLanguageModel(input) {
      try plan.refuse(for: input)
      return try language.convert(input, to: output, json: json)
    }
    try language.refuse(for: input)
    try convertNetwork()
  }

  private func convertNetwork() throws {
    var options = try pictures.options()
    options.labels = try labels.map { try LabelFile.labels(in: FileAccess.read($0), name: $0) }
    options.labelsName = labels
    options.plan = try plan.options()
    let source = try Evaluation.Source(path: input)
    let conversion = try Converter.convert(
      source.bytes, name: source.name, directory: source.directory, options: options)
    try ResultFiles.write(conversion.bytes, to: output)
    if json { return try StandardOutput.print(json: Summary.json(conversion.summary, output: output)) }
    try StandardOutput.print(Summary.text(conversion.summary, output: output))
  }
}
