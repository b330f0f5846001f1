import MartletConvert

/// One input of the fuzzer: the first byte selects GGUF, safetensors, llama2.c or config.json; the bytes behind it are
/// read to the last value, or refused with lines of text. A trap, a hang, a read outside the bytes is a finding.
enum LanguageTarget {
  static func run(_ input: UnsafeRawBufferPointer) {
    guard let first = input.first, let part = LanguageBytes(rawValue: first % 4) else { return }
    do throws(ConversionError) {
      let count = try part.read(Array(input.dropFirst()), name: "fuzz")
      #if CANARY
        // Behind JSON, the family and the limits. No seed has such heads: a mutation must make them.
        if part == .config, count > 32 { fatalError("the planted bug was found") }
      #else
        precondition(count >= 0)
      #endif
    } catch {
      precondition(!error.lines.isEmpty)
      precondition(error.lines.allSatisfy { $0.hasPrefix("fuzz: ") && !$0.contains("\n") }, error.lines[0])
    }
  }
}
