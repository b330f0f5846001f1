import CMartletCameraDriver
import CMartletLinux
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// Formats that nobody can read are known before the camera starts, and said by name.
  struct Readable {
    let bench = CameraBench()

    private func error(_ format: String? = nil) throws -> CameraError {
      var settings = CameraSettings(address: .path("/dev/video0"))
      settings.format.fourcc = format.map { FourCC($0)! }
      var stream = bench.stream(settings)
      do throws(CameraError) {
        try stream.open(nowNs: 0)
      } catch {
        #expect(driver_open_count() == 0 && driver_mapped_count() == 0)
        return error
      }
      Issue.record("it was opened")
      return CameraError(.system, "")
    }

    private func chosen(_ format: String? = nil) throws -> String {
      var settings = CameraSettings(address: .path("/dev/video0"))
      settings.format.fourcc = format.map { FourCC($0)! }
      var stream = bench.stream(settings)
      try stream.open(nowNs: 0)
      return FourCC(code: stream.format.fourcc).text
    }

    @Test func aCameraOfCompressedVideo() throws {
      let camera = bench.plug(0, "H264")
      let error = try error()
      #expect(error.kind == .unreadable && error.sentence.hasPrefix("/dev/video0: gives nothing but H264: "))
      // Beside others it is never chosen, and refused by name if somebody asks for it.
      bench.add(camera, "MJPG", 16, 16)
      #expect(try chosen() == "MJPG")
      let asked = try self.error("H264")
      #expect(asked.kind == .unreadable && asked.sentence.hasPrefix("/dev/video0: H264: "))
      #expect(asked.sentence.hasSuffix("; it has MJPG"))
    }

    @Test func whatTheConverterKnows() throws {
      let camera = bench.plug(0, "YVYU")
      #expect(try chosen() == "YVYU")
      #expect(try chosen("YVYU") == "YVYU")
      // Not where something else will do.
      bench.add(camera, "MJPG", 640, 480)
      #expect(try chosen() == "MJPG")
      #expect(try error("NV12").kind == .refused)
    }

    @Test func withoutItsLibrary() throws {
      let camera = bench.plug(0, "YVYU")
      driver_remove_library(true)
      let error = try error()
      #expect(error.kind == .noConverter && error.sentence.contains("YVYU, which needs libv4lconvert"))
      bench.add(camera, "BGR3", 16, 16)
      #expect(try chosen() == "BGR3")
      #expect(try self.error("YVYU").kind == .noConverter)
    }

    @Test func planesThatLieApart() throws {
      let camera = bench.plug(0, "NM12")
      driver_set_multi_planar(camera, true)
      driver_set_two_planes(camera)
      #expect(try error().sentence.contains("NM12"))
      // A driver that has a name for one buffer and gives two.
      bench.add(camera, "NV12", 16, 16)
      #expect(try error().kind == .unreadable)
    }

    // MARK: What libcamera drives

    @Test func aSensorsOwnNode() throws {
      bench.plug(0, "BA81", bus: "platform:fe801000.csi")
      let error = try error()
      #expect(error.kind == .pipeline && error.sentence.contains("libcamera sets up (driver test)"))
      // Who asks for it by name gets it.
      #expect(try chosen("BA81") == "BA81")
    }

    @Test func aMosaicOfAUSBCamera() throws {
      bench.plug(0, "BA81", bus: "usb-1")
      #expect(try chosen() == "BA81")
    }

    @Test func aChainThatIsNotSetUp() throws {
      let camera = bench.plug(0, "pRAA", bus: "platform:rp1-cfe")
      // Video capture, streaming, set up by the media controller.
      driver_set_capabilities(camera, 0x2400_0001)
      #expect(try error().kind == .pipeline)
      // Such a node lists what it could pass on from some sensor.
      bench.add(camera, "YUYV", 16, 16)
      for code in [EINVAL_VALUE, EPIPE_VALUE, ENOLINK_VALUE] {
        driver_fail(UInt(VIDIOC_STREAMON_VALUE), 1, code)
        #expect(try error().kind == .pipeline)
      }
      #expect(try chosen() == "YUYV")
    }

    @Test func aDriverThatRefusesToStart() throws {
      bench.plug()
      driver_fail(UInt(VIDIOC_STREAMON_VALUE), 1, EINVAL_VALUE)
      #expect(try error().kind == .system)
      driver_fail(UInt(VIDIOC_STREAMON_VALUE), 1, EPIPE_VALUE)
      #expect(try error().kind == .pipeline)
    }

    // MARK: Frames that are not whole

    @Test func aShortFrameForTheConverter() throws {
      let camera = bench.plug(0, "YVYU")
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      for (count, isWhole) in [(511, false), (512, true)] {
        bench.deliver(camera, 9, count: count)
        let frame = try #require(try stream.take(nowNs: 1))
        let isFilled = stream.fill(frame)
        #expect(isFilled == isWhole)
        try stream.giveBack(frame, nowNs: 1)
      }
      #expect(stream.counts.damaged == 1)
    }

    @Test func bytesBeforeAFrame() throws {
      let camera = bench.plug()
      driver_set_multi_planar(camera, true)
      driver_set_offset(camera, 8)
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      // They are no part of it: eight bytes are missing at its end.
      bench.deliver(camera)
      let frame = try #require(try stream.take(nowNs: 1))
      #expect(frame.count == 760)
      let isFilled = stream.fill(frame)
      #expect(!isFilled && stream.counts.damaged == 1)
      try stream.giveBack(frame, nowNs: 1)
      bench.deliver(camera, count: 8)
      #expect(try stream.take(nowNs: 2) == nil)
      #expect(stream.counts.damaged == 2)
    }
  }
}
