import CMartletLinux
import Martlet
import MartletDevice

/// The options that `generate` and `chat` share, and what they lead to.
struct TextOptions {
  static let all: [Option] = [
    .maxTokens, .temperature, .topK, .topP, .minP, .repeatPenalty, .seed, .context, .threads, .whenFull, .stop,
    .jsonSchema, .choices, .session, .cache, .batch, .verbose,
  ]

  var generator = GeneratorOptions()
  var sampling = SamplingOptions()
  var maxTokens: Int
  /// True: `slide`.
  var slides = false
  /// A schema or a list of choices; nil: output is free.
  var constraint: [UInt8]?
  var isSchema = false
  var constraintName = ""
  var stops: [UnsafePointer<CChar>]
  var session: FilePath?

  /// What is said where a constraint has no room for its shortest output.
  static let cutOff = "the output is cut off: what is allowed needs more tokens; see --max-tokens and --context"

  init(_ arguments: Arguments, maxTokens: Int, temperature: Double) throws(CommandError) {
    self.maxTokens = try arguments.integer(.maxTokens, in: 1...1_000_000, default: maxTokens)
    sampling.temperature = Float(try arguments.decimal(.temperature, in: 0...100, default: temperature))
    sampling.topK = try arguments.integer(.topK, in: 0...1_000_000, default: 40)
    sampling.topP = Float(try arguments.decimal(.topP, in: 0...1, default: 0.95))
    sampling.minP = Float(try arguments.decimal(.minP, in: 0...1, default: 0.05))
    sampling.repeatPenalty = Float(try arguments.decimal(.repeatPenalty, in: 0...100, default: 1))
    sampling.seed = UInt64(try arguments.integer(.seed, in: 0...Int.max, default: 0))
    if sampling.repeatPenalty == 0 { throw .usage("--repeat-penalty 0: must be more than 0; 1 is none") }
    generator.language.contextLength = try arguments.integer(
      .context, in: 1...LanguageFormat.maxContext, default: 0)
    generator.language.threads = try arguments.threads()
    generator.language.isCacheFloat = try arguments.isCacheFloat()
    generator.language.batch = try arguments.batch()
    if let word = arguments.value(.whenFull).map({ Word($0) }) {
      guard word == "stop" || word == "slide" else { throw .usage("--when-full \(word.text): must be stop or slide") }
      slides = word == "slide"
    }
    stops = arguments.values(.stop)
    session = arguments.value(.session).map { FilePath($0) }
    try readConstraint(arguments)
  }

  private mutating func readConstraint(_ arguments: Arguments) throws(CommandError) {
    if let path = arguments.value(.jsonSchema).map({ FilePath($0) }) {
      guard !arguments.has(.choices) else { throw .usage("--json-schema and --choices: one of them at a time") }
      constraint = try Input.bytes(path)
      constraintName = path.text
      isSchema = true
    } else if let text = arguments.value(.choices) {
      constraint = Array(String(cString: text).utf8)
      constraintName = "--choices"
    }
    if let constraint { generator.constraintBytes = Constraint.workBytes(schemaBytes: constraint.count) }
  }

  /// The texts of --stop, behind those that are there.
  func addStops(to stops: inout StopStrings) throws(CommandError) {
    for text in self.stops {
      var length = 0
      while text[length] != 0 { length += 1 }
      guard stops.add(UnsafeRawBufferPointer(start: text, count: length)) else {
        throw .usage("--stop \(String(cString: text)): at most \(StopStrings.capacity) texts of 1 to 256 bytes")
      }
    }
  }

  /// Compiles the constraint and puts it in force.
  func constrain(_ generator: inout TextGenerator) throws(CommandError) {
    guard let bytes = constraint else { return }
    let compiled: Constraint
    do throws(ConstraintError) {
      let region = generator.constraintRegion
      compiled = try bytes.withUnsafeBufferPointer { (bytes) throws(ConstraintError) in
        let text = UnsafeRawBufferPointer(bytes)
        return isSchema
          ? try Constraint(jsonSchema: text, region: region) : try Constraint(choices: text, region: region)
      }
    } catch {
      throw CommandError(sentence(error, bytes), exitCode: isSchema ? ExitCode.data : ExitCode.usage)
    }
    do throws(LanguageError) {
      try generator.constrain(by: compiled)
    } catch {
      throw CommandError(error)
    }
  }

  /// `schema.json:3:14: minContains: unsupported keyword`: line and column count from 1, columns in bytes.
  private func sentence(_ error: ConstraintError, _ bytes: [UInt8]) -> String {
    let reason = error.reason.withUTF8Buffer { String(utf8: UnsafeRawBufferPointer($0)) }
    guard isSchema else { return "\(constraintName): byte \(error.position + 1): \(reason)" }
    var line = 1
    var column = 1
    for byte in bytes.prefix(error.position) {
      column += 1
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      }
    }
    return "\(constraintName):\(line):\(column): \(reason)\(quoted(error, bytes))"
  }

  /// The word that an unsupported keyword is.
  private func quoted(_ error: ConstraintError, _ bytes: [UInt8]) -> String {
    guard error.kind == .unsupported else { return "" }
    let rest = bytes.dropFirst(error.position).prefix(40)
    let isWord = rest.first == UInt8(ascii: "\"")
    guard isWord else { return "" }
    let word = rest.dropFirst().prefix { $0 != UInt8(ascii: "\"") && $0 >= 0x20 }
    return " (" + word.withUnsafeBytes { String(utf8: $0) } + ")"
  }
}

extension CommandError {
  init(_ error: LanguageError) {
    switch error {
    case .noTokenizer:
      self.init("the model has no tokenizer; --tokens takes token ids", exitCode: ExitCode.data)
    case .textTooLong(let bytes, let limit):
      self.init(
        "the text has \(bytes) bytes, the arena is made for \(limit); a larger --context has room for more",
        exitCode: ExitCode.data)
    case .contextTooShort(let tokens, let room):
      self.init(
        "the text needs room for \(tokens) tokens, the context has \(room) left; see --context",
        exitCode: ExitCode.data)
    case .damagedTokenizer:
      self.init("the model's tokenizer is damaged; martlet verify says more", exitCode: ExitCode.data)
    case .unknownToken(let id, let vocabulary):
      self.init("\(id) is not one of the model's \(vocabulary) tokens", exitCode: ExitCode.data)
    case .stuck:
      self.init("no token of the model's vocabulary fits what the output must look like", exitCode: ExitCode.data)
    case .interrupted: self.init("interrupted", exitCode: ExitCode.interrupted)
    }
  }
}
