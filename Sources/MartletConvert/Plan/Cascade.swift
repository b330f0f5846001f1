/// Consecutive operators that run strip by strip, so that what lies between them need not exist whole.
struct Cascade: Equatable {
  var operators: Range<Int>
  /// Of the last operator's output.
  var stripRows: Int
  /// By tensor, the rows of those that are rings: multiples of the strips in which their producers write them.
  var ringRows: [Int: Int]
  /// By tensor, the rows of those strips.
  var strips: [Int: Int]
  /// By tensor, the cycles that writing such a strip and reading it take: what could go on at once.
  var cycles: [Int: Double]
}
