import CMartletKernels
import CMartletLinux
import CMartletPlatform
import Martlet
import MartletDevice

/// `bench` of a language model: a prompt of 512 tokens, and 128 tokens one after another, as llama-bench has them.
struct BenchLanguage {
  private var loadNs: UInt64 = 0
  private var prefill: [UInt64] = []
  private var decode: [UInt64] = []
  private var firstTokenNs: UInt64 = 0
  private var decodeCPUNs: UInt64 = 0
  private var peakResidentBytes: UInt64 = 0
  private let prefillTokens: Int
  private let decodeTokens: Int
  private let isa: String
  private let threads: Int
  private let budget: LanguageBudget
  private let weightsBytes: Int

  init(_ file: borrowing ModelFile, _ language: LanguageOptions, runs: Int) throws(CommandError) {
    let isa = try ModelOpener.isa()
    let opened = martlet_now_ns()
    var model = try BenchLanguage.load(file, language, isa: isa)
    loadNs = martlet_now_ns() - opened
    self.isa = InstructionSet.name(isa)
    self.threads = model.team.threads
    budget = model.generator.budget
    weightsBytes = model.generator.weightsBytes
    prefillTokens = min(512, budget.contextLength - 1)
    decodeTokens = min(128, budget.contextLength)
    let ids = BenchLanguage.tokens(prefillTokens, of: model.generator.logits.count)
    for run in 0..<runs {
      model.generator.rewind(to: 0)
      var begin = martlet_now_ns()
      BenchLanguage.evaluate(ids, 0..<ids.count, &model)
      prefill.append(martlet_now_ns() - begin)
      if run == 0 { firstTokenNs = martlet_now_ns() - opened }

      model.generator.rewind(to: 0)
      begin = martlet_now_ns()
      let beginCPU = martlet_cpu_time_ns()
      for i in 0..<decodeTokens {
        let at = i % ids.count
        BenchLanguage.evaluate(ids, at..<at + 1, &model)
      }
      decode.append(martlet_now_ns() - begin)
      decodeCPUNs += (martlet_cpu_time_ns() - beginCPU) / UInt64(runs)
    }
    peakResidentBytes = martlet_peak_resident_bytes()
  }

  /// There is room: the context is as long as what is fed to it.
  private static func evaluate(_ ids: [Int32], _ range: Range<Int>, _ model: inout LoadedGenerator) {
    ids.withUnsafeBufferPointer { (ids: UnsafeBufferPointer<Int32>) in
      try? model.generator.append(UnsafeBufferPointer(rebasing: ids[range]), on: model.team)
    }
  }

  private static func load(
    _ file: borrowing ModelFile, _ language: LanguageOptions, isa: martlet_isa
  ) throws(CommandError) -> LoadedGenerator {
    do throws(ModelError) {
      let limit = Int(try LanguageDescription(file: file.bytes).record.contextLength)
      var options = GeneratorOptions()
      options.language = language
      options.language.contextLength = min(1024, limit)
      return try LoadedGenerator(file, options: options, isa: isa)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
  }

  /// Made up, the same every time.
  private static func tokens(_ count: Int, of vocabulary: Int) -> [Int32] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var ids: [Int32] = []
    ids.reserveCapacity(max(count, 1))
    for _ in 0..<max(count, 1) {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      ids.append(Int32(truncatingIfNeeded: Int(state >> 33) % vocabulary))
    }
    return ids
  }

  private static func median(_ values: [UInt64]) -> UInt64 {
    var sorted = values
    sorted.putInOrder()
    return sorted[sorted.count / 2]
  }

  private var prefillRate: Double { Double(prefillTokens) * 1e9 / Double(max(1, BenchLanguage.median(prefill))) }
  private var decodeRate: Double { Double(decodeTokens) * 1e9 / Double(max(1, BenchLanguage.median(decode))) }
  private var cpuMs: Double { Double(decodeCPUNs) / 1e6 / Double(decodeTokens) }

  func json() -> String {
    var json = JSONWriter()
    json.begin()
    json.field("isa", isa)
    json.field("threads", threads)
    json.field("runs", prefill.count)
    json.field("prefill_tokens", prefillTokens)
    json.field("prefill_tokens_per_s", prefillRate, places: 3)
    json.field("decode_tokens", decodeTokens)
    json.field("decode_tokens_per_s", decodeRate, places: 3)
    json.field("cpu_ms_per_token", cpuMs, places: 3)
    json.field("time_to_first_token_ms", Double(firstTokenNs) / 1e6, places: 3)
    json.field("load_ms", Double(loadNs) / 1e6, places: 3)
    json.field("weights_bytes", weightsBytes)
    json.field("arena_bytes", budget.arenaBytes)
    json.field("context", budget.contextLength)
    json.field("batch", budget.batch)
    json.field("peak_rss_bytes", Int(peakResidentBytes))
    json.end()
    return json.text
  }

  func text() -> String {
    func line(_ name: String, _ value: String) -> String { name.padded(to: 16) + value + "\n" }
    let teamText = "\(threads) \(threads == 1 ? "thread" : "threads"), \(isa), median of \(prefill.count)"
    var text = line(
      "prefill", NumberText.decimal(prefillRate, places: 1) + " tokens/s, \(prefillTokens) tokens, \(teamText)")
    text.add(
      line(
        "decode",
        NumberText.decimal(decodeRate, places: 1) + " tokens/s, \(decodeTokens) tokens, "
          + NumberText.decimal(cpuMs, places: 2) + " ms of processor time each"))
    text.add(
      line(
        "first token",
        NumberText.decimal(Double(firstTokenNs) / 1e6, places: 1) + " ms behind \(prefillTokens) tokens, loading "
          + NumberText.decimal(Double(loadNs) / 1e6, places: 1) + " ms of it"))
    text.add(
      line(
        "memory",
        "arena \(NumberText.grouped(budget.arenaBytes)) bytes, peak resident "
          + NumberText.bytes(Int(peakResidentBytes))))
    return text
  }
}
