import CMartletKernels
import Martlet

/// The finished file, checked by the very code that will run it.
enum ModelCheck {
  /// What an engine with one thread needs. A refusal here is a fault of the converter, and says so.
  static func budget(of bytes: [UInt8]) throws(ConversionError) -> MemoryBudget {
    let alignment = ModelFormat.alignment
    let file = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: alignment)
    defer { file.deallocate() }
    file.copyBytes(from: bytes)
    let view = UnsafeRawBufferPointer(rebasing: file[0..<bytes.count])
    do throws(ModelError) {
      try Engine.verify(file: view)
      let budget = try Engine.budget(of: view, threads: 1)
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: budget.arenaBytes, alignment: alignment)
      defer { region.deallocate() }
      _ = try Engine(file: view, region: region, threads: 1, isa: martlet_best_isa())
      return budget
    } catch {
      throw .badData("the converted model is not valid: \(error)")
    }
  }
}
