import CMartletKernels
import Martlet
import MartletTestSupport

/// One input of the fuzzer: any bytes at all give a typed error or a model, and a model that loads must run inside its
/// file and its arena, with the plain kernels and with the fastest. Results are not compared: weights are not looked
/// at before they are used, and a multiplier or a shift that no converter writes has no defined meaning. Language
/// models are `GeneratorTarget`'s.
enum LoaderTarget {
  /// Larger ones only cost time.
  static let maxArenaBytes = 8 << 20
  static let maxWork: Int64 = 1_500_000

  static func run(_ input: UnsafeRawBufferPointer) {
    // A copy of exactly this size, aligned as a mapped file is: reading past its end is seen.
    let file = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 64)
    defer { file.deallocate() }
    file.copyMemory(from: input)
    FileRepair.repairHashes(file)
    do throws(ModelError) {
      let view = UnsafeRawBufferPointer(file)
      if try ModelTask(file: view) == .language { return try GeneratorTarget.run(view) }
      let budget = try Engine.budget(of: view, threads: 1)
      guard budget.arenaBytes <= maxArenaBytes else { return }
      try infer(view, budget, MARTLET_ISA_SCALAR)
      try infer(view, budget, martlet_best_isa())
    } catch {
      precondition(error.place.rawValue <= ModelError.Place.chat.rawValue)
    }
  }

  /// Loads and, where that does not take too long, runs.
  private static func infer(
    _ file: UnsafeRawBufferPointer, _ budget: MemoryBudget, _ isa: martlet_isa
  ) throws(ModelError) {
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: max(budget.arenaBytes, 64), alignment: 64)
    defer { region.deallocate() }
    region.initializeMemory(as: UInt8.self, repeating: 0x5A)
    let exact = UnsafeMutableRawBufferPointer(rebasing: region[0..<budget.arenaBytes])
    var engine = try Engine(file: file, region: exact, threads: 1, isa: isa)
    var work: Int64 = 0
    for index in 0..<engine.operatorCount {
      work += max(engine.multiplyAccumulates(ofOperator: index), elements(engine, index))
      guard work <= maxWork else { return }
    }
    #if CANARY
      // Behind the hashes and the whole validation, in a model that no seed is: found only if both are passed.
      if engine.manifest.resizePolicy == ResizePolicy.letterbox.rawValue {
        fatalError("the planted bug was found")
      }
    #endif
    let team = Team(threads: 1, region: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    engine.run(on: team)
  }

  /// What an operator without multiply-accumulates goes through, roughly.
  private static func elements(_ engine: borrowing Engine, _ index: Int) -> Int64 {
    let record = engine.operatorRecord(index)
    var bytes = Int64(engine.tensor(Int(record.output)).byteCount)
    if record.input0 != ModelFormat.none { bytes += Int64(engine.tensor(Int(record.input0)).byteCount) }
    return bytes * Int64(max(1, windowSize(record)))
  }

  private static func windowSize(_ record: OperatorRecord) -> Int32 {
    switch Opcode(code: record.opcode) {
    case .averagePool, .maxPool:
      let pool = withUnsafeBytes(of: record.parameters) { $0.loadUnaligned(as: martlet_pool_params.self) }
      return min(pool.kernel_h, 1 << 12) * min(pool.kernel_w, 1 << 12)
    default: return 1
    }
  }
}
