import CMartletKernels
import Foundation
import MartletTestSupport
import Testing

@testable import Martlet

/// What a file may ask for: tensors that all lie at the same place make a large model of a small file.
@Suite struct LanguageLimitTests {
  /// A file in memory of which only the tables are ever touched: the weights are as large as they must be, and zero.
  private final class SparseFile {
    let bytes: UnsafeMutableRawBufferPointer
    var view: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

    /// 1024 layers of 1024 heads, every tensor at offset 0 of the weights.
    init(_ type: LanguageTensorType = .blocksInt8, _ change: (inout LanguageRecord) -> Void) throws {
      var record = LanguageRecord()
      record.vocabularySize = 16
      record.hiddenSize = 16
      record.layerCount = 1024
      record.headCount = 1024
      record.keyValueHeadCount = 1
      record.headSize = 64
      record.feedForwardSize = 16
      record.contextLength = 1 << 20
      record.attentionScale = 1
      change(&record)
      var records: [UInt8] = []
      var largest = 0
      var order = LanguageTensorOrder(record)
      while let (kind, _) = order.next() {
        let shape = kind.shape(in: record)
        var tensor = LanguageTensorRecord()
        tensor.type = (kind.isMatrix ? type : .vector).rawValue
        tensor.rows = UInt32(shape.rows)
        tensor.columns = UInt32(shape.columns)
        var matrix = martlet_matrix()
        matrix.rows = Int32(shape.rows)
        matrix.columns = Int32(shape.columns)
        matrix.type = Int32(tensor.type)
        tensor.byteCount = UInt64(kind.isMatrix ? Int(martlet_matrix_bytes(&matrix)) : shape.columns * 4)
        largest = max(largest, Int(tensor.byteCount))
        records += TestFile.bytes(of: tensor)
      }
      var manifest = ManifestRecord()
      manifest.task = ModelTask.language.rawValue
      let head = TestFile.bytes([
        (.manifest, TestFile.bytes(of: manifest)), (.language, TestFile.bytes(of: record) + records),
        (.weights, [UInt8](repeating: 0, count: 64)),
      ])
      let weights = try #require(TestFile.section(.weights, in: head)).lowerBound
      let flags = MAP_PRIVATE | Int32(MAP_ANONYMOUS) | Int32(MAP_NORESERVE)
      let address = mmap(nil, weights + largest, PROT_READ | PROT_WRITE, flags, -1, 0)
      try #require(address != MAP_FAILED)
      bytes = UnsafeMutableRawBufferPointer(start: address, count: weights + largest)
      bytes.copyBytes(from: head)
      // The third section's length.
      bytes.storeBytes(of: UInt64(largest), toByteOffset: MemoryLayout<FileHeader>.size + 2 * 32 + 16, as: UInt64.self)
      FileRepair.repairHashes(bytes)
    }

    deinit { munmap(bytes.baseAddress, bytes.count) }
  }

  private static func refusal(_ file: SparseFile, context: Int, threads: Int = 1) throws -> String? {
    var options = GeneratorOptions()
    options.language.contextLength = context
    options.language.threads = threads
    do throws(ModelError) {
      _ = try TextGenerator.budget(of: file.view, options: options)
      return nil
    } catch {
      guard error.kind == .overLimit, error.place == .language else { throw error }
      #expect(error.found > error.expected)
      return "\(error.field)"
    }
  }

  /// 18 layers of one head of 256, of which five in six see 512 positions, as Gemma 3 of 270 million parameters has
  /// them: 306.7 MB of keys and values if all of them kept 32,768, with a float scale for each head.
  @Test(arguments: LanguageBatch.allCases) func aWindowBoundsTheCache(batch: LanguageBatch) throws {
    let file = try SparseFile {
      $0.window = 512
      ($0.layerCount, $0.headCount, $0.keyValueHeadCount, $0.headSize) = (18, 4, 1, 256)
      for layer in 0..<18 where layer % 6 != 5 { $0.windowed[0] |= 1 << UInt32(layer) }
    }
    func budget(_ context: Int, keepsAll: Bool = false) throws -> LanguageBudget {
      var options = LanguageOptions(contextLength: context, batch: batch)
      options.keepsAll = keepsAll
      return try LanguageEngine.budget(of: file.view, options: options)
    }
    let perPosition = 2 * (256 + 256 / Int(MARTLET_CACHE_GROUP) * 2)
    let found = try budget(32_768)
    #expect(found.ringPositions == 576)
    #expect(found.windowedCacheBytes == 15 * 576 * perPosition)
    #expect(found.wholeCacheBytes == 3 * 32_768 * perPosition)
    #expect(found.cacheBytes <= 60_000_000)
    #expect(try budget(32_768, keepsAll: true).cacheBytes == 18 * 32_768 * perPosition)
    // A ring is never more than the context, and the windowed part does not grow with it.
    #expect(try budget(500) == budget(500, keepsAll: true))
    #expect(try budget(1 << 20).windowedCacheBytes == found.windowedCacheBytes)
  }

  /// A window as long as the longest context, and a batch behind it.
  @Test func theLongestWindow() throws {
    let file = try SparseFile {
      $0.windowed[0] = 3
      ($0.layerCount, $0.window) = (2, 1 << 20)
    }
    for batch in LanguageBatch.allCases {
      let options = LanguageOptions(contextLength: 1 << 20, batch: batch)
      #expect(try LanguageEngine.budget(of: file.view, options: options).ringPositions == 1 << 20)
    }
  }

  /// Layers are counted by their bits, beyond the first word too.
  @Test func windowedLayersAreCounted() {
    var record = LanguageRecord()
    record.layerCount = 1024
    for layer in 0..<1024 where layer * layer % 7 < 3 { record.windowed[layer / 32] |= 1 << UInt32(layer % 32) }
    #expect(record.windowedLayers(before: 1024) == 0)
    record.window = 9
    var count = 0
    for layer in 0...1024 {
      #expect(record.windowedLayers(before: layer) == count)
      if layer < 1024, record.isWindowed(layer) { count += 1 }
    }
    #expect(count > 300)
  }

  @Test func workIsCounted() throws {
    let file = try SparseFile { _ in }
    let budget = try LanguageEngine.budget(of: file.view, options: LanguageOptions(contextLength: 64))
    let perPosition: Int64 = 2 * 1024 * 1024 * 64
    let matrices: Int64 = 1024 * (65664 * 16 + 16 * 65536 + 32 * 16 + 16 * 16) + 16 * 16
    #expect(budget.work == matrices + perPosition && budget.workAtEnd == matrices + 64 * perPosition)
    // With a window in every second layer.
    let windowed = try SparseFile {
      $0.window = 32
      for word in 0..<32 { $0.windowed[word] = 0x5555_5555 }
    }
    let seen = try LanguageEngine.budget(of: windowed.view, options: LanguageOptions(contextLength: 64))
    #expect(seen.work == budget.work && seen.workAtEnd == matrices + 48 * perPosition)
  }

  /// 1.3 * 10^10 multiply-adds a layer in 4 GB: whoever only looks refuses it too.
  @Test func workIsLimited() throws {
    for layers in [512, 1024] as [UInt32] {
      let file = try SparseFile(.blocksInt4) {
        $0.hiddenSize = 1 << 15
        $0.feedForwardSize = 1 << 17
        $0.headCount = 16
        $0.layerCount = layers
      }
      let refusal = try Self.refusal(file, context: 16)
      #expect(refusal == (layers == 512 ? nil : "work for this context"))
      if refusal != nil {
        #expect(throws: ModelError.self) { try LanguageDescription(file: file.view) }
        #expect(throws: ModelError.self) { try Engine.verify(file: file.view) }
      }
    }
  }

  /// A key and a value for each of 1024 heads in each of 1024 layers: 142 MB a position.
  @Test func arenaIsLimited() throws {
    let file = try SparseFile {
      $0.keyValueHeadCount = 1024
      $0.layerCount = 256
    }
    #expect(file.bytes.count < 16 << 20)
    // Whole tiles of 64 positions.
    #expect(try Self.refusal(file, context: 64) == nil)
    #expect(try Self.refusal(file, context: 65) == "arena for this context")
    #expect(try Self.refusal(file, context: 1 << 20) == "arena for this context")
    // 1.1 GB of keys and values and 2.7 GB of the parts of 1024 heads' softmax; each thread's scratch is a part of the
    // arena too.
    let long = try SparseFile { $0.layerCount = 8 }
    #expect(try Self.refusal(long, context: 1 << 20) == nil)
    let budgets = try [1, 64].map {
      try LanguageEngine.budget(of: long.view, options: LanguageOptions(contextLength: 1 << 20, threads: $0))
    }
    #expect(budgets[0].scratchBytesPerThread == 4 * 65_536 + 64)
    #expect(budgets[1].arenaBytes - budgets[0].arenaBytes == 63 * budgets[0].scratchBytesPerThread)
    // What no context could run in is refused by whoever only looks.
    let wide = try SparseFile {
      $0.keyValueHeadCount = 1024
      $0.headSize = 512
    }
    #expect(throws: ModelError.self) { try LanguageDescription(file: wide.view) }
    #expect(throws: ModelError.self) { try Engine.verify(file: wide.view) }
  }
}
