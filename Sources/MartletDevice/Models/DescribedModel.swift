import Martlet

/// A model that is only looked at: its tables in memory of their own size, no arena and no threads.
public struct DescribedModel: ~Copyable {
  public let tables: ModelDescription
  private let memory: MappedMemory

  /// - Parameters:
  ///   - file: must outlive the description.
  ///   - threads: for the budget.
  public init(_ file: borrowing ModelFile, threads: Int) throws(ModelError) {
    let memory = try MappedMemory(byteCount: ModelDescription.byteCount(of: file.bytes))
    tables = try ModelDescription(file: file.bytes, region: memory.bytes, threads: threads)
    self.memory = memory
  }
}
