import CMartletKernels

/// How the work of a batch is cut: into stages, those into parts, those into units of a kernel. The cut is always the
/// same; a step's limit only says how many units are run before it ends.
extension LanguageEngine {
  /// Runs stages until the batch is complete, which is true, or nothing is left of the limit.
  mutating func finishStages(_ left: inout Int64, wantsLogits: Bool, on team: borrowing Team) -> Bool {
    repeat {
      left -= run(evaluation.stage, limit: left, on: team)
      // Behind a stage's last part counting begins anew.
      let isDone = evaluation.part == 0 && evaluation.unit == 0
      if isDone, !advance(wantsLogits: wantsLogits) { return true }
    } while left > 0
    return false
  }

  /// Runs units of the part that is under way, at least one, and moves on; returns their multiply-accumulates.
  ///
  /// - Parameters:
  ///   - first: the part's first unit, as the kernel counts them.
  ///   - units: how many the part has.
  ///   - work: multiply-accumulates of a unit, at most.
  ///   - parts: how many the stage has.
  mutating func run<Parameters>(
    _ kernel: LanguageKernel<Parameters>, _ parameters: Parameters, first: Int = 0, units: Int, work: Int,
    parts: Int = 1, limit: Int64, on team: borrowing Team
  ) -> Int64 {
    let count = LanguageEngine.units(of: units - evaluation.unit, work: work, limit: limit, threads: team.threads)
    let start = first + evaluation.unit
    withUnsafePointer(to: parameters) { pointer in
      let job = Job(
        kernel: kernel.function, parameters: UnsafeRawPointer(pointer), buffers: nil, scratch: layout.scratch!,
        scratchStride: layout.scratchStride)
      team.run(job, first: Int32(start), last: Int32(start + count))
    }
    evaluation.unit += count
    if evaluation.unit == units {
      evaluation.unit = 0
      evaluation.part += 1
      if evaluation.part == parts { evaluation.part = 0 }
    }
    return Int64(count) * Int64(work)
  }

  /// How many of the units that are left fit into a limit for all threads: at least one, and as many for each thread,
  /// since the one with the most ends the step.
  static func units(of left: Int, work: Int, limit: Int64, threads: Int) -> Int {
    let fitting = min(left, max(1, Int(max(limit, 0)) / max(work, 1)))
    return min(left, (fitting + threads - 1) / threads * threads)
  }

  /// To the next stage; false behind the last one.
  mutating func advance(wantsLogits: Bool) -> Bool {
    switch evaluation.stage {
    case .embed: evaluation.stage = .angles
    case .angles: evaluation.stage = model.localFrequencies == nil ? .attentionNorm : .localAngles
    case .localAngles: evaluation.stage = .attentionNorm
    case .attentionNorm: evaluation.stage = .queryKeyValue
    case .queryKeyValue: evaluation.stage = .rotate
    case .rotate: evaluation.stage = .attention
    case .attention: evaluation.stage = .merge
    case .merge where evaluation.merged < evaluation.count: evaluation.stage = .attention
    case .merge:
      evaluation.merged = 0
      evaluation.stage = .attentionOutput
    case .attentionOutput: evaluation.stage = .feedForwardNorm
    case .feedForwardNorm: evaluation.stage = .gateUp
    case .gateUp: evaluation.stage = .gate
    case .gate: evaluation.stage = .down
    case .down:
      evaluation.layer += 1
      if evaluation.layer < Int(record.layerCount) {
        evaluation.stage = .attentionNorm
      } else if wantsLogits {
        evaluation.stage = .outputNorm
      } else {
        return false
      }
    case .outputNorm: evaluation.stage = .head
    case .head: return false
    }
    return true
  }
}

/// How a matrix product is cut: into strips of rows, and within a strip, whose weights the caches then hold, into parts
/// of the tokens. A unit is a block of 16 rows and the tokens of a part.
struct MatrixParts {
  /// Tokens of a part but for the last one.
  let tokens: Int
  /// Blocks of a strip but for the last one.
  let blocks: Int
  let strips: Int
  /// Parts of a strip.
  let tokenParts: Int

  /// - Parameter tokens: at least one.
  init(_ matrix: martlet_matrix, tokens count: Int) {
    let all = (Int(matrix.rows) + 15) / 16
    let perToken = 16 * Int(matrix.columns)
    // Half a step, so that one ends near its limit; the kernels multiply four tokens at a time, which may take more.
    let step = Int(LanguageEngine.stepLimit)
    let most = max(step / 2 / perToken / 4 * 4, min(4, max(1, step / perToken)))
    tokenParts = (count + most - 1) / most
    let even = (count + tokenParts - 1) / tokenParts
    tokens = min(most, (even + 3) / 4 * 4)
    blocks = tokenParts == 1 ? all : min(all, max(1, step / (perToken * min(tokens, count))))
    strips = (all + blocks - 1) / blocks
  }
}
