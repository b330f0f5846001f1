/// Where in the arena each buffer of a program lies.
struct ArenaPlan {
  /// By buffer, multiples of 64; 0 for a buffer that nothing uses.
  var offsets: [Int]
  var plannedPeakBytes: Int
  var lowerBoundBytes: Int

  init(_ program: Program) throws(ConversionError) {
    let lifetimes = Lifetimes(program)
    let placement = MemoryPlanner.place(lifetimes)
    offsets = lifetimes.groupOfBuffer.map { group in group.map { placement.offsets[$0] } ?? 0 }
    plannedPeakBytes = placement.peak
    lowerBoundBytes = lifetimes.lowerBound
    guard plannedPeakBytes <= 1 << 30 else {
      throw .unsupported("the tensors need \(plannedPeakBytes) bytes at once, at most \(1 << 30) are supported")
    }
  }
}
