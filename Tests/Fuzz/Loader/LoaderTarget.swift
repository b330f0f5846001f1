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
      precondition(error.place.rawValue <= ModelError.Place.cascade.rawValue)
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
      work += Self.work(engine.operatorRecord(index))
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

  /// What a validated operator takes: multiply-accumulates or, where it is no convolution, steps as its kernel counts
  /// them.
  private static func work(_ record: OperatorRecord) -> Int64 {
    guard let row = martlet_operator_of(record.opcode)?.pointee else { return 0 }
    let asked = withUnsafeBytes(of: record.parameters) { row.workload($0.baseAddress) }
    return asked.multiply_accumulates > 0 ? asked.multiply_accumulates : Int64(asked.units) * asked.unit_work
  }
}
