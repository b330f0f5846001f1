/// A C array of six, which Swift sees as a tuple, with an index.
struct StridedShape {
  private let values: InlineArray<6, Int32>
  init(_ t: (Int32, Int32, Int32, Int32, Int32, Int32)) { values = [t.0, t.1, t.2, t.3, t.4, t.5] }
  subscript(_ axis: Int) -> Int32 { values[axis] }

  /// Whether these are the strides of a box of that shape without gaps.
  func isDense(over shape: StridedShape) -> Bool {
    var expected: Int64 = 1
    var axis = 5
    while axis >= 0 {
      if shape[axis] > 1 && Int64(self[axis]) != expected { return false }
      expected *= Int64(shape[axis])
      axis -= 1
    }
    return true
  }

  /// Whether the axes, ordered by stride, nest without meeting: each stride is larger than all that lies below it.
  func isInjective(over shape: StridedShape) -> Bool {
    var covered: Int64 = 0
    var used: UInt8 = 0
    for _ in 0..<6 {
      var next = -1
      for axis in 0..<6 where used & (1 << UInt8(axis)) == 0 && shape[axis] > 1 {
        if next < 0 || self[axis] < self[next] { next = axis }
      }
      if next < 0 { return true }
      guard Int64(self[next]) > covered else { return false }
      covered += Int64(shape[next] - 1) * Int64(self[next])
      used |= 1 << UInt8(next)
    }
    return true
  }
}
