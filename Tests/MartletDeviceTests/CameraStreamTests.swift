import CMartletCameraDriver
import CMartletLinux
import Martlet
import Testing

@testable import MartletDevice

/// What can happen to a camera while it streams. One at a time: they share the driver.
@Suite(.serialized)
struct CameraTests {
  let bench = CameraBench()
  static let second: UInt64 = 1_000_000_000

  // MARK: Frames

  @Test func theNewestFrameWins() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    #expect(try stream.take(nowNs: 1) == nil)
    for value in [10, 20, 30] as [UInt8] { bench.deliver(camera, value, at: UInt64(value) * 1000) }
    let frame = try #require(try stream.take(nowNs: 2))
    #expect(frame.sequence == 2 && frame.timestamp_ns == 30_000)
    #expect(stream.counts.dropped == 2)
    let isFilled = stream.fill(frame)
    #expect(isFilled)
    #expect((0..<192).allSatisfy { bench.values[$0] == -98 })
    #expect(driver_queued(camera) == 3)
    try stream.giveBack(frame, nowNs: 3)
    #expect(driver_queued(camera) == 4)
  }

  @Test func gapsInTheSequenceAreDrops() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    for _ in 0..<4 { #expect(bench.deliver(camera)) }
    // No buffer is free for these.
    for _ in 0..<5 { #expect(!bench.deliver(camera)) }
    let first = try #require(try stream.take(nowNs: 1))
    try stream.giveBack(first, nowNs: 1)
    #expect(stream.counts.dropped == 3)
    bench.deliver(camera)
    let next = try #require(try stream.take(nowNs: 2))
    #expect(next.sequence == 9 && stream.counts.dropped == 8 && stream.counts.taken == 2)
    try stream.giveBack(next, nowNs: 2)
  }

  @Test func damagedFramesGoBackAndCount() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, isDamaged: true)
    #expect(try stream.take(nowNs: 1) == nil)
    bench.deliver(camera, count: 0)
    bench.deliver(camera, 77)
    bench.deliver(camera, isDamaged: true)
    let frame = try #require(try stream.take(nowNs: 2))
    #expect(frame.sequence == 2 && stream.counts.damaged == 3 && stream.counts.dropped == 0)
    #expect(driver_queued(camera) == 3)
  }

  @Test func aShortFrameIsDamaged() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, count: 767)
    let frame = try #require(try stream.take(nowNs: 1))
    let isFilled = stream.fill(frame)
    #expect(!isFilled && stream.counts.damaged == 1)
  }

  @Test func aFrameLargerThanItsBufferIsRefused() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, count: 769)
    #expect(try stream.take(nowNs: 1) == nil)
    #expect(stream.counts.damaged == 1)
  }

  @Test func aFrameWithoutATimeStampGetsTheTimeNow() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, at: 0)
    #expect(try stream.take(nowNs: 4711)?.timestamp_ns == 4711)
  }

  @Test func aBrokenJPEGIsDamaged() throws {
    let camera = bench.plug(0, "MJPG")
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, 0xFF, count: 100)
    let frame = try #require(try stream.take(nowNs: 1))
    let isFilled = stream.fill(frame)
    #expect(!isFilled && stream.counts.damaged == 1)
  }

  @Test func severalPlanesInOneBuffer() throws {
    let camera = bench.plug()
    driver_set_multi_planar(camera, true)
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, 50)
    let frame = try #require(try stream.take(nowNs: 1))
    let isFilled = stream.fill(frame)
    #expect(isFilled && bench.values[100] == -78)
  }

  // MARK: Loss and return

  @Test func unpluggedAndPluggedInElsewhere() throws {
    let camera = bench.plug(0, bus: "usb-1")
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    driver_unplug(camera)
    #expect(kind { _ = try stream.take(nowNs: 1) } == .gone)
    #expect(!stream.isOpen && stream.descriptor == -1 && driver_open_count() == 0 && driver_mapped_count() == 0)
    #expect(kind { try stream.open(nowNs: stream.deadlineNs) } == .missing)
    // Another camera has its number now.
    bench.plug(0, card: "Other", bus: "usb-2")
    let again = bench.plug(3, bus: "usb-1")
    try stream.open(nowNs: 2)
    #expect(stream.path == "/dev/video3" && stream.counts.reopened == 1)
    bench.deliver(again, 9)
    #expect(try stream.take(nowNs: 3)?.sequence == 0)
    #expect(driver_open_count() == 1)
  }

  @Test func manyUnpluggingsLeaveNothingBehind() throws {
    var stream = bench.stream(CameraSettings(address: .bus("usb-1")))
    for cycle in 0..<1000 {
      driver_reset()
      let camera = bench.plug(Int32(cycle % 5), bus: "usb-1")
      try stream.open(nowNs: UInt64(cycle))
      bench.deliver(camera)
      let frame = try #require(try stream.take(nowNs: 1))
      let isFilled = stream.fill(frame)
      #expect(isFilled)
      driver_unplug(camera)
      #expect(kind { try stream.giveBack(frame, nowNs: 1) } == .gone)
      #expect(driver_open_count() == 0 && driver_mapped_count() == 0)
    }
    #expect(stream.counts.reopened == 999 && stream.counts.taken == 1000)
  }

  @Test func anErrorOfTheDriverClosesTheCamera() throws {
    bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    driver_fail(UInt(VIDIOC_DQBUF_VALUE), 1, EIO_VALUE)
    #expect(kind { _ = try stream.take(nowNs: 5) } == .system)
    #expect(stream.deadlineNs == 5 + CameraStream.pauseNs && driver_open_count() == 0)
    try stream.open(nowNs: stream.deadlineNs)
    #expect(stream.isOpen == true)
  }

  @Test func aDriverThatStopsDelivering() throws {
    let camera = bench.plug()
    var settings = CameraSettings(address: .path("/dev/video0"))
    settings.timeoutNs = Self.second
    var stream = bench.stream(settings)
    try stream.open(nowNs: 0)
    #expect(stream.deadlineNs == Self.second)
    bench.deliver(camera)
    let frame = try #require(try stream.take(nowNs: 500))
    try stream.giveBack(frame, nowNs: 600)
    #expect(stream.deadlineNs == 500 + Self.second)
    #expect(try stream.take(nowNs: 499 + Self.second) == nil)
    #expect(kind { _ = try stream.take(nowNs: 500 + Self.second) } == .silent)
    #expect(stream.isOpen == false)
  }

  /// Asked for a frame now and then, and not all the time.
  @Test func aDriverThatStopsDeliveringToATrigger() throws {
    let camera = bench.plug()
    var settings = CameraSettings(address: .path("/dev/video0"))
    settings.timeoutNs = Self.second
    var stream = bench.stream(settings)
    try stream.open(nowNs: 0)
    stream.expectFrame(nowNs: 10)
    bench.deliver(camera)
    let frame = try #require(try stream.take(nowNs: 500, countsGaps: false))
    try stream.giveBack(frame, nowNs: 600)
    // A wish that was answered, and one that did not wait for long.
    try stream.giveUp(nowNs: 3 * Self.second)
    stream.expectFrame(nowNs: 3 * Self.second)
    try stream.giveUp(nowNs: 3 * Self.second + Self.second / 2)
    #expect(stream.isOpen == true)
    #expect(kind { try stream.giveUp(nowNs: 4 * Self.second - 1000) } == .silent)
    #expect(stream.isOpen == false)
  }

  /// Where the driver tells no time, what waited while nobody asked may be of any age.
  @Test func theFirstFrameOfUnknownAgeIsOld() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    bench.deliver(camera, at: 0)
    stream.expectFrame(nowNs: Self.second)
    for age in [1, Self.second + 7] {
      let frame = try #require(try stream.take(nowNs: Self.second + 7, countsGaps: false))
      #expect(frame.timestamp_ns == age)
      try stream.giveBack(frame, nowNs: Self.second + 8)
      bench.deliver(camera, at: 0)
    }
    // Where every frame is wanted there was no such time.
    stream.expectFrame(nowNs: Self.second)
    let frame = try #require(try stream.take(nowNs: Self.second + 9))
    #expect(frame.timestamp_ns == Self.second + 9)
    try stream.giveBack(frame, nowNs: Self.second + 9)
  }

  @Test func aChangeOfSizeOpensAnew() throws {
    let camera = bench.plug()
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    try stream.open(nowNs: 0)
    driver_change_source(camera)
    #expect(kind { _ = try stream.take(nowNs: 7) } == .refused)
    #expect(stream.deadlineNs == 7)
    driver_insist(camera, 32, 24)
    try stream.open(nowNs: 7)
    #expect(stream.format.width == 32 && stream.format.height == 24)
    bench.deliver(camera, 200, count: 32 * 24 * 3)
    let frame = try #require(try stream.take(nowNs: 8))
    let isFilled = stream.fill(frame)
    #expect(isFilled && bench.values[0] == 72)
  }

  @Test func startingFails() throws {
    bench.plug()
    for request in [VIDIOC_REQBUFS_VALUE, VIDIOC_QUERYBUF_VALUE, VIDIOC_QBUF_VALUE, VIDIOC_STREAMON_VALUE] {
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      driver_fail(UInt(request), 1, EIO_VALUE)
      #expect(kind { try stream.open(nowNs: 0) } == .system)
      #expect(!stream.isOpen && driver_open_count() == 0 && driver_mapped_count() == 0)
    }
    var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
    driver_fail(UInt(VIDIOC_STREAMON_VALUE), 1, EBUSY_VALUE)
    #expect(kind { try stream.open(nowNs: 0) } == .busy)
    driver_fail_open(EACCES_VALUE)
    #expect(kind { try stream.open(nowNs: 0) } == .denied)
  }

  @Test func whatIsPluggedInIsFound() throws {
    #expect(kind { _ = try CameraAddress("/dev/video0").open(system: bench.system) } == .missing)
    #expect(kind { _ = try CameraAddress("usb-9:1").open(system: bench.system) } == .noCamera)
    let metadata = bench.plug(0, card: "Webcam", bus: "usb-1")
    driver_set_capabilities(metadata, 0x0080_0000)
    bench.plug(1, card: "Webcam", bus: "usb-1")
    bench.plug(4, card: "Microscope", bus: "usb-2:1")
    #expect(kind { _ = try CameraAddress("0").open(system: bench.system) } == .notCamera)
    #expect(try CameraAddress("Webcam").open(system: bench.system).path == "/dev/video1")
    #expect(try CameraAddress("usb-2:1").open(system: bench.system).path == "/dev/video4")
    #expect(try CameraAddress("4").open(system: bench.system).identity.card == "Microscope")
    #expect(kind { _ = try CameraAddress("Telescope").open(system: bench.system) } == .missing)
    #expect(driver_open_count() == 0)
  }
}
