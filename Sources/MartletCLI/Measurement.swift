import CMartletPlatform
import Martlet
import MartletDevice

/// What `bench` measured; times in nanoseconds.
struct Measurement {
  var loadNs: UInt64 = 0
  var firstInferenceNs: UInt64 = 0
  /// From the process's start to its first result.
  var coldStartNs: UInt64 = 0
  /// Sorted once `time` is done.
  private(set) var latencies: [UInt64]
  /// Of the whole process, all threads, for one inference.
  private(set) var cpuNs: UInt64 = 0
  /// The median of each operator, in their order; empty unless profiled.
  private(set) var operatorNs: [UInt64] = []
  var peakResidentBytes: UInt64 = 0

  init(runs: Int) {
    latencies = [UInt64](repeating: 0, count: runs)
  }

  /// Runs one inference after another, each on another input, and keeps the time of each.
  mutating func time(_ model: inout LoadedModel, _ input: inout MadeUpInput) {
    let runs = latencies.count
    for _ in 0..<min(runs, 3) {
      input.fill(&model)
      model.engine.run(on: model.team)
    }
    let begin = martlet_cpu_time_ns()
    for run in 0..<runs {
      input.fill(&model)
      let start = martlet_now_ns()
      model.engine.run(on: model.team)
      latencies[run] = martlet_now_ns() - start
    }
    let end = martlet_cpu_time_ns()
    // Reading the process's time between runs would disturb them: what the inputs took is seen afterwards.
    for _ in 0..<runs { input.fill(&model) }
    let inputs = martlet_cpu_time_ns() - end
    cpuNs = (max(end - begin, inputs) - inputs) / UInt64(runs)
    latencies.putInOrder()
  }

  /// Runs inferences piece by piece; an operator of a cascade has the time of all its strips.
  mutating func profile(_ model: inout LoadedModel, _ input: inout MadeUpInput, sweeps: Int) {
    let count = model.engine.operatorCount
    var times = [UInt64](repeating: 0, count: count * sweeps)
    for sweep in 0..<sweeps {
      input.fill(&model)
      var last = martlet_now_ns()
      model.engine.run(on: model.team) { index in
        let now = martlet_now_ns()
        times[index * sweeps + sweep] += now - last
        last = now
      }
    }
    for index in 0..<count {
      var own = Array(times[index * sweeps..<(index + 1) * sweeps])
      own.putInOrder()
      operatorNs.append(own[sweeps / 2])
    }
  }

  /// The latency that `part` (0...1) of the runs did not exceed: nearest rank.
  func percentile(_ part: Double) -> UInt64 {
    let exact = part * Double(latencies.count)
    let rank = Double(Int(exact)) < exact ? Int(exact) + 1 : Int(exact)
    return latencies[min(max(rank - 1, 0), latencies.count - 1)]
  }
}

extension [UInt64] {
  /// `sort()`, in a tenth of its code.
  @inline(never)
  mutating func putInOrder() {
    withUnsafeMutableBufferPointer { times in
      HeapSort.sort(times.count, isLess: { times[$0] < times[$1] }, swap: { times.swapAt($0, $1) })
    }
  }
}
