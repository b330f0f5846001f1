import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// A step ends where its limit is reached, inside a stage too, by what the kernels were really asked to do.
@Suite(.serialized) struct LanguageStepTests {
  /// Multiply-accumulates of the kernels that multiply, counted where they are called.
  private enum Counter {
    nonisolated(unsafe) static var real = martlet_language_table()
    nonisolated(unsafe) static var total: Int64 = 0
    nonisolated(unsafe) static var step: Int64 = 0
    nonisolated(unsafe) static var largestUnit: Int64 = 0

    static func add(_ unit: Int, _ units: Int32) {
      total += Int64(unit) * Int64(units)
      step += Int64(unit) * Int64(units)
      largestUnit = max(largestUnit, Int64(unit))
    }

    static func table() -> martlet_language_table {
      real = martlet_language_for(martlet_best_isa())!.pointee
      var table = real
      table.matmul = { parameters, buffers, first, last, scratch in
        let p = parameters!.load(as: martlet_matmul_params.self)
        // The last block may have fewer rows.
        let rows = min(16 * Int(last), Int(p.matrix.rows)) - 16 * Int(first)
        Counter.add(16 * Int(p.matrix.columns * p.tokens), last - first)
        Counter.total -= Int64((16 * Int(last - first) - rows) * Int(p.matrix.columns * p.tokens))
        Counter.real.matmul!(parameters, buffers, first, last, scratch)
      }
      table.attention = { parameters, buffers, first, last, scratch in
        var p = parameters!.load(as: martlet_attention_params.self)
        let grid = martlet_attention_grid_of(&p)
        let seen = min(Int(MARTLET_CACHE_CHUNK), Int(p.first_position + p.tokens))
        Counter.add(2 * seen * Int(grid.unit_heads * grid.unit_tokens * p.cache.head_size), last - first)
        Counter.real.attention!(parameters, buffers, first, last, scratch)
      }
      return table
    }
  }

  private struct Run {
    var bits: [UInt32] = []
    var steps = 0
    var largestStep: Int64 = 0
    var total: Int64 = 0
  }

  /// Feeds a text in pieces and looks at every step.
  private static func run(
    _ file: TestMemory, _ options: LanguageOptions, _ pieces: [[Int32]], limit: Int64, from position: Int = 0
  ) throws -> Run {
    let budget = try LanguageEngine.budget(of: file.view, options: options)
    let region = TestMemory(budget.arenaBytes, filledWith: 0)
    var engine = try LanguageEngine(
      Sections(file: file.view), region: region.bytes, options: options, kernels: LanguageKernels(Counter.table()))
    if position > 0 { engine.adopt(position, cached: position) }
    let team = Team(threads: 1, region: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    var run = Run()
    (Counter.total, Counter.largestUnit) = (0, 0)
    for piece in pieces {
      var rest = piece[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBufferPointer { engine.feed($0) }
        rest = rest.dropFirst(count)
        var isDone = false
        while !isDone {
          Counter.step = 0
          isDone = engine.step(on: team, limit: limit, wantsLogits: rest.isEmpty)
          run.steps += 1
          run.largestStep = max(run.largestStep, Counter.step)
        }
      }
      run.bits += engine.logits.map(\.bitPattern)
    }
    run.total = Counter.total
    return run
  }

  /// One layer, a large vocabulary and a large feed-forward part.
  private static func wide() -> TestMemory {
    var model = TestLanguageModel.llama(tokenizer: nil)
    model.record.vocabularySize = 262_144
    (model.record.hiddenSize, model.record.layerCount, model.record.feedForwardSize) = (64, 1, 8192)
    return TestMemory(copying: model.file())
  }

  /// A whole batch, a part of one, and tokens for themselves.
  private static let pieces: [[Int32]] = [(0..<81).map { $0 * 3000 }, [17], [262_143]]

  @Test func noStepExceedsItsLimitByMoreThanAUnit() throws {
    let wide = Self.wide()
    let whole = try Self.run(wide, LanguageOptions(contextLength: 128), Self.pieces, limit: .max)
    // A piece in two batches, and two in one; only three tokens are scored.
    #expect(whole.steps == 4)
    let perToken = 64 * (64 + 32) + 64 * 8192 * 3
    #expect(whole.total > Int64(83 * perToken + 3 * 262_144 * 64))
    for limit in [LanguageEngine.stepLimit, 1 << 18, 1] {
      let run = try Self.run(wide, LanguageOptions(contextLength: 128), Self.pieces, limit: limit)
      #expect(run.bits == whole.bits)
      #expect(run.total == whole.total)
      #expect(run.largestStep <= limit + Counter.largestUnit, "limit \(limit)")
      #expect(Counter.largestUnit <= LanguageEngine.stepLimit / 2)
      #expect(Int64(run.steps) >= whole.total / (limit + Counter.largestUnit))
    }
  }

  /// No thread waits for another one's last unit.
  @Test func unitsAreSharedEvenly() {
    let units = { LanguageEngine.units(of: $0, work: 600_000, limit: Int64($1) << 21, threads: $1) }
    #expect((units(36, 1), units(36, 2), units(36, 3), units(36, 4)) == (3, 6, 12, 16))
    #expect((units(4, 2), units(3, 2), units(1, 4)) == (4, 3, 1))
    #expect(LanguageEngine.units(of: 36, work: 600_000, limit: -5, threads: 2) == 2)
    #expect(LanguageEngine.units(of: 36, work: 1, limit: .max, threads: 2) == 36)
  }

  /// Wherever the limit falls, each step another one.
  @Test func limitsThatChange() throws {
    var model = TestLanguageModel.ornate()
    (model.record.hiddenSize, model.record.feedForwardSize) = (96, 400)
    let file = TestMemory(copying: model.file())
    let tokens = [(0..<100).map { Int32($0) }, [5], [6]]
    let whole = try Self.run(file, LanguageOptions(contextLength: 200), tokens, limit: .max)
    for limit in [1, 999, 50_000, 100_001, 777_777] as [Int64] {
      #expect(try Self.run(file, LanguageOptions(contextLength: 200), tokens, limit: limit).bits == whole.bits)
    }
  }

  /// Attention over more positions than are taken at once.
  @Test func attentionStopsToo() throws {
    var model = TestLanguageModel.llama()
    model.record.contextLength = 8192
    (model.record.headCount, model.record.keyValueHeadCount, model.record.headSize) = (8, 2, 64)
    let file = TestMemory(copying: model.file())
    let tokens = [(0..<40).map { Int32($0) }, [5]]
    let options = LanguageOptions(contextLength: 8192)
    let whole = try Self.run(file, options, tokens, limit: .max, from: 5000)
    // Three layers, 41 tokens, scores and values of 512 elements.
    #expect(whole.total > 3 * 41 * 2 * 5000 * 512)
    for limit in [LanguageEngine.stepLimit, 1] {
      let run = try Self.run(file, options, tokens, limit: limit, from: 5000)
      #expect(run.bits == whole.bits)
      #expect(run.largestStep <= limit + Counter.largestUnit)
      #expect(Counter.largestUnit <= LanguageEngine.stepLimit)
    }
  }

  /// Every shape that a file may have is cut completely, and into units that fit a step where four tokens do.
  @Test func partsOfAMatrix() {
    for columns in [1, 64, 100, 576, 2048, 8192, 20_000, 40_000, 1 << 17, 1 << 19] {
      for rows in [1, 16, 17, 960, 16_384, 1 << 21] {
        for tokens in [1, 2, 3, 4, 5, 13, 16, 31, 64] {
          var matrix = martlet_matrix()
          (matrix.rows, matrix.columns) = (Int32(rows), Int32(columns))
          let parts = MatrixParts(matrix, tokens: tokens)
          let blocks = (rows + 15) / 16
          #expect(parts.strips * parts.blocks >= blocks && (parts.strips - 1) * parts.blocks < blocks)
          #expect(parts.tokenParts * parts.tokens >= tokens && (parts.tokenParts - 1) * parts.tokens < tokens)
          let unit = 16 * columns * min(parts.tokens, tokens)
          #expect(unit <= max(1 << 21, 16 * columns))
          #expect(parts.tokenParts == 1 || parts.blocks == 1 || parts.blocks * unit <= 1 << 21)
        }
      }
    }
  }
}
