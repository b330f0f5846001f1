import CMartletCameraDriver
import CMartletLinux
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// Which format, size and rate a camera gets.
  struct Formats {
    let bench = CameraBench()

    func chosen(
      _ wish: CameraFormat = CameraFormat(), target: Int = 224, wantsColour: Bool = true
    ) throws -> martlet_camera_format {
      var camera = try Camera(path: "/dev/video0", system: bench.system)
      try camera.choose(wish, targetWidth: target, targetHeight: target, wantsColour: wantsColour)
      return camera.format
    }

    @Test func theLeastWorkThatIsLargeEnough() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "MJPG", 320, 240)
      bench.add(camera, "YUYV", 160, 120)
      bench.add(camera, "YUYV", 640, 480)
      bench.add(camera, "YUYV", 320, 240)
      bench.add(camera, "NV12", 640, 480)
      var format = try chosen()
      #expect(FourCC(code: format.fourcc).text == "YUYV" && format.width == 320)
      format = try chosen(target: 400)
      #expect(FourCC(code: format.fourcc).text == "NV12" && format.width == 640)
      // Nothing is that large: the largest.
      format = try chosen(target: 1000)
      #expect(format.width == 640)
      format = try chosen(CameraFormat(fourcc: FourCC("MJPG")))
      #expect(FourCC(code: format.fourcc).text == "MJPG")
      format = try chosen(CameraFormat(width: 160, height: 120))
      #expect(FourCC(code: format.fourcc).text == "YUYV" && format.width == 160)
    }

    @Test func greyIsForGreyModels() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "GREY", 320, 240)
      bench.add(camera, "MJPG", 640, 480)
      #expect(FourCC(code: try chosen().fourcc).text == "MJPG")
      #expect(FourCC(code: try chosen(wantsColour: false).fourcc).text == "GREY")
    }

    @Test func rangesOfSizes() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 32, 1000, step: 16)
      #expect(try chosen().width == 224)
      #expect(try chosen(target: 225).width == 240)
      #expect(try chosen(target: 8).width == 32)
      #expect(try chosen(target: 2000).width == 992)
      #expect(try chosen(CameraFormat(width: 48, height: 64)).height == 64)
      #expect(kind { _ = try chosen(CameraFormat(width: 50, height: 64)) } == .refused)
    }

    @Test func rates() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "YUYV", 320, 240, rates: (60, 15))
      #expect(try chosen().rate_frames == 15)
      #expect(try chosen(CameraFormat(rate: 60)).rate_frames == 60)
      #expect(try chosen(CameraFormat(rate: 5)).rate_frames == 15)
    }

    @Test func whatIsRefused() throws {
      let camera = bench.plug()
      #expect(kind { _ = try chosen(CameraFormat(fourcc: FourCC("NV12"))) } == .refused)
      driver_insist(camera, 32, 32)
      #expect(kind { _ = try chosen(CameraFormat(width: 16, height: 16)) } == .refused)
      driver_fail(UInt(VIDIOC_S_FMT_VALUE), 1, EBUSY_VALUE)
      #expect(kind { _ = try chosen() } == .busy)
    }

    @Test func aRegionOutsideOfTheFrame() throws {
      bench.plug()
      for box in [
        PixelBox(x: 0, y: 0, width: 17, height: 1), PixelBox(x: 16, y: 0, width: 1, height: 1),
        PixelBox(x: -1, y: 0, width: 4, height: 4), PixelBox(x: 0, y: 0, width: 0, height: 4),
      ] {
        var settings = CameraSettings(address: .path("/dev/video0"))
        settings.region = box
        var stream = bench.stream(settings)
        #expect(kind { try stream.open(nowNs: 0) } == .refused)
        #expect(driver_open_count() == 0)
      }
    }

    @Test func controls() throws {
      let camera = bench.plug()
      var settings = CameraSettings(address: .path("/dev/video0"))
      settings.controls = [("white_balance_auto", 3)]
      var stream = bench.stream(settings)
      try stream.open(nowNs: 0)
      #expect(driver_control_value(camera) == 3)
      for wrong in [("white_balance_auto", 6), ("white_balance", 0)] {
        settings.controls = [wrong]
        var stream = bench.stream(settings)
        #expect(kind { try stream.open(nowNs: 0) } == .control)
      }
    }

    @Test(
      arguments: [
        // colour space, encoding, quantization, matrix, full range: the rules of V4L2.
        (8, 0, 0, MARTLET_CAMERA_BT601, false), (3, 0, 0, MARTLET_CAMERA_BT709, false),
        (10, 0, 0, MARTLET_CAMERA_BT2020, false), (8, 2, 0, MARTLET_CAMERA_BT709, false),
        (8, 0, 1, MARTLET_CAMERA_BT601, true), (7, 0, 0, MARTLET_CAMERA_BT601, true),
        (3, 0, 2, MARTLET_CAMERA_BT709, false),
      ] as [(UInt32, UInt32, UInt32, martlet_camera_matrix, Bool)])
    func colours(
      _ space: UInt32, _ encoding: UInt32, _ quantization: UInt32, _ matrix: martlet_camera_matrix, _ isFull: Bool
    ) throws {
      let camera = bench.plug()
      driver_set_colours(camera, space, encoding, quantization)
      let format = try chosen()
      #expect(format.matrix == matrix && format.is_full_range == isFull)
    }

    @Test func names() {
      #expect(FourCC("YUYV")?.text == "YUYV" && FourCC("toolong") == nil && FourCC("") == nil)
      #expect(FourCC("Y\n ") == nil && FourCC("NV") == nil && FourCC("Y 16") == nil)
      #expect(FourCC("Y16")?.code == 0x2036_3159 && FourCC(code: 0x2036_3159).text == "Y16")
    }
  }
}
