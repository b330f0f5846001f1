/// A model to look at: all that opening it for use checks, in memory for its tables alone, with none to run it in.
///
/// The caller keeps `file` mapped and `region` alive for as long as the description lives.
public struct ModelDescription: ~Copyable, ModelTables {
  public let model: Model
  public let budget: MemoryBudget

  /// Bytes of `region`: the size of the file's tables.
  public static func byteCount(of file: UnsafeRawBufferPointer) throws(ModelError) -> Int {
    var model = try Model(Sections(file: file))
    var arena = Arena(measuring: ())
    try model.copyTables(into: &arena)
    return arena.used
  }

  /// - Parameters:
  ///   - region: 64-byte aligned, at least `byteCount(of:)`.
  ///   - threads: for the budget.
  public init(
    file: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer, threads: Int
  ) throws(ModelError) {
    var model = try Model(Sections(file: file))
    var arena = try Arena(region: region)
    try model.copyTables(into: &arena)
    // The copies are what is validated: measuring moves nothing.
    var measured = Arena(measuring: ())
    budget = try Layout(&model, threads: threads, from: &measured).budget
    self.model = model
  }
}
