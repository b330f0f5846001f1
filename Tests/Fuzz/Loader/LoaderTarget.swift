import CMartletKernels
import Martlet

/// One input of the fuzzer: any bytes at all give a typed error or a model; a model that loads must run inside its arena,
/// and give the same bits with the plain kernels and with the fastest.
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
      let budget = try Engine.budget(of: view, threads: 1)
      guard budget.arenaBytes <= maxArenaBytes else { return }
      let plain = try infer(view, budget, MARTLET_ISA_SCALAR)
      let fast = try infer(view, budget, martlet_best_isa())
      #if CANARY
        if view.count > 80 && view[72] == 0x2A { fatalError("the planted bug was found") }
      #endif
      precondition(plain == fast, "two instruction sets, two results")
    } catch {
      precondition(error.place.rawValue <= ModelError.Place.arena.rawValue)
    }
  }

  /// The hash of all outputs; 0 where the work would take too long.
  private static func infer(
    _ file: UnsafeRawBufferPointer, _ budget: MemoryBudget, _ isa: martlet_isa
  ) throws(ModelError) -> UInt64 {
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: max(budget.arenaBytes, 64), alignment: 64)
    defer { region.deallocate() }
    region.initializeMemory(as: UInt8.self, repeating: 0x5A)
    let exact = UnsafeMutableRawBufferPointer(rebasing: region[0..<budget.arenaBytes])
    var engine = try Engine(file: file, region: exact, threads: 1, isa: isa)
    var work: Int64 = 0
    for index in 0..<engine.operatorCount {
      work += max(engine.multiplyAccumulates(ofOperator: index), elements(engine, index))
      guard work <= maxWork else { return 0 }
    }
    let team = Team(threads: 1, region: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    engine.run(on: team)
    var hash: UInt64 = 1
    for index in 0..<engine.outputCount {
      hash = XXH64.hash(
        UnsafeRawBufferPointer(engine.bytes(ofTensor: Int(engine.manifest.outputs[index].tensor))), seed: hash)
    }
    return hash
  }

  /// What an operator without multiply-accumulates goes through, roughly.
  private static func elements(_ engine: borrowing Engine, _ index: Int) -> Int64 {
    let record = engine.operatorRecord(index)
    var bytes = Int64(engine.tensor(Int(record.output)).byteCount)
    if record.input0 != ModelFormat.none { bytes += Int64(engine.tensor(Int(record.input0)).byteCount) }
    return bytes * Int64(max(1, windowSize(record)))
  }

  private static func windowSize(_ record: OperatorRecord) -> Int32 {
    switch Opcode(rawValue: record.opcode) {
    case .averagePool, .maxPool:
      let pool = withUnsafeBytes(of: record.parameters) { $0.loadUnaligned(as: martlet_pool_params.self) }
      return min(pool.kernel_h, 1 << 12) * min(pool.kernel_w, 1 << 12)
    default: return 1
    }
  }
}
