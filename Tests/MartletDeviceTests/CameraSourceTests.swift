import CMartletCameraDriver
import CMartletPlatform
import Martlet
import Testing

@testable import MartletDevice

/// A source and what it works on.
private struct Loop: ~Copyable {
  var source: CameraSource
  var core: PipelineCore

  /// What the loop would wait for, and until when.
  func plan(_ nowNs: UInt64) -> (isWaitedFor: Bool, deadlineNs: UInt64) {
    var waits = WaitSet(capacity: 1)
    source.addDescriptors(to: &waits, nowNs: nowNs, core)
    return (waits.count == 1, source.deadlineNs(nowNs: nowNs, core))
  }
}

extension CameraTests {
  /// A camera in the pipeline's loop.
  @Suite struct Source {
    let bench = CameraBench()

    /// A camera that is serviced once, whose trigger wants a frame every second, the first one half a second from now.
    private func loop(_ path: String) throws -> Loop {
      bench.plug()
      var camera = CameraConfiguration()
      camera.source = .device(path)
      camera.timeoutNs = 2_000_000_000
      camera.trigger = .interval(ns: 1_000_000_000)
      var configuration = Configuration()
      configuration.cameras = [camera]
      var core = try PipelineCore(
        configuration, models: FixedArray(capacity: 0), lines: LineSink(configuration),
        records: RecordSink(configuration),
        nowNs: martlet_now_ns() + 500_000_000)
      var source = CameraSource(bench.stream(try #require(camera.settings)), index: 0)
      source.service(&core)
      return Loop(source: source, core: core)
    }

    /// At no moment is a frame neither waited for nor still to come: what falls due between two questions would be lost
    /// until the camera's time-out.
    @Test func noWishFallsBetweenTwoQuestions() throws {
      let loop = try loop("/dev/video0")
      let isOpen = loop.core.cameras[0].isOpen
      #expect(isOpen)
      let now = martlet_now_ns()
      let early = loop.plan(now)
      #expect(!early.isWaitedFor && early.deadlineNs > now && early.deadlineNs < now + 600_000_000)
      let last = loop.plan(early.deadlineNs - 1)
      #expect(!last.isWaitedFor && last.deadlineNs == early.deadlineNs)
      let due = loop.plan(early.deadlineNs)
      #expect(due.isWaitedFor)
    }

    @Test func whatIsLateHoldsTheWatchdog() throws {
      let open = try loop("/dev/video0")
      // Nobody waits for a frame yet.
      let isLate = open.source.isOverdue(before: .max, open.core)
      #expect(!isLate)
      let closed = try loop("/dev/video9")
      let (before, after) = (
        closed.source.isOverdue(before: martlet_now_ns(), closed.core),
        closed.source.isOverdue(before: .max, closed.core)
      )
      #expect(!before && after)
    }
  }
}
