import Foundation
import Testing

@testable import MartletDevice

private final class Calls { var names: [String] = [] }

private struct Source: ~Copyable, EventSource {
  let name: String
  let calls: Calls
  var deadline = UInt64.max
  var isActive = false
  var isLate = false
  var ends = false

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    calls.names.append("wait " + name)
  }
  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 { deadline }
  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool { isLate }
  mutating func service(_ core: inout PipelineCore) {
    calls.names.append(name)
    if ends { core.isEnding = true }
  }
}

/// Sources in a list are asked in its order, and all of them, until one ends the run.
@Suite struct EventSourceTests {
  private func core() throws -> PipelineCore {
    try PipelineCore(
      Configuration(), models: FixedArray(capacity: 0), lines: LineSink(Configuration()),
      records: RecordSink(Configuration()), nowNs: 0)
  }

  private func several(_ calls: Calls, ends: Bool = false) -> FixedArray<Source> {
    var array = FixedArray<Source>(capacity: 2)
    array.append(Source(name: "b", calls: calls, deadline: 7, ends: ends))
    array.append(Source(name: "c", calls: calls, deadline: 9, isActive: true))
    return array
  }

  @Test func allOfThemInOrder() throws {
    let calls = Calls()
    var core = try core()
    var sources = Both(
      Source(name: "a", calls: calls, deadline: 8), Both(several(calls), Source(name: "d", calls: calls)))
    sources.service(&core)
    var waits = WaitSet(capacity: sources.descriptorCapacity)
    sources.addDescriptors(to: &waits, nowNs: 0, core)
    #expect(calls.names == ["a", "b", "c", "d", "wait a", "wait b", "wait c", "wait d"])
    #expect(sources.deadlineNs(nowNs: 0, core) == 7 && sources.descriptorCapacity == 4)
    #expect(sources.isActive && !sources.isOverdue(before: 0, core))
    sources.second.first[1].isActive = false
    sources.second.second.isLate = true
    #expect(!sources.isActive && sources.isOverdue(before: 0, core))
  }

  @Test func nobodyIsAskedBehindTheEnd() throws {
    let calls = Calls()
    var core = try core()
    var sources = Both(
      Both(several(calls, ends: true), Source(name: "d", calls: calls)), Source(name: "e", calls: calls))
    sources.service(&core)
    #expect(calls.names == ["b"])
  }
}
