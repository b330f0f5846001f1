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
      bench.add(camera, "MJPG", 640, 480)
      bench.add(camera, "YUYV", 160, 120)
      bench.add(camera, "YUYV", 1280, 960)
      bench.add(camera, "YUYV", 640, 480)
      bench.add(camera, "YUYV", 320, 240)
      bench.add(camera, "NV12", 1280, 960)
      var format = try chosen()
      #expect(FourCC(code: format.fourcc).text == "YUYV" && format.width == 640)
      format = try chosen(target: 700)
      #expect(FourCC(code: format.fourcc).text == "NV12" && format.width == 1280)
      // Nothing is that large: the largest.
      format = try chosen(target: 2000)
      #expect(format.width == 1280)
      format = try chosen(CameraFormat(fourcc: FourCC("MJPG")))
      #expect(FourCC(code: format.fourcc).text == "MJPG")
      format = try chosen(CameraFormat(width: 160, height: 120))
      #expect(FourCC(code: format.fourcc).text == "YUYV" && format.width == 160)
    }

    /// A small model's saved frames shall be of use to a larger one.
    @Test func smallModelsGetUsualFrames() throws {
      let camera = driver_plug(0, "c", "b")
      for (width, height) in [(160, 120), (320, 240), (640, 360)] as [(Int32, Int32)] {
        bench.add(camera, "YUYV", width, height)
      }
      #expect(try chosen(target: 32).width == 640)
      bench.add(camera, "YUYV", 1280, 720)
      bench.add(camera, "YUYV", 640, 480)
      let format = try chosen(target: 32)
      #expect(format.width == 640 && format.height == 480)
    }

    @Test func greyIsForGreyModels() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "GREY", 640, 480)
      bench.add(camera, "Y10", 640, 480)
      bench.add(camera, "MJPG", 640, 480)
      #expect(FourCC(code: try chosen().fourcc).text == "MJPG")
      #expect(FourCC(code: try chosen(wantsColour: false).fourcc).text == "GREY")
    }

    // MARK: Ranges of sizes

    @Test func rangesOfSizes() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 32, 1000, 700, step: 16)
      // A picture that is not large is taken as it is.
      for target in [8, 224, 2000] {
        let format = try chosen(target: target)
        #expect(format.width == 992 && format.height == 688)
      }
      #expect(try chosen(CameraFormat(width: 48, height: 64)).height == 64)
      #expect(kind { _ = try chosen(CameraFormat(width: 50, height: 64)) } == .refused)
    }

    /// A television's picture from a driver that makes any size of it.
    @Test func theWholePictureIsAskedFor() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 16, 4096, 2160, step: 2)
      driver_set_whole(camera, 720, 576, true)
      for target in [32, 224, 1000] {
        let format = try chosen(target: target)
        #expect(format.width == 720 && format.height == 576)
        #expect(seen(camera) == [720, 576, 720, 576])
      }
      // A size that is asked for shows it all too.
      _ = try chosen(CameraFormat(width: 320, height: 256))
      #expect(seen(camera) == [720, 576, 320, 256])
    }

    @Test func aLargePictureIsScaledInItsShape() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 32, 2592, 1944, step: 2)
      driver_set_whole(camera, 2592, 1944, true)
      for (target, width, height) in [(32, 640, 480), (224, 640, 480), (1000, 1334, 1000), (3000, 2592, 1944)] {
        let format = try chosen(target: target)
        #expect(Int(format.width) == width && Int(format.height) == height)
        #expect(seen(camera) == [2592, 1944, format.width, format.height])
      }
    }

    /// What a smaller size would show is known only when it is set.
    @Test func withoutAScalerTheWholePictureIsTaken() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 32, 2592, 1944, step: 2)
      driver_set_whole(camera, 2592, 1944, false)
      let format = try chosen()
      #expect(format.width == 2592 && format.height == 1944)
      #expect(seen(camera) == [2592, 1944, 2592, 1944])
    }

    @Test func aSquareRangeIsNoShape() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 2, 8192, step: 2)
      _ = try chosen(CameraFormat(width: 1920, height: 1080))
      let format = try chosen()
      #expect(format.width == 854 && format.height == 480)
    }

    @Test func aDriverThatListsNoSizes() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "YUYV", 0, 0)
      driver_set_whole(camera, 720, 480, true)
      let format = try chosen()
      #expect(format.width == 720 && format.height == 480)
      #expect(try chosen(CameraFormat(width: 64, height: 64)).width == 64)
    }

    @Test func whatWouldBeChosenSetsNothing() throws {
      let camera = driver_plug(0, "c", "b")
      bench.addRange(camera, "YUYV", 32, 2592, 1944, step: 2)
      driver_set_whole(camera, 2592, 1944, true)
      let open = try Camera(path: "/dev/video0", system: bench.system)
      let choice = try open.choice(CameraFormat(), targetWidth: 224, targetHeight: 224, wantsColour: true)
      #expect(choice.fourcc?.text == "YUYV" && choice.width == 640 && choice.height == 480)
      #expect(seen(camera) == [8, 8, 8, 8])
      var (width, height) = (Int32(0), Int32(0))
      driver_size(camera, &width, &height)
      #expect(width == 0 && height == 0)
    }

    /// Columns and rows of the picture that are shown, and of the frame that they fill.
    private func seen(_ camera: Int32) -> [Int32] {
      var seen: (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
      withUnsafeMutableBytes(of: &seen) { driver_seen(camera, $0.bindMemory(to: Int32.self).baseAddress!) }
      return [seen.0, seen.1, seen.2, seen.3]
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
      #expect(
        FourCC("Y16")?.code == 0x2036_3159 && FourCC("Y16 ")?.code == 0x2036_3159
          && FourCC(code: 0x2036_3159).text == "Y16")
    }
  }
}
