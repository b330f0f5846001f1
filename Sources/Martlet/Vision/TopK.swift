/// One class with its score.
public struct Score: BitwiseCopyable, Sendable {
  public var index: Int
  /// The output's real value, see `OutputScale`.
  public var real: Float

  public init(index: Int, real: Float) {
    self.index = index
    self.real = real
  }
}

extension Engine {
  /// The highest scores of output 0, highest first; of equal ones the lower index first.
  ///
  /// - Parameter scores: filled from its start; its count is k.
  /// - Returns: how many were filled: k, or the number of classes if that is less.
  public func topScores(into scores: UnsafeMutableBufferPointer<Score>) -> Int {
    let boundary = manifest.outputs[0]
    let values = bytes(ofTensor: Int(boundary.tensor)).bindMemory(to: Int8.self)
    let scale = OutputScale(boundary)
    var filled = 0
    for index in values.indices {
      let score = Score(index: index, real: scale.real(values[index]))
      var place = filled
      while place > 0 && scores[place - 1].real < score.real { place -= 1 }
      if place >= scores.count { continue }
      if filled < scores.count { filled += 1 }
      var moving = filled - 1
      while moving > place {
        scores[moving] = scores[moving - 1]
        moving -= 1
      }
      scores[place] = score
    }
    return filled
  }
}
