import CMartletCameraDriver
import CMartletLinux
import Foundation
import Martlet

@testable import MartletDevice

/// A driver in memory and a place for its frames: [8, 8, 3].
final class CameraBench {
  let values = UnsafeMutablePointer<Int8>.allocate(capacity: 192)
  let table = UnsafeMutablePointer<Int8>.allocate(capacity: 768)
  let system: CameraSystem
  private let held = UnsafeMutableBufferPointer<martlet_camera_system>.allocate(capacity: 1)

  init() {
    driver_reset()
    held.initialize(repeating: driver_system)
    system = CameraSystem(UnsafeBufferPointer(held))
    values.initialize(repeating: 0, count: 192)
    for index in 0..<768 { table[index] = Int8(truncatingIfNeeded: index % 256 - 128) }
  }

  deinit {
    values.deallocate()
    table.deallocate()
    held.deallocate()
  }

  var place: FrameInput.Place {
    FrameInput.Place(
      target: PictureTarget(width: 8, height: 8, channels: 3, values: values, table: UnsafePointer(table)),
      policy: .stretch, shorterSide: 0)
  }

  func stream(_ settings: CameraSettings) -> CameraStream { CameraStream(settings, into: place, system: system) }

  /// A camera with one format of 16 x 16 at 30 a second.
  @discardableResult
  func plug(_ number: Int32 = 0, _ fourcc: String = "RGB3", card: String = "Webcam", bus: String = "usb-1") -> Int32 {
    let camera = driver_plug(number, card, bus)
    add(camera, fourcc, 16, 16)
    return camera
  }

  func add(_ camera: Int32, _ fourcc: String, _ width: Int32, _ height: Int32, rates: (UInt32, UInt32) = (30, 0)) {
    add(camera, fourcc, (width, width), (height, height), step: 1, rates)
  }

  func addRange(
    _ camera: Int32, _ fourcc: String, _ least: Int32, _ most: Int32, _ mostHeight: Int32? = nil, step: Int32
  ) {
    add(camera, fourcc, (least, most), (least, mostHeight ?? most), step: step, (0, 0))
  }

  /// Of V4L2's number and type.
  func addControl(
    _ camera: Int32, _ id: UInt32, type: UInt32 = 1, _ name: String, _ range: ClosedRange<Int32>,
    entries: [Int: String] = [:]
  ) {
    var control = driver_control()
    (control.id, control.type, control.minimum, control.maximum) = (id, type, range.lowerBound, range.upperBound)
    // Kept for ever: the driver only points there.
    control.name = UnsafePointer(strdup(name))
    withUnsafeMutableBytes(of: &control.entries) { bytes in
      let names = bytes.bindMemory(to: UnsafePointer<CChar>?.self)
      for (number, name) in entries { names[number] = UnsafePointer(strdup(name)) }
    }
    driver_add_control(camera, control)
  }

  /// Lines without padding; what libv4l converts has two bytes a pixel, a JPEG file room enough.
  private func add(
    _ camera: Int32, _ fourcc: String, _ width: (Int32, Int32), _ height: (Int32, Int32), step: Int32,
    _ rates: (UInt32, UInt32)
  ) {
    var bits = (line: 16, image: 16)
    switch PixelFormat.of(FourCC(fourcc)!).reading {
    case .direct(let layout):
      let stride = FrameShape.leastStride(width: 16, layout: layout)
      bits = (stride / 2, FrameShape(width: 16, height: 16, layout: layout, stride: stride).byteCount / 32)
    case .jpeg: bits = (0, 256)
    case .converted where fourcc == "H264": bits = (0, 16)
    case .converted: break
    }
    driver_add_format(
      camera,
      driver_format(
        fourcc: FourCC(fourcc)!.code, width: width.0, height: height.0, max_width: width.1, max_height: height.1,
        step: step, rates: rates, line_bits: UInt32(bits.line), image_bits: UInt32(bits.image)))
  }

  @discardableResult
  func deliver(_ camera: Int32, _ value: UInt8 = 0, count: Int = 768, isDamaged: Bool = false, at ns: UInt64 = 1)
    -> Bool
  {
    [UInt8](repeating: value, count: count).withUnsafeBytes {
      driver_deliver(camera, $0.baseAddress, count, isDamaged, ns)
    }
  }
}

func kind(_ body: () throws -> Void) -> CameraError.Kind? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CameraError)?.kind
  }
}
