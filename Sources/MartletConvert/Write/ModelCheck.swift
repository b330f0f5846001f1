import CMartletKernels
import Martlet

/// The finished file, checked by the very code that will run it.
enum ModelCheck {
  /// What an engine with one thread needs, or what the loader has against the file, in terms of the source's operators.
  static func budget(of bytes: [UInt8], program: Program) throws(ConversionError) -> MemoryBudget {
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
      throw explained(error, program)
    }
  }

  private static func explained(_ error: ModelError, _ program: Program) -> ConversionError {
    let index = Int(error.index)
    guard error.place == .operator, program.operators.indices.contains(index) else {
      return .unsupported("the device would refuse the model: \(error.place) \(index): \(error.kind) \(error.field)")
    }
    let numbers = "\(error.field) \(error.found), limit \(error.expected)"
    return .unsupported("\(program.operators[index].origin.description): more than the device takes: \(numbers)")
  }
}
