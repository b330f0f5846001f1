import CMartletKernels
import CMartletPlatform
import Martlet

/// A model ready to run: the mapped file, its engine in an arena of exactly the announced size, and a team of threads.
public struct LoadedModel: ~Copyable {
  public var engine: Engine
  public let team: Team
  public let isa: martlet_isa
  private let arena: MappedMemory

  /// Nothing but this allocates on the way to a result.
  ///
  /// - Parameters:
  ///   - file: must outlive the model.
  ///   - threads: 1...64, the caller included.
  public init(_ file: borrowing ModelFile, threads: Int, isa: martlet_isa) throws(ModelError) {
    let budget = try Engine.budget(of: file.bytes, threads: threads)
    let arena = try MappedMemory(byteCount: budget.arenaBytes)
    engine = try Engine(file: file.bytes, region: arena.bytes, threads: threads, isa: isa)
    self.arena = arena
    self.isa = isa
    // Never unmapped: a page that the workers use until they are joined, whatever is destroyed first.
    let bytes = threads > 1 ? Team.byteCount(threads: threads) : 0
    let region = bytes > 0 ? martlet_map_memory(bytes) : nil
    team = Team(
      threads: region == nil ? 1 : threads,
      region: UnsafeMutableRawBufferPointer(start: region, count: region == nil ? 0 : bytes))
  }
}

/// Zeroed memory from the system, page-aligned and already faulted in, given back at the end.
public struct MappedMemory: ~Copyable {
  public let bytes: UnsafeMutableRawBufferPointer

  public init(byteCount: Int) throws(ModelError) {
    let count = max(byteCount, 1)
    guard let start = martlet_map_memory(count) else {
      throw ModelError(.arenaTooSmall, .arena, found: 0, expected: Int64(byteCount))
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  deinit {
    martlet_unmap_memory(bytes.baseAddress, max(bytes.count, 1))
  }
}
