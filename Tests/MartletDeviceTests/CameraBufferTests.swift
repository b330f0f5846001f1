import CMartletCameraDriver
import CMartletLinux
import Martlet
import Testing

@testable import MartletDevice

extension CameraTests {
  /// Buffers that the processor does not cache: a page of theirs is entered once for a frame.
  struct Buffers {
    let bench = CameraBench()
    private static let page = 4096

    @Test func ordinaryOnesAreReadWhereTheyLie() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "RGB3", 320, 240)
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      #expect(stream.isCopying == false)
      bench.deliver(camera, 7, count: 320 * 240 * 3)
      let frame = try #require(try stream.take(nowNs: 1))
      let isFilled = stream.fill(frame)
      #expect(isFilled && bench.values[0] == -121)
      let content = stream.content(of: frame)
      #expect(content?.bytes.baseAddress == UnsafeRawPointer(frame.bytes))
    }

    @Test(arguments: ["RGB3", "NV12", "YVYU"]) func slowOnesAreReadOnce(name: String) throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, name, 320, 240)
      driver_set_slow(camera, false)
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      #expect(stream.isCopying && !driver_uses_cached(camera))
      let count = Int(stream.format.byte_count)
      for turn in 0..<3 {
        bench.deliver(camera, UInt8(100 + turn), count: count)
        let frame = try #require(try stream.take(nowNs: 1))
        let before = driver_pages_entered()
        let isFilled = stream.fill(frame)
        let pages = Int64((count + Self.page - 1) / Self.page)
        #expect(isFilled && driver_pages_entered() - before <= pages)
        let values = [bench.values[0], bench.values[95], bench.values[191]]
        // Grey of limited range in NV12, inverted by the converter.
        let wanted = name == "RGB3" ? 100 + turn : name == "YVYU" ? 255 - 100 - turn : nil
        #expect(values.allSatisfy { wanted == nil || Int($0) + 128 == wanted })
        // Saved from the copy too.
        let content = stream.content(of: frame)
        let saved = try #require(content)
        #expect(saved.bytes.baseAddress != UnsafeRawPointer(frame.bytes))
        _ = saved.bytes.reduce(0) { $0 &+ Int($1) }
        #expect(driver_pages_entered() - before <= pages)
        try stream.giveBack(frame, nowNs: 2)
      }
    }

    @Test func slowJPEG() throws {
      let file = try fixture("baseline.jpg")
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "MJPG", 21, 14)
      driver_set_slow(camera, false)
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      #expect(stream.isCopying == true)
      _ = file.withUnsafeBytes { driver_deliver(camera, $0.baseAddress, $0.count, false, 1) }
      let frame = try #require(try stream.take(nowNs: 1))
      let before = driver_pages_entered()
      let isFilled = stream.fill(frame)
      #expect(isFilled && driver_pages_entered() - before <= Int64((file.count + Self.page - 1) / Self.page))
      let content = stream.content(of: frame)
      #expect(content.map { Array($0.bytes) } == file)
    }

    @Test func cachedOnesWhereTheDriverHasThem() throws {
      let camera = driver_plug(0, "c", "b")
      bench.add(camera, "RGB3", 320, 240)
      driver_set_slow(camera, true)
      var stream = bench.stream(CameraSettings(address: .path("/dev/video0")))
      try stream.open(nowNs: 0)
      #expect(!stream.isCopying && driver_uses_cached(camera) && driver_mapped_count() == 4)
      stream.close()
      #expect(driver_mapped_count() == 0 && driver_open_count() == 0)
    }
  }
}
