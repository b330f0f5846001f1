import CMartletLinux
import Foundation
import Testing

/// A line that writes down what is done to it, and fails when it is told to.
final class FakeLine {
  struct Call { var timeNs: UInt64, level: Int32 }
  private let lock = NSLock()
  private var done: [Call] = []
  private var failing = 0

  var calls: [Call] { lock.withLock { done } }
  var level: Int32 { calls.last?.level ?? -1 }
  /// The next `count` calls fail.
  func fail(_ count: Int) { lock.withLock { failing = count } }

  func set(_ level: Int32) -> Int32 {
    lock.withLock {
      if failing > 0 {
        failing -= 1
        return EIO
      }
      done.append(Call(timeNs: FakeLine.now(), level: level))
      return 0
    }
  }

  static func now() -> UInt64 { clock_gettime_nsec() }
  private static func clock_gettime_nsec() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// An actuator with fake lines.
final class FakeOutputs {
  let actuator: OpaquePointer
  private let memory: UnsafeMutableRawPointer
  let lines: [FakeLine]

  init(_ count: Int, safeLevel: Int32 = 0) {
    memory = .allocate(byteCount: martlet_actuator_bytes(Int32(count)), alignment: 64)
    var made: OpaquePointer?
    #expect(martlet_actuator_start(memory, Int32(count), &made) == 0)
    actuator = made!
    lines = (0..<count).map { _ in FakeLine() }
    for (index, line) in lines.enumerated() { #expect(add(line, safeLevel) == (0, Int32(index))) }
  }

  func add(_ line: FakeLine, _ safeLevel: Int32) -> (error: Int32, index: Int32) {
    var index: Int32 = -1
    let error = martlet_actuator_add(
      actuator, { Unmanaged<FakeLine>.fromOpaque($0!).takeUnretainedValue().set($1) },
      Unmanaged.passUnretained(line).toOpaque(), safeLevel, &index)
    return (error, index)
  }

  func pulse(_ index: Int32, ms: UInt64) -> Int32 {
    martlet_actuator_pulse(actuator, index, ms * 1_000_000, nil)
  }

  func statistics(_ index: Int32) -> martlet_actuator_statistics {
    var found = martlet_actuator_statistics()
    martlet_actuator_statistics_of(actuator, index, &found)
    return found
  }

  /// Until no pulse of the output runs; five seconds at most.
  func untilEnd(_ index: Int32) {
    for _ in 0..<5000 where martlet_actuator_is_pulsing(actuator, index) { usleep(1000) }
  }

  deinit {
    martlet_actuator_stop(actuator)
    memory.deallocate()
  }
}

@Suite(.serialized) struct GPIOActuatorTests {
  /// Parts between the camera and the gate: several pulses lie ahead, told in any order.
  @Test func pulsesThatLieAhead() {
    let outputs = FakeOutputs(1)
    let start = FakeLine.now() + 20_000_000
    for offset in [2, 0, 1] as [UInt64] {
      #expect(martlet_actuator_pulse_at(outputs.actuator, 0, start + offset * 30_000_000, 10_000_000) == 0)
    }
    for _ in 0..<5000 where outputs.lines[0].calls.count < 7 { usleep(1000) }
    let calls = outputs.lines[0].calls
    #expect(calls.map(\.level) == [0, 1, 0, 1, 0, 1, 0])
    for pulse in 0..<3 {
      let wanted = start + UInt64(pulse) * 30_000_000
      #expect(calls[1 + 2 * pulse].timeNs >= wanted)
      #expect(calls[2 + 2 * pulse].timeNs >= calls[1 + 2 * pulse].timeNs + 9_000_000)
    }
    #expect(outputs.statistics(0).pulses == 3)
  }

  @Test func whatLiesAheadIsLimitedAndForgotten() {
    let outputs = FakeOutputs(1)
    let start = FakeLine.now() + 50_000_000
    for _ in 0..<MARTLET_ACTUATOR_MAX_AHEAD {
      #expect(martlet_actuator_pulse_at(outputs.actuator, 0, start, 1_000_000) == 0)
    }
    #expect(martlet_actuator_pulse_at(outputs.actuator, 0, start, 1_000_000) == ENOSPC)
    #expect(martlet_actuator_pulse_at(outputs.actuator, 0, start, 0) == EINVAL)
    #expect(martlet_actuator_pulse_at(outputs.actuator, 1, start, 1) == EINVAL)
    #expect(martlet_actuator_safe_all(outputs.actuator) == 0)
    usleep(80_000)
    #expect(outputs.lines[0].calls.allSatisfy { $0.level == 0 } && outputs.statistics(0).pulses == 0)
  }

  @Test func aStartInThePastIsNow() {
    let outputs = FakeOutputs(1)
    #expect(martlet_actuator_pulse_at(outputs.actuator, 0, 1, 5_000_000) == 0)
    for _ in 0..<5000 where outputs.lines[0].calls.count < 3 { usleep(1000) }
    #expect(outputs.lines[0].calls.map(\.level) == [0, 1, 0])
  }

  @Test func setsTheSafeLevelAtStartAndAtTheEnd() {
    let line: FakeLine
    do {
      let outputs = FakeOutputs(1)
      line = outputs.lines[0]
      #expect(line.calls.map(\.level) == [0])
      #expect(martlet_actuator_set(outputs.actuator, 0, 1) == 0)
    }
    #expect(line.calls.map(\.level) == [0, 1, 0])
  }

  /// Never shorter, whatever this machine is busy with; and not much longer.
  @Test func pulsesLastAsLongAsTheyShould() {
    let outputs = FakeOutputs(1)
    for _ in 0..<20 {
      #expect(outputs.pulse(0, ms: 5) == 0)
      outputs.untilEnd(0)
    }
    let calls = outputs.lines[0].calls
    #expect(calls.map(\.level) == [0] + (0..<20).flatMap { _ in [Int32(1), 0] })
    var lengths: [UInt64] = []
    for index in stride(from: 1, to: calls.count, by: 2) {
      lengths.append(calls[index + 1].timeNs - calls[index].timeNs)
    }
    #expect(lengths.allSatisfy { $0 >= 5_000_000 })
    #expect(lengths.sorted()[10] < 15_000_000)
    let found = outputs.statistics(0)
    #expect(found.pulses == 20)
    #expect(found.extensions == 0)
    #expect(found.max_late_ns >= found.last_late_ns)
    print("fake line, pulses of 5 ms: median \(lengths.sorted()[10]) ns, at most \(lengths.max()!) ns")
  }

  @Test func pulsesOfSeveralOutputsEndEachInTime() {
    let outputs = FakeOutputs(8)
    // The longest first: each shorter one has to wake the thread earlier than it meant to.
    for index in 0..<8 { #expect(outputs.pulse(Int32(index), ms: UInt64(80 - 10 * index)) == 0) }
    for index in 0..<8 { outputs.untilEnd(Int32(index)) }
    for index in 0..<8 {
      let calls = outputs.lines[index].calls
      #expect(calls.map(\.level) == [0, 1, 0])
      let length = calls[2].timeNs - calls[1].timeNs
      let wanted = UInt64(80 - 10 * index) * 1_000_000
      #expect(length >= wanted && length < wanted + 500_000_000)
    }
  }

  @Test func aPulseInAPulseMakesItLonger() {
    let outputs = FakeOutputs(1)
    #expect(outputs.pulse(0, ms: 60) == 0)
    usleep(20_000)
    let second = FakeLine.now()
    #expect(outputs.pulse(0, ms: 60) == 0)
    // A shorter one does not end it sooner.
    #expect(outputs.pulse(0, ms: 1) == 0)
    outputs.untilEnd(0)
    let calls = outputs.lines[0].calls
    #expect(calls.filter { $0.level == 0 }.count == 2)
    #expect(calls.last!.timeNs >= second + 60_000_000)
    #expect(outputs.statistics(0).pulses == 3)
    #expect(outputs.statistics(0).extensions == 2)
  }

  @Test func aHeldOutputStaysActive() {
    let outputs = FakeOutputs(1)
    #expect(martlet_actuator_set(outputs.actuator, 0, 1) == 0)
    #expect(outputs.pulse(0, ms: 5) == 0)
    usleep(50_000)
    #expect(outputs.lines[0].level == 1)
    #expect(martlet_actuator_set(outputs.actuator, 0, 0) == 0)
    #expect(outputs.pulse(0, ms: 5) == 0)
    outputs.untilEnd(0)
    #expect(outputs.lines[0].level == 0)
  }

  @Test func settingEndsAPulse() {
    let outputs = FakeOutputs(1)
    #expect(outputs.pulse(0, ms: 20) == 0)
    #expect(martlet_actuator_set(outputs.actuator, 0, 1) == 0)
    usleep(60_000)
    #expect(outputs.lines[0].level == 1)
    #expect(!martlet_actuator_is_pulsing(outputs.actuator, 0))
  }

  @Test func safeForAllAndThenOn() {
    let outputs = FakeOutputs(3)
    for index in 0..<3 { #expect(outputs.pulse(Int32(index), ms: 10_000) == 0) }
    #expect(martlet_actuator_safe_all(outputs.actuator) == 0)
    for line in outputs.lines { #expect(line.calls.map(\.level) == [0, 1, 0]) }
    #expect(outputs.pulse(1, ms: 5) == 0)
    outputs.untilEnd(1)
    #expect(outputs.lines[1].calls.map(\.level) == [0, 1, 0, 1, 0])
  }

  @Test func anActiveSafeLevelIsHeld() {
    let outputs = FakeOutputs(1, safeLevel: 1)
    #expect(outputs.lines[0].level == 1)
    #expect(outputs.pulse(0, ms: 5) == 0)
    usleep(50_000)
    #expect(outputs.lines[0].level == 1)
    #expect(martlet_actuator_set(outputs.actuator, 0, 0) == 0)
    #expect(martlet_actuator_safe_all(outputs.actuator) == 0)
    #expect(outputs.lines[0].level == 1)
  }

  /// A line that fails for a while is not left active.
  @Test(arguments: [1, 3]) func endsAPulseWhenTheLineWorksAgain(_ failures: Int) {
    let outputs = FakeOutputs(1)
    #expect(outputs.pulse(0, ms: 5) == 0)
    outputs.lines[0].fail(failures)
    outputs.untilEnd(0)
    #expect(outputs.lines[0].calls.map(\.level) == [0, 1, 0])
    #expect(outputs.statistics(0).failures == UInt64(failures))
    #expect(outputs.statistics(0).last_error == EIO)
  }

  @Test func tellsOfAFailureAndBringsTheLineBack() {
    let outputs = FakeOutputs(1)
    outputs.lines[0].fail(1)
    #expect(outputs.pulse(0, ms: 5) == EIO)
    for _ in 0..<1000 where outputs.lines[0].calls.count < 2 { usleep(1000) }
    #expect(outputs.lines[0].calls.map(\.level) == [0, 0])
    outputs.lines[0].fail(2)
    #expect(martlet_actuator_safe_all(outputs.actuator) == EIO)
    for _ in 0..<1000 where outputs.lines[0].calls.count < 3 { usleep(1000) }
    #expect(outputs.lines[0].calls.map(\.level) == [0, 0, 0])
  }

  /// A level that could not be set is what the line gets when it works again, and is held then.
  @Test(arguments: [0, 1] as [Int32]) func setsALevelWhenTheLineWorksAgain(_ safeLevel: Int32) {
    let outputs = FakeOutputs(1, safeLevel: safeLevel)
    let wanted = 1 - safeLevel
    for level in [wanted, safeLevel, 1] {
      let before = outputs.lines[0].calls.count
      outputs.lines[0].fail(2)
      #expect(martlet_actuator_set(outputs.actuator, 0, level) == EIO)
      for _ in 0..<1000 where outputs.lines[0].calls.count == before { usleep(1000) }
      #expect(outputs.lines[0].calls.count == before + 1 && outputs.lines[0].level == level)
    }
    // Held: a pulse leaves it active.
    #expect(outputs.pulse(0, ms: 2) == 0)
    usleep(20_000)
    #expect(outputs.lines[0].level == 1)
  }

  /// What fails while a pulse runs neither ends it nor makes its end look late.
  @Test func aFailedExtensionLeavesThePulse() {
    let outputs = FakeOutputs(1)
    #expect(outputs.pulse(0, ms: 100) == 0)
    outputs.lines[0].fail(1)
    #expect(outputs.pulse(0, ms: 300) == EIO)
    outputs.untilEnd(0)
    let calls = outputs.lines[0].calls
    #expect(calls.map(\.level) == [0, 1, 0])
    #expect(calls[2].timeNs - calls[1].timeNs >= 100_000_000)
    #expect(outputs.statistics(0).max_late_ns < 5_000_000_000)
  }

  @Test func anAbandonedActuatorDoesNothingMore() {
    let outputs = FakeOutputs(2)
    #expect(outputs.pulse(0, ms: 10_000) == 0)
    martlet_actuator_abandon(outputs.actuator)
    #expect(outputs.lines.map(\.level) == [0, 0])
    #expect(outputs.pulse(1, ms: 5) == ECANCELED)
    #expect(martlet_actuator_set(outputs.actuator, 1, 1) == ECANCELED)
    #expect(outputs.lines.map(\.level) == [0, 0])
  }

  @Test func refusesWhatMakesNoSense() {
    let outputs = FakeOutputs(1)
    #expect(outputs.pulse(-1, ms: 5) == EINVAL)
    #expect(outputs.pulse(1, ms: 5) == EINVAL)
    #expect(outputs.pulse(0, ms: 0) == EINVAL)
    #expect(outputs.pulse(0, ms: 86_400_001) == EINVAL)
    #expect(martlet_actuator_set(outputs.actuator, 7, 1) == EINVAL)
    #expect(outputs.add(FakeLine(), 0).error == ENOSPC)
    #expect(outputs.lines[0].calls.count == 1)
    var made: OpaquePointer?
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    defer { memory.deallocate() }
    #expect(martlet_actuator_start(memory, 0, &made) == EINVAL)
    #expect(martlet_actuator_start(memory, 65, &made) == EINVAL)
  }

  /// Pulses from several threads at once: none is lost, none is left active.
  @Test func takesPulsesFromSeveralThreads() {
    let outputs = FakeOutputs(4)
    nonisolated(unsafe) let shared = outputs
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for round in 0..<200 { _ = shared.pulse(Int32((thread + round) % 4), ms: 1) }
    }
    for index in 0..<4 { outputs.untilEnd(Int32(index)) }
    #expect((0..<4).map { outputs.statistics($0).pulses }.reduce(0, +) == 800)
    #expect(outputs.lines.map(\.level) == [0, 0, 0, 0])
  }
}
