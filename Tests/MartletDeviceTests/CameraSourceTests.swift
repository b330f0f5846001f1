import CMartletCameraDriver
import CMartletPlatform
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// A camera in the pipeline's loop.
  @Suite struct Source {
    let bench = CameraBench()

    /// An open camera whose trigger wants a frame every second, the first one now.
    private func pipeline() throws -> (CameraSource, PipelineCore) {
      bench.plug()
      var camera = CameraConfiguration()
      camera.source = .device("/dev/video0")
      camera.timeoutNs = 2_000_000_000
      camera.trigger = .interval(ns: 1_000_000_000)
      var configuration = Configuration()
      configuration.cameras = [camera]
      var core = try PipelineCore(
        configuration, models: FixedArray(capacity: 0), lines: LineSink(configuration), log: FixedArray(capacity: 0),
        nowNs: martlet_now_ns() + 500_000_000)
      var source = CameraSource(bench.stream(try #require(camera.settings)), index: 0)
      source.service(&core)
      #expect(core.cameras[0].isOpen)
      return (source, core)
    }

    /// At no moment is a frame neither waited for nor still to come: what falls due between two questions would be lost
    /// until the camera's time-out.
    @Test func noWishFallsBetweenTwoQuestions() throws {
      let (source, core) = try pipeline()
      var waits = WaitSet(capacity: 1)
      func isWaitedFor(_ now: UInt64) -> Bool {
        waits.removeAll()
        source.addDescriptors(to: &waits, nowNs: now, core)
        return waits.count == 1
      }
      let now = martlet_now_ns()
      let due = source.deadlineNs(nowNs: now, core)
      #expect(!isWaitedFor(now) && due > now && due < now + 600_000_000)
      #expect(!isWaitedFor(due - 1) && source.deadlineNs(nowNs: due - 1, core) == due)
      #expect(isWaitedFor(due))
    }

    @Test func whatIsLateHoldsTheWatchdog() throws {
      let (source, core) = try pipeline()
      // Nobody waits for a frame yet.
      #expect(!source.isOverdue(before: .max, core))
      var closed = CameraSource(bench.stream(CameraSettings(address: .path("/dev/video9"))), index: 0)
      #expect(closed.isOverdue(before: 1, core) && !closed.isOverdue(before: 0, core))
      var other = try pipeline().1
      closed.service(&other)
      #expect(!closed.isOverdue(before: martlet_now_ns(), other))
    }
  }
}
