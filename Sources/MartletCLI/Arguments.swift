import CMartletLinux
import Martlet
import MartletDevice

/// The options of all verbs; each verb says which are its own.
enum Option: Int32, CaseIterable {
  // From 256 on: getopt has meanings of its own for smaller numbers.
  case help = 256
  case threads, json, keys, service, check, top, resize, verbose, input, output, svg, operators, runs, profile
  case prompt, promptFile, tokens, maxTokens, temperature, topK, topP, minP, repeatPenalty, seed, context, whenFull
  case stop, jsonSchema, choices, session, cache, batch, special, system, decode, lines, null
  // Cameras
  case camera, once, watch, format, size, rate
  // GPIO
  case `for`, hold, count, every, edge, debounce, timeout, activeLow, bias

  var name: StaticString {
    switch self {
    case .help: "help"
    case .threads: "threads"
    case .json: "json"
    case .keys: "keys"
    case .service: "service"
    case .check: "check"
    case .top: "top"
    case .resize: "resize"
    case .verbose: "verbose"
    case .input: "input"
    case .output: "output"
    case .svg: "svg"
    case .operators: "operators"
    case .runs: "runs"
    case .profile: "profile"
    case .prompt: "prompt"
    case .promptFile: "prompt-file"
    case .tokens: "tokens"
    case .maxTokens: "max-tokens"
    case .temperature: "temperature"
    case .topK: "top-k"
    case .topP: "top-p"
    case .minP: "min-p"
    case .repeatPenalty: "repeat-penalty"
    case .seed: "seed"
    case .context: "context"
    case .whenFull: "when-full"
    case .stop: "stop"
    case .jsonSchema: "json-schema"
    case .choices: "choices"
    case .session: "session"
    case .cache: "kv-cache"
    case .batch: "batch"
    case .special: "special"
    case .system: "system"
    case .decode: "decode"
    case .lines: "lines"
    case .null: "null"
    case .camera: "camera"
    case .once: "once"
    case .watch: "watch"
    case .format: "format"
    case .size: "size"
    case .rate: "rate"
    case .for: "for"
    case .hold: "hold"
    case .count: "count"
    case .every: "every"
    case .edge: "edge"
    case .debounce: "debounce"
    case .timeout: "timeout"
    case .activeLow: "active-low"
    case .bias: "bias"
    }
  }

  var takesValue: Bool {
    switch self {
    case .help, .json, .keys, .service, .check, .verbose, .operators, .profile, .special, .decode, .lines, .null, .hold,
      .activeLow,
      .once, .watch:
      false
    default: true
    }
  }
}

/// A command line, taken apart.
struct Arguments {
  /// What is no option, in its order.
  private(set) var paths: [FilePath] = []
  private var given: [(option: Option, value: UnsafePointer<CChar>?)] = []

  /// Everything after the verb. An option that takes several files (`--input A B`) takes all that follow it.
  init(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, options: [Option], lists: [Option] = []
  ) throws(CommandError) {
    var table: [martlet_option] = []
    for option in options + [.help] {
      table.append(
        martlet_option(
          name: UnsafeRawPointer(option.name.utf8Start).assumingMemoryBound(to: CChar.self),
          takes_value: option.takesValue ? 1 : 0, code: option.rawValue))
    }
    martlet_options_start(2)
    var list: Option?
    while true {
      var text: UnsafePointer<CChar>?
      var code: Int32 = 0
      let error = martlet_next_option(argc, argv, table, Int32(table.count), &code, &text)
      let shown = text.map { String(cString: $0) } ?? ""
      switch Int(error) {
      case MARTLET_OPTION_WITHOUT_VALUE: throw .usage("\(shown) needs a value")
      case MARTLET_OPTION_WITH_VALUE: throw .usage("\(shown): this option takes no value")
      case MARTLET_OPTION_UNKNOWN: throw .usage("there is no option \(shown)")
      default: break
      }
      switch Int(code) {
      case MARTLET_OPTIONS_END: return
      case MARTLET_ARGUMENT:
        if let list {
          given.append((list, text))
        } else if let text {
          paths.append(FilePath(text))
        }
      default:
        guard let option = Option(rawValue: code) else { throw .usage("there is no option \(shown)") }
        given.append((option, text))
        list = lists.contains(option) ? option : nil
      }
    }
  }

  @inline(never)
  func has(_ option: Option) -> Bool {
    given.contains { $0.option == option }
  }

  /// The last one wins.
  @inline(never)
  func value(_ option: Option) -> UnsafePointer<CChar>? {
    given.last { $0.option == option }?.value
  }

  /// The last one as text; empty if there is none.
  @inline(never)
  func text(_ option: Option) -> String { value(option).map { String(cString: $0) } ?? "" }

  /// Every value of an option that may be given several times.
  func values(_ option: Option) -> [UnsafePointer<CChar>] {
    var values: [UnsafePointer<CChar>] = []
    for (candidate, value) in given where candidate == option {
      if let value { values.append(value) }
    }
    return values
  }

  func files(_ option: Option) -> [FilePath] {
    var files: [FilePath] = []
    for (candidate, value) in given where candidate == option {
      if let value { files.append(FilePath(value)) }
    }
    return files
  }

  @inline(never)
  func integer(_ option: Option, in range: ClosedRange<Int>, default missing: Int) throws(CommandError) -> Int {
    guard let text = value(option).map({ String(cString: $0) }) else { return missing }
    guard let number = Int(text), range.contains(number) else {
      let name = option.name.withUTF8Buffer { String(utf8: UnsafeRawBufferPointer($0)) }
      throw .usage("--\(name) \(text): must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A number like 0.95; its digits are exact where a Double's are.
  @inline(never)
  func decimal(
    _ option: Option, in range: ClosedRange<Double>, default missing: Double
  ) throws(CommandError) -> Double {
    guard let text = value(option) else { return missing }
    var digits: Double = 0
    var divisor: Double = 1
    var hasPoint = false
    var count = 0
    var isNumber = true
    for i in 0..<24 {
      let byte = UInt8(bitPattern: text[i])
      if byte == 0 { break }
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), count < 15 {
        digits = digits * 10 + Double(byte - UInt8(ascii: "0"))
        if hasPoint { divisor *= 10 }
        count += 1
      } else {
        isNumber = false
        break
      }
    }
    let number = digits / divisor
    guard isNumber, count > 0, range.contains(number) else {
      let name = option.name.withUTF8Buffer { String(utf8: UnsafeRawBufferPointer($0)) }
      let least = NumberText.decimal(range.lowerBound, places: 0)
      let most = NumberText.decimal(range.upperBound, places: 0)
      throw .usage("--\(name) \(String(cString: text)): must be a number from \(least) to \(most)")
    }
    return number
  }

  /// `--kv-cache`
  @inline(never)
  func isCacheFloat() throws(CommandError) -> Bool {
    guard let word = value(.cache).map({ Word($0) }) else { return false }
    guard word == "int8" || word == "f32" else { throw .usage("--kv-cache \(word.text): must be int8 or f32") }
    return word == "f32"
  }

  /// `--batch`
  @inline(never)
  func batch() throws(CommandError) -> LanguageBatch {
    guard let text = value(.batch).map({ String(cString: $0) }) else { return .of64 }
    guard let number = Int(text), let batch = LanguageBatch(rawValue: number) else {
      throw .usage("--batch \(text): must be 16, 32 or 64")
    }
    return batch
  }

  @inline(never)
  func threads() throws(CommandError) -> Int {
    try integer(.threads, in: 1...64, default: 1)
  }

  /// The one model that most verbs take.
  @inline(never)
  func onlyModel() throws(CommandError) -> FilePath {
    guard let path = paths.first else { throw .usage("which model? give the path of a .martlet file") }
    guard paths.count == 1 else { throw .usage("\(paths[1].text): one model at a time") }
    return path
  }
}
