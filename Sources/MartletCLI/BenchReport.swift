import Martlet
import MartletDevice

/// What `bench` prints.
struct BenchReport {
  private let measured: Measurement
  private let isa: String
  private let threads: Int
  private let work: Int64

  init(_ measured: Measurement, _ engine: borrowing Engine, isa: String, threads: Int) {
    self.measured = measured
    self.isa = isa
    self.threads = threads
    work = Description.multiplyAccumulates(engine)
  }

  private static func ms(_ ns: UInt64) -> Double { Double(ns) / 1e6 }

  private static func msText(_ ns: UInt64) -> String { NumberText.decimal(ms(ns), places: 3) + " ms" }

  private func rate(_ work: Int64, _ ns: UInt64) -> Double { Double(work) / Double(max(ns, 1)) * 1e9 }

  func json(_ engine: borrowing Engine) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("isa", isa)
    json.field("runs", measured.latencies.count)
    json.beginObject("latency_ms")
    json.field("median", BenchReport.ms(measured.percentile(0.5)), places: 6)
    json.field("p90", BenchReport.ms(measured.percentile(0.9)), places: 6)
    json.field("p99", BenchReport.ms(measured.percentile(0.99)), places: 6)
    json.endObject()
    json.field("cpu_ms", BenchReport.ms(measured.cpuNs), places: 6)
    json.field("multiply_accumulates", Int(work))
    json.field("macs_per_second", rate(work, measured.percentile(0.5)), places: 0)
    json.field("load_ms", BenchReport.ms(measured.loadNs), places: 6)
    json.field("first_inference_ms", BenchReport.ms(measured.firstInferenceNs), places: 6)
    json.field("cold_start_ms", BenchReport.ms(measured.coldStartNs), places: 6)
    json.field("peak_rss_bytes", Int(measured.peakResidentBytes))
    InspectJSON.memory(engine.budget, &json)
    if !measured.operatorNs.isEmpty { profile(engine, &json) }
    json.end()
    return json.text
  }

  private func profile(_ engine: borrowing Engine, _ json: inout JSONWriter) {
    let total = measured.operatorNs.reduce(0, +)
    json.beginArray("operators")
    for (index, ns) in measured.operatorNs.enumerated() {
      let work = engine.multiplyAccumulates(ofOperator: index)
      json.beginObject()
      json.field("index", index)
      json.field("kind", Opcode.name(engine.operatorRecord(index).opcode))
      json.field("time_ms", BenchReport.ms(ns), places: 6)
      json.field("share", Double(ns) / Double(max(total, 1)), places: 4)
      json.field("multiply_accumulates", Int(work))
      json.field("macs_per_second", rate(work, ns), places: 0)
      json.endObject()
    }
    json.endArray()
  }

  func text(_ engine: borrowing Engine) -> String {
    let budget = engine.budget
    let median = measured.percentile(0.5)
    var text = line(
      "latency",
      "median \(BenchReport.msText(median)), p90 \(BenchReport.msText(measured.percentile(0.9))), "
        + "p99 \(BenchReport.msText(measured.percentile(0.99))) of \(measured.latencies.count) runs, "
        + "\(threads) \(threads == 1 ? "thread" : "threads"), \(isa)")
    text.add(
      line(
        "speed",
        "\(NumberText.rate(rate(work, median)))MAC/s, \(NumberText.grouped(Int(work))) multiply-adds an inference"))
    text.add(line("processor time", "\(BenchReport.msText(measured.cpuNs)) an inference"))
    text.add(
      line(
        "cold start",
        "\(BenchReport.msText(measured.coldStartNs)) from process entry to the first result; load "
          + "\(BenchReport.msText(measured.loadNs)), first inference \(BenchReport.msText(measured.firstInferenceNs))"))
    text.add(
      line(
        "memory",
        "arena \(NumberText.grouped(budget.arenaBytes)) bytes, peak resident "
          + "\(NumberText.bytes(Int(measured.peakResidentBytes)))"))
    if !measured.operatorNs.isEmpty { text.add("\n" + table(engine)) }
    return text
  }

  @inline(never)
  private func line(_ name: String, _ value: String) -> String {
    name.padded(to: 16) + value + "\n"
  }

  private func table(_ engine: borrowing Engine) -> String {
    let total = measured.operatorNs.reduce(0, +)
    var text = "operator".padded(to: 31) + "output".padded(to: 22) + "      us   share    MAC/s\n"
    for (index, ns) in measured.operatorNs.enumerated() {
      let record = engine.operatorRecord(index)
      let work = engine.multiplyAccumulates(ofOperator: index)
      text.add(String(index).padded(to: 5, left: true) + "  " + Opcode.name(record.opcode).padded(to: 24))
      text.add(engine.tensor(Int(record.output)).shapeText.padded(to: 22))
      text.add(NumberText.decimal(Double(ns) / 1000, places: 1).padded(to: 8, left: true))
      let share = NumberText.decimal(Double(ns) * 100 / Double(max(total, 1)), places: 1)
      text.add((share + " %").padded(to: 8, left: true))
      text.add((work > 0 ? NumberText.rate(rate(work, ns)) : "").padded(to: 9, left: true) + "\n")
    }
    return text
  }
}
