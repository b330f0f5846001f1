import CMartletLinux
import CMartletPlatform

/// The end of shift hours, which comes also while no frame does.
struct HoursSource: ~Copyable, EventSource {
  private var nextNs: UInt64 = 0

  var descriptorCapacity: Int { 0 }
  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {}

  /// Each minute of the wall clock, which may be set at any time.
  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    core.hasHours ? nextNs : .max
  }

  mutating func service(_ core: inout PipelineCore) {
    let now = martlet_now_ns()
    guard core.hasHours, now >= nextNs else { return }
    nextNs = now + (60_000_000 - martlet_wall_time_us() % 60_000_000) * 1000
    core.endHours()
  }
}
