import Martlet
import MartletDevice

/// The shape of a tensor, for people and for JSON.
enum Shape {
  static func dims(_ tensor: TensorRecord) -> [Int] {
    var dims: [Int] = []
    for axis in 0..<Int(tensor.rank) { dims.append(Int(tensor.dims[axis])) }
    return dims
  }

  /// "[1, 224, 224, 3]"
  static func text(_ tensor: TensorRecord) -> String {
    var text = "["
    for (axis, size) in dims(tensor).enumerated() {
      if axis > 0 { text.add(", ") }
      text.add(String(size))
    }
    return text + "]"
  }
}
