import Martlet
import MartletDevice

extension TensorRecord {
  /// The sizes of its axes, outermost first.
  var shape: [Int] {
    var shape: [Int] = []
    for axis in 0..<Int(rank) { shape.append(Int(dims[axis])) }
    return shape
  }

  /// "[1, 224, 224, 3]"
  var shapeText: String {
    var text = "["
    for (axis, size) in shape.enumerated() {
      if axis > 0 { text.add(", ") }
      text.add(String(size))
    }
    return text + "]"
  }
}
