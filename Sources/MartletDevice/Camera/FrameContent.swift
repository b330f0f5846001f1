import CMartletLinux
import Martlet

/// A frame as it is saved: pixels in whatever layout they are read in, or a JPEG file.
public struct FrameContent {
  let bytes: UnsafeRawBufferPointer
  /// How the bytes are pixels; nil: they are a JPEG file.
  let shape: FrameShape?

  public init(bytes: UnsafeRawBufferPointer, shape: FrameShape?) {
    self.bytes = bytes
    self.shape = shape
  }

  /// The whole stored frame, whatever its region and orientation are; without pixels if the shape wants more bytes.
  var stored: martlet_stored_frame {
    var stored = martlet_stored_frame()
    guard let shape else {
      stored.kind = MARTLET_STORED_JPEG
      (stored.bytes, stored.count) = (bytes.baseAddress, bytes.count)
      return stored
    }
    let isGrey = shape.layout.planes == .grey
    stored.kind = isGrey ? MARTLET_STORED_GREY : shape.layout.isYCbCr ? MARTLET_STORED_YCBCR : MARTLET_STORED_RGB
    guard shape.isValid, bytes.count >= shape.byteCount else { return stored }
    (stored.width, stored.height) = (UInt32(shape.width), UInt32(shape.height))
    stored.matrix = martlet_camera_matrix(UInt32(shape.matrix.rawValue))
    stored.is_full_range = shape.isFullRange
    stored.samples.0 = samples(0, shape)
    if isGrey { return stored }
    stored.samples.1 = samples(1, shape)
    stored.samples.2 = samples(2, shape)
    return stored
  }

  private func samples(_ component: Int, _ shape: FrameShape) -> martlet_stored_samples {
    let samples = shape.samples(of: component)
    return martlet_stored_samples(
      first: (bytes.baseAddress! + samples.offset).assumingMemoryBound(to: UInt8.self), stride: samples.stride,
      step: UInt32(samples.step), column_shift: UInt32(samples.columnShift), row_shift: UInt32(samples.rowShift),
      word_shift: UInt32(samples.wordShift))
  }
}
