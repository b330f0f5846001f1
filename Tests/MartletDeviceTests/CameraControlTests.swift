import CMartletCameraDriver
import CMartletLinux
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// Controls are found whatever a kernel calls them, and say which values they take.
  struct Controls {
    let bench = CameraBench()
    let camera: Int32
    /// V4L2's numbers and types.
    private static let (whiteBalance, gain, exposure, time): (UInt32, UInt32, UInt32, UInt32) = (
      0x0098_090C, 0x0098_0913, 0x009A_0901, 0x009A_0902
    )
    private static let (boolean, menu): (UInt32, UInt32) = (2, 3)

    init() {
      camera = bench.plug()
      bench.addControl(camera, Self.whiteBalance, type: Self.boolean, "White Balance, Automatic", 0...1)
      bench.addControl(camera, Self.gain, "Gain", -5...100)
      // A menu with gaps, as cameras have it.
      bench.addControl(
        camera, Self.exposure, type: Self.menu, "Auto Exposure", 0...3,
        entries: [1: "Manual Mode", 3: "Aperture Priority Mode"])
      bench.addControl(camera, Self.time, "Exposure Time, Absolute", 1...5000)
    }

    /// The sentence if it is refused; then nothing is set.
    private func set(_ name: String, _ value: String) throws -> String? {
      var settings = CameraSettings(address: .path("/dev/video0"))
      settings.controls = [(name, value)]
      var stream = bench.stream(settings)
      do throws(CameraError) {
        try stream.open(nowNs: 0)
        return nil
      } catch {
        #expect(error.kind == .control && driver_open_count() == 0)
        return error.sentence
      }
    }

    private func value(_ index: UInt32) -> Int32 { driver_control_value(camera, index) }

    @Test func numbers() throws {
      #expect(try set("gain", "-5") == nil)
      #expect(value(1) == -5)
      for wrong in ["-6", "101", "1.5", "much", "", "99999999999999999999"] {
        #expect(try set("gain", wrong) == "/dev/video0: control gain: \(wrong) is not from -5 to 100")
      }
    }

    @Test func switches() throws {
      for (word, wanted) in [("on", 1), ("off", 0), ("1", 1), ("false", 0), ("yes", 1)] as [(String, Int32)] {
        #expect(try set("white_balance_automatic", word) == nil)
        #expect(value(0) == wanted)
      }
    }

    @Test func menus() throws {
      for (word, wanted) in [
        ("manual_mode", 1), ("Aperture Priority Mode", 3), ("1", 1), ("aperture_priority_mode", 3),
      ] as [(String, Int32)] {
        #expect(try set("auto_exposure", word) == nil)
        #expect(value(2) == wanted)
      }
      for wrong in ["0", "2", "4", "shutter_priority_mode"] {
        #expect(
          try set("auto_exposure", wrong)
            == "/dev/video0: control auto_exposure: \(wrong) is not one of 1 (manual_mode), 3 (aperture_priority_mode)")
      }
    }

    /// Names of older kernels on a newer one.
    @Test(
      arguments: [
        ("white_balance_temperature_auto", "on", 0), ("white_balance_auto", "on", 0), ("exposure_auto", "1", 2),
        ("exposure_absolute", "1", 3), ("exposure_time_absolute", "1", 3),
      ] as [(String, String, UInt32)])
    func olderNames(name: String, word: String, index: UInt32) throws {
      #expect(try set(name, word) == nil)
      #expect(value(index) == 1)
    }

    /// And the other way round.
    @Test func newerNames() throws {
      driver_reset()
      let old = bench.plug()
      bench.addControl(old, Self.whiteBalance, type: Self.boolean, "White Balance Temperature, Auto", 0...1)
      bench.addControl(old, Self.time, "Exposure (Absolute)", 1...5000)
      #expect(try set("exposure_time_absolute", "4711") == nil)
      #expect(driver_control_value(old, 1) == 4711)
      #expect(try set("white_balance_automatic", "on") == nil)
      #expect(driver_control_value(old, 0) == 1)
    }

    @Test func unknownOnes() throws {
      for name in ["focus_absolute", "white_balance", ""] {
        #expect(
          try set(name, "1")
            == "/dev/video0: has no control \(name); it has white_balance_automatic, gain, auto_exposure, "
            + "exposure_time_absolute")
      }
    }
  }
}
