import CMartletKernels
import CMartletPlatform
import Foundation
import MartletTestSupport
import Testing

@testable import Martlet

/// Counts how often each unit ran; parameters point to one counter a unit.
private let countUnits: martlet_kernel = { parameters, _, first, last, scratch in
  let counters = UnsafeMutablePointer<UInt32>(mutating: parameters!.assumingMemoryBound(to: UInt32.self))
  for unit in first..<last { _ = martlet_fetch_add(counters + Int(unit), 1) }
  // Each thread's scratch is its own: a torn sum would show.
  let sum = scratch!.assumingMemoryBound(to: UInt64.self)
  for _ in first..<last { sum.pointee += 1 }
}

struct TeamTests {
  @Test(arguments: [1, 2, 3, 8])
  func everyUnitRunsOnce(threads: Int) {
    let team = TestTeam(threads: threads)
    let scratch = TestMemory(64 * threads, filledWith: 0)
    let counters = UnsafeMutablePointer<UInt32>.allocate(capacity: 1000)
    defer { counters.deallocate() }
    let buffers = UnsafeMutablePointer<martlet_buffers>.allocate(capacity: 1)
    buffers.initialize(to: martlet_buffers())
    defer { buffers.deallocate() }
    let job = Job(
      kernel: countUnits, parameters: UnsafeRawPointer(counters), buffers: UnsafePointer(buffers),
      scratch: scratch.bytes.baseAddress!, scratchStride: 64)
    var expected: UInt64 = 0
    for round in 0..<3000 {
      counters.initialize(repeating: 0, count: 1000)
      let first = Int32(round % 7)
      let last = first + Int32(1 + (round * 37) % 990)
      team.team.run(job, first: first, last: last)
      expected += UInt64(last - first)
      for unit in 0..<1000 {
        let wanted: UInt32 = (Int(first)..<Int(last)).contains(unit) ? 1 : 0
        if counters[unit] != wanted { Issue.record("round \(round): unit \(unit) ran \(counters[unit]) times") }
      }
    }
    let total = (0..<threads).reduce(UInt64(0)) {
      $0 + scratch.bytes.load(fromByteOffset: $1 * 64, as: UInt64.self)
    }
    #expect(total == expected)
  }

  @Test func idleWorkersUseNoProcessorTime() throws {
    let threads = 4
    let team = TestTeam(threads: threads)
    let scratch = TestMemory(64 * threads, filledWith: 0)
    let buffers = UnsafeMutablePointer<martlet_buffers>.allocate(capacity: 1)
    buffers.initialize(to: martlet_buffers())
    defer { buffers.deallocate() }
    let job = Job(
      kernel: noteThread, parameters: UnsafeRawPointer(buffers), buffers: UnsafePointer(buffers),
      scratch: scratch.bytes.baseAddress!, scratchStride: 64)
    func thread(_ index: Int) -> Int32 { scratch.bytes.load(fromByteOffset: index * 64, as: Int32.self) }
    while (1..<threads).contains(where: { thread($0) == 0 }) { team.team.run(job, first: 0, last: 400) }

    usleep(50_000)  // the bounded spin ends
    let before = try (1..<threads).map { try processorTime(of: thread($0)) }
    usleep(200_000)
    for index in 1..<threads {
      let used = try processorTime(of: thread(index)) - before[index - 1]
      #expect(used < 200_000, "worker \(index): \(used) ns of processor time in 200 ms of idleness")
    }
  }

  /// Nanoseconds that a thread of this process has run.
  private func processorTime(of thread: Int32) throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/task/\(thread)/schedstat", encoding: .utf8)
    return Int(text.split(separator: " ")[0])!
  }
}

/// Notes in a thread's scratch which thread it is, and takes its time so that all of them get a turn.
private let noteThread: martlet_kernel = { _, _, first, last, scratch in
  scratch!.storeBytes(of: martlet_thread_id(), as: Int32.self)
  let start = martlet_now_ns()
  while martlet_now_ns() - start < UInt64(last - first) * 2000 {}
}
