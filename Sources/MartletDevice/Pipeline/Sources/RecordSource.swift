import CMartletPlatform

/// What becomes due for the records without a decision: summaries, news of the disk, lines that fail between decisions.
struct RecordSource: ~Copyable, EventSource {
  private let intervalNs: UInt64
  private var nextSummaryNs: UInt64
  private var nextLookNs: UInt64 = .max

  init(_ configuration: Configuration, nowNs: UInt64) {
    intervalNs = configuration.log?.summaryNs ?? 0
    nextSummaryNs = intervalNs > 0 ? nowNs + intervalNs : .max
  }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    waits.add(core.sinks.second.descriptor)
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 { min(nextSummaryNs, nextLookNs) }

  mutating func service(_ core: inout PipelineCore) {
    let now = martlet_now_ns()
    core.watchLines()
    nextLookNs = core.sinks.second.watchDisk(nowNs: now)
    guard now >= nextSummaryNs else { return }
    nextSummaryNs = now + intervalNs
    core.summarize()
  }
}
