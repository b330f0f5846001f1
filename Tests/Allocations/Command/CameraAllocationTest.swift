import CMartletAllocations
import CMartletCameraDriver
import CMartletLinux
import Martlet
import MartletDevice

/// Nothing allocates on the way of a frame: from the driver's buffer through the model and back to the driver, in a
/// format that is read where it lies and in JPEG, damaged frames among them.
enum CameraAllocationTest {
  static let frames = 250
  private static let side = 320

  static func run(_ model: inout LoadedModel, _ picture: FilePath) -> Int32 {
    var result: Int32 = 0
    for format in PixelFormat.all {
      let (sum, decided) = count(format, &model, picture)
      let name = format.fourcc.text
      Output.write("\(sum) allocator calls in \(decided) frames of a camera in \(name):\(AllocationTest.details())\n")
      if sum != 0 || decided != frames { result = 1 }
    }
    return result
  }

  private static func count(_ format: PixelFormat, _ model: inout LoadedModel, _ picture: FilePath) -> (Int64, Int) {
    driver_reset()
    let camera = driver_plug(0, "test", "test:0")
    let bytes = frame(format, picture)
    defer { bytes.deallocate() }
    let isJPEG = format.reading == .jpeg
    let size = Int32(side)
    // Twice what a frame has is room enough.
    driver_add_format(
      camera,
      driver_format(
        fourcc: format.fourcc.code, width: size, height: size, max_width: size, max_height: size, step: 1,
        rates: (30, 0), line_bits: isJPEG ? 0 : UInt32(shape(format)!.stride * 8 / side),
        image_bits: UInt32(bytes.count * 16 / (side * side))))
    var system = driver_system
    return withUnsafePointer(to: &system) { system in
      do throws(CameraError) {
        let place = try FrameInput.Place(camera: model.engine)
        var stream = CameraStream(
          CameraSettings(address: .path("/dev/video0")), into: place,
          system: CameraSystem(UnsafeBufferPointer(start: system, count: 1)))
        try stream.open(nowNs: 0)
        var decided = 0
        // The first frame makes tables.
        for turn in 0...frames {
          if turn == 1 { martlet_counting_begin() }
          _ = driver_deliver(camera, bytes.baseAddress, bytes.count, true, 1)
          _ = driver_deliver(camera, bytes.baseAddress, bytes.count / 2, false, 1)
          _ = driver_deliver(camera, bytes.baseAddress, bytes.count, false, 1)
          guard let frame = try stream.take(nowNs: 1) else { continue }
          if stream.fill(frame) {
            model.engine.run(on: model.team)
            decided += turn > 0 ? 1 : 0
          }
          try stream.giveBack(frame, nowNs: 1)
        }
        return (martlet_counting_end(), decided)
      } catch {
        _ = martlet_counting_end()
        Output.write(error.sentence + "\n", to: .error)
        return (-1, 0)
      }
    }
  }

  private static func shape(_ format: PixelFormat) -> FrameShape? {
    guard case .direct(let layout) = format.reading else { return nil }
    return FrameShape(
      width: side, height: side, layout: layout, stride: FrameShape.leastStride(width: side, layout: layout))
  }

  private static func frame(_ format: PixelFormat, _ picture: FilePath) -> UnsafeMutableRawBufferPointer {
    guard let shape = shape(format) else {
      var mapped = martlet_mapped_file()
      guard martlet_file_map(picture.cString, &mapped) == 0 else { return .allocate(byteCount: 0, alignment: 1) }
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: mapped.count, alignment: 64)
      bytes.copyMemory(from: UnsafeRawBufferPointer(start: mapped.bytes, count: mapped.count))
      martlet_file_unmap(&mapped)
      return bytes
    }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: shape.byteCount, alignment: 64)
    for index in 0..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: index &* 7) }
    return bytes
  }
}

extension FrameInput.Place {
  fileprivate init(camera engine: borrowing Engine) throws(CameraError) {
    do throws(PictureError) {
      try self.init(for: engine, policy: nil)
    } catch {
      throw CameraError(.modelTakesNoPicture, "model")
    }
  }
}
