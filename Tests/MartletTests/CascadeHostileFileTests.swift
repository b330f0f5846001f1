import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// A file says which rows exist when; nothing that it may say leads outside.
@Suite struct CascadeHostileFileTests {
  /// A chain that has rings, as a file.
  private static let file: [UInt8] = {
    var seed: UInt64 = 0
    while true {
      seed += 1
      let model = CascadeModel(seed: seed)
      guard let file = model.cascade(stripRows: 1), model.cascaded.count >= 4 else { continue }
      if rings(file).count >= 2 { return file }
    }
  }()

  private static func tensors(_ file: [UInt8]) -> [TensorRecord] {
    let range = TestFile.section(.tensors, in: file)!
    return file.withUnsafeBytes { bytes in
      stride(from: range.lowerBound, to: range.upperBound, by: 64).map {
        bytes.loadUnaligned(fromByteOffset: $0, as: TensorRecord.self)
      }
    }
  }

  private static func rings(_ file: [UInt8]) -> [Int] {
    tensors(file).indices.filter { tensors(file)[$0].ringRows > 0 }
  }

  /// That of `Engine.budget`. `Engine.init` finds the same where nobody has asked for the budget before, though rings
  /// that are too low only while it binds.
  private func refusal(_ change: (UnsafeMutableRawBufferPointer) -> Void) -> ModelError? {
    let memory = TestMemory(copying: Self.file)
    change(memory.bytes)
    FileRepair.repairHashes(memory.bytes)
    let region = TestMemory(1 << 20)
    let opening = Self.fault { () throws(ModelError) in
      let engine = try Engine(file: memory.view, region: region.bytes, threads: 1, isa: martlet_best_isa())
      _ = engine.budget
    }
    let measuring = Self.fault { () throws(ModelError) in _ = try Engine.budget(of: memory.view, threads: 1) }
    #expect(opening == measuring)
    #expect(region.isIntact)
    return measuring
  }

  private static func fault(_ body: () throws(ModelError) -> Void) -> ModelError? {
    do throws(ModelError) {
      try body()
      return nil
    } catch {
      return error
    }
  }

  private func place<T>(ofTensor index: Int, _ field: KeyPath<TensorRecord, T>) -> Int {
    TestFile.section(.tensors, in: Self.file)!.lowerBound + index * 64 + MemoryLayout<TensorRecord>.offset(of: field)!
  }

  private func place<T>(_ field: KeyPath<CascadeRecord, T>) -> Int {
    TestFile.section(.cascades, in: Self.file)!.lowerBound + MemoryLayout<CascadeRecord>.offset(of: field)!
  }

  @Test func theFileItselfIsAModel() { #expect(refusal { _ in } == nil) }

  @Test func ringsThatCannotBeAreRefused() throws {
    let ring = try #require(Self.rings(Self.file).first)
    let record = Self.tensors(Self.file)[ring]
    func refused(_ rows: UInt32) -> ModelError? {
      refusal { $0.storeBytes(of: rows, toByteOffset: place(ofTensor: ring, \.ringRows), as: UInt32.self) }
    }
    // A row less: not a multiple of the strip, or too low for the cascade to come to its end.
    let low = refused(record.ringRows - 1)
    #expect(low?.kind == .notCascade && low?.found == Int64(CascadeFault.ring.rawValue))
    // As high as the tensor, and beyond.
    for rows in [record.dims[1], .max] {
      let high = refused(rows)
      #expect(high?.kind == .outOfRange && high?.place == .tensor)
    }
    // Of the model's input and output, of a constant.
    let all = Self.tensors(Self.file)
    let constant = try #require(all.indices.first { all[$0].storage == TensorStorage.weights.rawValue })
    for tensor in [0, constant] {
      #expect(
        refusal { $0.storeBytes(of: UInt32(1), toByteOffset: place(ofTensor: tensor, \.ringRows), as: UInt32.self) }
          != nil)
    }
    // One that ends behind the plan.
    let beyond = refusal {
      $0.storeBytes(of: UInt64(1) << 40, toByteOffset: place(ofTensor: ring, \.offset), as: UInt64.self)
    }
    #expect(beyond?.kind == .outOfBounds)
    // Two tensors of the cascade at one place.
    let shared = refusal {
      $0.storeBytes(of: all[ring + 1].offset, toByteOffset: place(ofTensor: ring, \.offset), as: UInt64.self)
    }
    #expect(shared?.kind == .overlap)
  }

  @Test func cascadesThatCannotBeAreRefused() throws {
    func refused<T>(_ field: KeyPath<CascadeRecord, T>, _ value: UInt32) -> ModelError? {
      refusal { $0.storeBytes(of: value, toByteOffset: place(field), as: UInt32.self) }
    }
    #expect(refused(\.reserved, 1)?.kind == .unknownValue)
    #expect(refused(\.operatorCount, 0)?.kind == .outOfBounds)
    #expect(refused(\.operatorCount, .max)?.kind == .outOfBounds)
    #expect(refused(\.firstOperator, .max)?.kind == .outOfBounds)
    #expect(refused(\.stripRows, 0)?.kind == .notCascade)
    #expect(refused(\.stripRows, .max)?.kind == .notCascade)
    // A ring outside of every cascade.
    #expect(refused(\.operatorCount, 1) != nil)
  }

  /// Behind the hashes a change may well give another valid model. It must run inside its arena, on any set.
  @Test func everyChangedByteIsRefusedOrRuns() throws {
    let kinds: [SectionKind] = [.tensors, .operators, .plan, .cascades]
    let places = kinds.compactMap { TestFile.section($0, in: Self.file) }.flatMap { $0 }
    let memory = TestMemory(copying: Self.file)
    let team = TestTeam(threads: 2)
    var models = 0
    for place in places {
      for flip in [UInt8(1), 2, 0x80] {
        memory.bytes[place] ^= flip
        FileRepair.repairHashes(memory.bytes)
        defer { memory.bytes.copyBytes(from: Self.file) }
        guard let budget = try? Engine.budget(of: memory.view, threads: 2), budget.arenaBytes < 1 << 22
        else { continue }
        let region = TestMemory(budget.arenaBytes)
        var engine = try Engine(file: memory.view, region: region.bytes, threads: 2, isa: martlet_best_isa())
        guard budget.work < 1 << 24 else { continue }
        engine.run(on: team.team)
        #expect(region.isIntact, "byte \(place) ^ \(flip)")
        models += 1
      }
    }
    #expect(models > 50)
  }
}
