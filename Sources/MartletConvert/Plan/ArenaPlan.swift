/// Where in the arena each buffer of a program lies.
struct ArenaPlan {
  /// By buffer, multiples of 64; 0 for a buffer that nothing uses.
  var offsets: [Int]
  var plannedPeakBytes: Int
  /// Of these cascades, and of the operators one after the other.
  var lowerBoundBytes: Int
  var wholeLowerBoundBytes: Int
  /// In the order of their operators, which they do not share.
  var cascades: [Cascade]

  init(_ program: Program, cascades: [Cascade] = []) throws(ConversionError) {
    let lifetimes = Lifetimes(program, cascades: cascades)
    let placement = MemoryPlanner.place(lifetimes)
    offsets = lifetimes.groupOfBuffer.map { group in group.map { placement.offsets[$0] } ?? 0 }
    plannedPeakBytes = placement.peak
    lowerBoundBytes = lifetimes.lowerBound
    wholeLowerBoundBytes = cascades.isEmpty ? lowerBoundBytes : Lifetimes(program, cascades: []).lowerBound
    self.cascades = cascades
    guard plannedPeakBytes <= 1 << 30 else {
      throw .unsupported("the tensors need \(plannedPeakBytes) bytes at once, at most \(1 << 30) are supported")
    }
  }
}
