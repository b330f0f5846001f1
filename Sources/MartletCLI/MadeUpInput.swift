import Martlet
import MartletDevice

/// What `bench` feeds: bytes that are another input for each run, the same in each process.
///
/// A processor learns the branches and the lines of an input that it sees again and again; no camera is so kind.
struct MadeUpInput {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Fills every input of the model. For float inputs the bytes are set behind the quantization.
  ///
  /// Marsaglia's xorshift with 64 bits (Journal of Statistical Software 8, 2003), eight bytes a step: an input is made
  /// in a hundredth of the time that its inference takes, and needs no memory of its own.
  @inline(never)
  mutating func fill(_ model: inout LoadedModel) {
    for index in 0..<model.engine.inputCount {
      let bytes = model.engine.bytes(ofInput: index)
      var at = 0
      while at < bytes.count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        if at + 8 <= bytes.count {
          bytes.storeBytes(of: state, toByteOffset: at, as: UInt64.self)
        } else {
          for i in at..<bytes.count { bytes[i] = UInt8(truncatingIfNeeded: state >> UInt64(8 * (i - at))) }
        }
        at += 8
      }
    }
  }
}
