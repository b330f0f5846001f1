import CMartletCameraDriver
import CMartletLinux
import CMartletPlatform
import Foundation
import Martlet
import Testing

@testable import MartletDevice

/// Sources and what they work on: a pipeline's loop. Frames go to the bench, the model computes on what it likes.
private struct Loop: ~Copyable {
  var sources: FixedArray<CameraSource>
  var core: PipelineCore

  init(_ bench: CameraBench, _ cameras: [CameraConfiguration], nowNs: UInt64 = martlet_now_ns()) throws {
    var configuration = Configuration()
    configuration.cameras = cameras
    var model = ModelConfiguration()
    model.file = PipelineTests.root + "/Models/resnet8-cifar10/resnet8-cifar10.martlet"
    model.threads = 1
    configuration.models = [model]
    var models = FixedArray<PipelineModel>(capacity: 1)
    models.append(try PipelineModel(model, in: configuration))
    var core = try PipelineCore(
      configuration, models: models, lines: LineSink(configuration), log: FixedArray(capacity: 0), nowNs: nowNs)
    var sources = FixedArray<CameraSource>(capacity: cameras.count)
    for index in cameras.indices {
      sources.append(CameraSource(bench.stream(cameras[index].settings!), index: index, cameras[index]))
    }
    sources.begin(&core)
    self.core = core
    self.sources = sources
  }

  /// Goes round until it is true, for ten seconds at most; what one turn takes at most, in nanoseconds.
  mutating func turn(until isDone: (borrowing PipelineCore) -> Bool) -> (isDone: Bool, longestNs: UInt64) {
    let end = martlet_now_ns() + 10_000_000_000
    var longest: UInt64 = 0
    var waits = WaitSet(capacity: sources.descriptorCapacity)
    while martlet_now_ns() < end {
      let began = martlet_now_ns()
      sources.service(&core)
      longest = max(longest, martlet_now_ns() - began)
      if isDone(core) { return (true, longest) }
      waits.removeAll()
      let now = martlet_now_ns()
      sources.addDescriptors(to: &waits, nowNs: now, core)
      waits.wait(untilNs: min(sources.deadlineNs(nowNs: now, core), now + 20_000_000))
    }
    return (false, longest)
  }
}

extension CameraTests {
  /// Cameras in the pipeline's loop, each with its thread.
  @Suite struct Source {
    let bench = CameraBench()
    private static let second: UInt64 = 1_000_000_000

    private func camera(_ path: String, timeoutNs: UInt64 = second / 4) -> CameraConfiguration {
      var camera = CameraConfiguration()
      camera.source = .device(path)
      camera.timeoutNs = timeoutNs
      camera.model = 0
      return camera
    }

    private func deliver(_ camera: Int32, _ value: UInt8 = 7, count: Int = 768, isDamaged: Bool = false) -> Bool {
      bench.deliver(camera, value, count: count, isDamaged: isDamaged, at: martlet_now_ns())
    }

    /// At no moment is a wish neither told to the thread nor still to come.
    @Test func noWishFallsBetweenTwoQuestions() throws {
      bench.plug()
      var seldom = camera("/dev/video0", timeoutNs: 2 * Self.second)
      seldom.trigger = .interval(ns: Self.second)
      var loop = try Loop(bench, [seldom], nowNs: martlet_now_ns() + Self.second / 2)
      let isOpen = loop.turn { $0.cameras[0].isOpen }.isDone
      #expect(isOpen)
      let due = try #require(loop.core.cameras[0].trigger.deadlineNs(nowNs: martlet_now_ns()))
      let before = loop.sources.deadlineNs(nowNs: due - 1, loop.core)
      let after = loop.sources.deadlineNs(nowNs: due, loop.core)
      #expect(before <= due && after <= due)
    }

    @Test func framesGoThroughTheSlotAndBack() throws {
      let device = bench.plug()
      var loop = try Loop(bench, [camera("/dev/video0", timeoutNs: 10 * Self.second)])
      let isOpen = loop.turn { $0.cameras[0].isOpen }.isDone
      #expect(isOpen)
      for number in 1...50 {
        let isDelivered = deliver(device, UInt8(number))
        #expect(isDelivered)
        let isDecided = loop.turn { $0.cameras[0].decided == number }.isDone
        #expect(isDecided)
        #expect(bench.values[0] == Int8(number - 128))
      }
      let isBack = loop.turn { _ in driver_queued(device) == 4 }.isDone
      #expect(isBack)
      let counts = loop.core.cameras[0].counts
      #expect(counts.taken == 50 && counts.dropped == 0 && counts.damaged == 0)
    }

    /// While the loop is busy with one frame, the thread keeps the newest of those that come, and the driver never runs
    /// out of buffers.
    @Test func theNewestFrameWaits() throws {
      let device = bench.plug()
      var loop = try Loop(bench, [camera("/dev/video0", timeoutNs: 10 * Self.second)])
      _ = loop.turn { $0.cameras[0].isOpen }
      for number in 1...20 {
        let isDelivered = deliver(device, UInt8(number))
        let end = martlet_now_ns() + Self.second
        while driver_queued(device) < 3, martlet_now_ns() < end { usleep(1000) }
        #expect(isDelivered)
      }
      usleep(50000)
      let isDecided = loop.turn { $0.cameras[0].decided == 1 }.isDone
      #expect(isDecided && bench.values[0] == Int8(20 - 128))
      #expect(loop.core.cameras[0].counts.dropped == 19)
    }

    /// A driver that does not come back holds its own thread: the loop, and the other camera, go on.
    @Test func aCameraThatHangsHoldsNobodyElse() throws {
      let healthy = bench.plug(0)
      let sick = bench.plug(1, bus: "usb-2")
      driver_hang(sick, VIDIOC_S_FMT_VALUE)
      var loop = try Loop(bench, [camera("/dev/video0", timeoutNs: 10 * Self.second), camera("/dev/video1")])
      _ = loop.turn { $0.cameras[0].isOpen }
      var longest: UInt64 = 0
      let began = martlet_now_ns()
      var number = 0
      while martlet_now_ns() < began + 4 * Self.second {
        number += 1
        _ = deliver(healthy)
        let turned = loop.turn { $0.cameras[0].decided == number }
        longest = max(longest, turned.longestNs)
        #expect(turned.isDone)
        usleep(20000)
      }
      #expect(loop.core.cameras[0].counts.dropped == 0 && number > 50)
      #expect(longest < Self.second)
      // It was reported as what it is.
      #expect(loop.core.cameras[1].state == .hung)
      driver_hang(sick, 0)
      let isOpen = loop.turn { $0.cameras[1].isOpen }.isDone
      #expect(isOpen)
      _ = deliver(sick)
      let isBack = loop.turn {
        usleep(10000)
        _ = deliver(sick)
        return $0.cameras[1].state == .streaming
      }.isDone
      #expect(isBack)
    }

    /// In the middle of its stream, too; and the rules know within the camera's time.
    @Test func aStreamThatHangsIsReported() throws {
      let device = bench.plug()
      var loop = try Loop(bench, [camera("/dev/video0")])
      _ = loop.turn { $0.cameras[0].isOpen }
      _ = deliver(device)
      _ = loop.turn { $0.cameras[0].decided == 1 }
      driver_hang(device, VIDIOC_DQBUF_VALUE)
      _ = deliver(device)
      let began = martlet_now_ns()
      let isHung = loop.turn { $0.cameras[0].state == .hung }.isDone
      #expect(isHung && martlet_now_ns() - began < Self.second)
      driver_hang(device, 0)
      // What came meanwhile is enough.
      let isBack = loop.turn { $0.cameras[0].decided == 2 }.isDone
      #expect(isBack && loop.core.cameras[0].state == .streaming)
    }

    /// What ends while a driver hangs does not wait for it.
    @Test func theEndDoesNotWaitForADriverThatHangs() throws {
      let device = bench.plug()
      driver_hang(device, VIDIOC_S_FMT_VALUE)
      var began: UInt64 = 0
      do {
        var loop = try Loop(bench, [camera("/dev/video0")])
        usleep(100_000)
        _ = loop.turn { _ in true }
        began = martlet_now_ns()
        loop.sources.end(nowNs: began)
      }
      #expect(martlet_now_ns() - began < Self.second)
      driver_hang(device, 0)
      usleep(200_000)
    }

    /// Damaged frames alone are as bad as silence: flagged by the driver, or found when they are read.
    @Test(arguments: [true, false]) func onlyDamagedFramesAreReported(isFlagged: Bool) throws {
      let device = bench.plug()
      var loop = try Loop(bench, [camera("/dev/video0")])
      _ = loop.turn { $0.cameras[0].isOpen }
      _ = deliver(device)
      _ = loop.turn { $0.cameras[0].decided == 1 }
      let isReported = loop.turn {
        usleep(10000)
        _ = deliver(device, count: isFlagged ? 768 : 100, isDamaged: isFlagged)
        return $0.cameras[0].state == .damaged
      }.isDone
      #expect(isReported)
      // Opened anew; that alone does not make it good.
      let isReopened = loop.turn { $0.cameras[0].counts.reopened == 1 }.isDone
      #expect(isReopened && loop.core.cameras[0].state == .damaged)
      let isGood = loop.turn {
        usleep(10000)
        _ = deliver(device)
        return $0.cameras[0].state == .streaming
      }.isDone
      #expect(isGood && loop.core.cameras[0].counts.damaged > 5)
    }

    /// A damaged frame now and then is counted, and nothing else.
    @Test func aDamagedFrameAmongWholeOnesIsCounted() throws {
      let device = bench.plug()
      var loop = try Loop(bench, [camera("/dev/video0")])
      _ = loop.turn { $0.cameras[0].isOpen }
      let isThrough = loop.turn {
        usleep(5000)
        _ = deliver(device, count: $0.cameras[0].decided % 2 == 0 ? 768 : 100)
        _ = deliver(device)
        return $0.cameras[0].decided >= 100
      }.isDone
      #expect(isThrough && loop.core.cameras[0].counts.reopened == 0 && loop.core.cameras[0].state == .streaming)
    }

    /// Between two questions of the trigger nothing is taken from the driver.
    @Test func aTriggerGetsTheFirstFrameBehindIt() throws {
      let device = bench.plug()
      var seldom = camera("/dev/video0", timeoutNs: 2 * Self.second)
      seldom.trigger = .interval(ns: Self.second / 2)
      var loop = try Loop(bench, [seldom], nowNs: martlet_now_ns() + Self.second / 2)
      _ = loop.turn { $0.cameras[0].isOpen }
      _ = deliver(device, 1)
      #expect(loop.core.cameras[0].decided == 0 && loop.core.cameras[0].state == .waiting)
      let due = try #require(loop.core.cameras[0].trigger.deadlineNs(nowNs: martlet_now_ns()))
      let isDecided = loop.turn {
        if martlet_now_ns() >= due { _ = deliver(device, 2) }
        return $0.cameras[0].decided == 1
      }.isDone
      #expect(isDecided && bench.values[0] == Int8(2 - 128))
    }

    @Test func unpluggedWhileTheLoopHasAFrame() throws {
      for turn in 0..<50 {
        driver_reset()
        let device = bench.plug(Int32(turn % 5))
        var loop = try Loop(bench, [camera("/dev/video\(turn % 5)")])
        _ = loop.turn { $0.cameras[0].isOpen }
        _ = deliver(device)
        usleep(UInt32(turn * 20))
        driver_unplug(device)
        let isLost = loop.turn { $0.cameras[0].state == .lost }.isDone
        #expect(isLost)
        let isClosed = loop.turn { _ in driver_open_count() == 0 && driver_mapped_count() == 0 }.isDone
        #expect(isClosed)
      }
    }
  }
}
