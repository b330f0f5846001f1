import Martlet
import MartletDevice

/// One input of the fuzzer: any bytes are read as a picture and fitted, or refused with a line of text. A trap, a hang
/// or a read outside the bytes is a finding. (libjpeg and libpng come as they are, without the fuzzer's eyes.)
enum PictureTarget {
  /// More would tell nothing new and take long.
  private static let maxPixels = 1 << 20

  static func run(_ input: UnsafeRawBufferPointer) {
    do throws(PictureError) {
      var reader = try PictureReader(memoryBytes: 24 << 20)
      let shape = try reader.open(bytes: input)
      reader.close()
      guard shape.width * shape.height <= maxPixels else { return }
      let policy = ResizePolicy(rawValue: UInt32(shape.width % 3)) ?? .stretch
      let picture = try Picture(bytes: input, width: 24, height: 17, channels: 3, policy: policy)
      precondition(picture.values.count == 24 * 17 * 3)
      #if CANARY
        // Behind a whole decoding; no seed has this size, a mutation must make it.
        if shape.height == 3 { fatalError("the planted bug was found") }
      #endif
    } catch {
      precondition(!error.sentence.isEmpty && !error.sentence.utf8.contains(UInt8(ascii: "\n")))
    }
  }
}
