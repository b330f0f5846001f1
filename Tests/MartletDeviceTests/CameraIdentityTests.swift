import CMartletCameraDriver
import CMartletLinux
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// The same stream of the same device, or none.
  struct Identity {
    let bench = CameraBench()

    /// A device with two streams.
    @discardableResult
    private func plugBoth(_ first: Int32, _ second: Int32, bus: String = "usb-1", serial: String = "") -> [Int32] {
      [(first, 0, 0), (second, 2, 1)].map { (number: Int32, interface: Int32, index: Int32) in
        let camera = bench.plug(number, bus: bus)
        driver_set_stream(camera, serial, interface, index)
        return camera
      }
    }

    private func path(_ address: CameraAddress) throws -> String {
      try address.open(system: bench.system).path
    }

    @Test func anotherStreamOfTheDeviceIsNotTaken() throws {
      var cameras = plugBoth(0, 2)
      for address in [
        CameraAddress.path("/dev/video2"), .bus("usb-1-video-index1"), .bus("usb-1:1.2-video-index1"),
        .name("Webcam:1.2-video-index1"),
      ] {
        var stream = bench.stream(CameraSettings(address: address))
        try stream.open(nowNs: 0)
        #expect(stream.path == "/dev/video2")
        cameras.forEach(driver_unplug)
        // The kernel numbers them the other way round, and one comes later.
        let other = bench.plug(2)
        driver_set_stream(other, "", 0, 0)
        #expect(kind { _ = try stream.take(nowNs: 1) } == .gone)
        #expect(kind { try stream.open(nowNs: 2) } == .missing)
        let again = bench.plug(0)
        driver_set_stream(again, "", 2, 1)
        try stream.open(nowNs: 3)
        #expect(stream.path == "/dev/video0")
        stream.close()
        driver_reset()
        cameras = plugBoth(0, 2)
      }
    }

    @Test func theFirstStreamUnlessAnotherOneIsNamed() throws {
      plugBoth(4, 1, serial: "7A")
      for name in ["", "-video-index0", ":1.0-video-index0"] {
        #expect(try path(.bus("usb-1" + name)) == "/dev/video4")
        #expect(try path(.serial("7A" + name)) == "/dev/video4")
        #expect(try path(.name("Webcam" + name)) == "/dev/video4")
        #expect(try path(CameraAddress("Webcam" + name)) == "/dev/video4")
      }
      for name in ["-video-index1", ":1.2-video-index1"] {
        #expect(try path(.bus("usb-1" + name)) == "/dev/video1")
        #expect(try path(.serial("7A" + name)) == "/dev/video1")
        #expect(try path(.name("Webcam" + name)) == "/dev/video1")
      }
      for name in ["-video-index2", ":1.0-video-index1", "-video-index", "video-index0", ":1.2"] {
        #expect(kind { _ = try path(.bus("usb-1" + name)) } == .missing)
      }
    }

    /// A port whose name ends as a stream's place does.
    @Test func numbersOfAPortAreNoInterface() throws {
      let camera = bench.plug(0, bus: "PCI:0000:03:00.0")
      driver_set_stream(camera, "", -1, 0)
      #expect(try path(.bus("PCI:0000:03:00.0-video-index0")) == "/dev/video0")
      #expect(kind { _ = try path(.bus("PCI:0000:03:00.0-video-index1")) } == .missing)
    }

    @Test func twoThatNothingTellsApart() throws {
      bench.plug(0, bus: "usb-1")
      bench.plug(1, bus: "usb-2")
      #expect(kind { _ = try path(.name("Webcam")) } == .ambiguous)
      #expect(try path(.bus("usb-2")) == "/dev/video1")
      // One of them was open before.
      let known = try CameraAddress.bus("usb-2").open(system: bench.system).identity
      #expect(try CameraAddress.name("Webcam").open(known: known, system: bench.system).path == "/dev/video1")
      // Two nodes of one place without a number of the stream.
      bench.plug(2, bus: "usb-2")
      do {
        _ = try path(.bus("usb-2"))
        Issue.record("one was taken")
      } catch {
        #expect((error as? CameraError)?.sentence.contains("usb-2 (/dev/video1), usb-2 (/dev/video2)") == true)
      }
    }

    /// Cheap cameras all have the same one.
    @Test func aSerialNumberThatIsNone() throws {
      for (number, bus) in [(0, "usb-1"), (1, "usb-2"), (2, "usb-3")] as [(Int32, String)] {
        driver_set_stream(bench.plug(number, bus: bus), "0001", 0, 0)
      }
      #expect(kind { _ = try path(.serial("0001")) } == .ambiguous)
      let known = try CameraAddress.path("/dev/video1").open(system: bench.system).identity
      // Where it was.
      #expect(try CameraAddress.serial("0001").open(known: known, system: bench.system).path == "/dev/video1")
      #expect(try CameraAddress.path("/dev/video7").open(known: known, system: bench.system).path == "/dev/video1")
    }

    /// Another camera in the port that a configuration names.
    @Test func aPortMayGetAnotherCamera() throws {
      let broken = bench.plug(0, card: "Old", bus: "usb-1")
      driver_set_stream(broken, "", 0, 0)
      var stream = bench.stream(CameraSettings(address: .bus("usb-1")))
      try stream.open(nowNs: 0)
      driver_unplug(broken)
      #expect(kind { _ = try stream.take(nowNs: 1) } == .gone)
      driver_set_stream(bench.plug(0, card: "New", bus: "usb-1"), "", 1, 0)
      try stream.open(nowNs: 2)
      #expect(stream.isOpen == true)
    }
  }
}
