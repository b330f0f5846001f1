import CMartletOperatorCases
import Martlet

/// A `.martlet` file of one operator, in memory that is written anew for each; the loader is asked about it.
struct OperatorFile: ~Copyable {
  /// Weights that nobody has touched take no memory.
  private static let capacity = 3 << 29
  private let memory: UnsafeMutableRawBufferPointer

  init?() {
    guard let start = martlet_operator_memory(OperatorFile.capacity) else { return nil }
    memory = UnsafeMutableRawBufferPointer(start: start, count: OperatorFile.capacity)
  }

  /// Whether the loader takes this operator; no error is told, since any refusal is right but of what is legal.
  func accepts(_ operation: martlet_operator_case) -> Bool {
    let bytes = write(operation)
    do throws(ModelError) {
      _ = try Engine.budget(of: UnsafeRawBufferPointer(rebasing: memory[..<bytes]), threads: 1)
      return true
    } catch {
      return false
    }
  }

  /// Sections in file order; weights last, since they are as long as they like.
  private func write(_ operation: martlet_operator_case) -> Int {
    let operands: InlineArray<4, martlet_operand> = [
      operation.operands.0, operation.operands.1, operation.operands.2, operation.operands.3,
    ]
    var record = OperatorRecord()
    record.opcode = operation.opcode
    withUnsafeBytes(of: operation.parameters) { from in
      withUnsafeMutableBytes(of: &record.parameters) { $0.copyMemory(from: from) }
    }
    var peak: Int64 = 64
    var weights: Int64 = 0
    let table = MemoryLayout<FileHeader>.size
    let manifest = 256
    let tensors = 576
    var count = 0
    for index in 0..<4 {
      let operand = operands[index]
      var place = ModelFormat.none
      if operand.bytes >= 0 {
        memory.storeBytes(of: tensor(operand), toByteOffset: tensors + count * 64, as: TensorRecord.self)
        place = UInt32(count)
        count += 1
        let end = operand.offset + (operand.bytes + 63) & ~63
        if operand.storage == 0 { peak = max(peak, end) } else { weights = max(weights, end) }
      } else if operand.bytes == -2 {
        place = 9
      }
      switch index {
      case 0: record.input0 = place
      case 1: record.input1 = place
      case 2: record.output = place
      default: record.constant = place
      }
    }
    // A model has an edge, whatever its operator lost.
    memory.storeBytes(of: edge(), toByteOffset: tensors + count * 64, as: TensorRecord.self)
    count += 1
    let operators = tensors + count * 64
    memory.storeBytes(of: record, toByteOffset: operators, as: OperatorRecord.self)
    let plan = operators + 192
    var planned = PlanRecord()
    planned.plannedPeakBytes = UInt64(peak)
    memory.storeBytes(of: planned, toByteOffset: plan, as: PlanRecord.self)
    memory.storeBytes(of: edges(count - 1), toByteOffset: manifest, as: ManifestRecord.self)
    let start = plan + 64
    let length = min(Int(weights), OperatorFile.capacity - start)
    let sections: InlineArray<5, (SectionKind, Int, Int)> = [
      (.manifest, manifest, MemoryLayout<ManifestRecord>.size), (.tensors, tensors, count * 64),
      (.operators, operators, MemoryLayout<OperatorRecord>.size), (.plan, plan, MemoryLayout<PlanRecord>.size),
      (.weights, start, length),
    ]
    for index in 0..<5 {
      let (kind, offset, length) = sections[index]
      var section = SectionRecord()
      section.kind = kind.rawValue
      section.offset = UInt64(offset)
      section.length = UInt64(length)
      // The weights' hash is not what loading checks.
      if kind != .weights {
        section.hash = XXH64.hash(UnsafeRawBufferPointer(rebasing: memory[offset..<offset + length]))
      }
      memory.storeBytes(of: section, toByteOffset: table + index * 32, as: SectionRecord.self)
    }
    var header = FileHeader()
    header.sectionCount = 5
    header.fileLength = UInt64(start + length)
    header.tableHash = XXH64.hash(
      UnsafeRawBufferPointer(rebasing: memory[table..<table + 5 * 32]), seed: header.fileLength)
    memory.storeBytes(of: header, as: FileHeader.self)
    return start + length
  }

  private func tensor(_ operand: martlet_operand) -> TensorRecord {
    var tensor = TensorRecord()
    tensor.type = operand.type
    tensor.storage = operand.storage
    tensor.rank = 1
    let size = ElementType(rawValue: operand.type).map { Int64($0.byteCount) } ?? 1
    tensor.dims[0] = UInt32(clamping: operand.bytes / size)
    tensor.scale = 1
    tensor.offset = UInt64(operand.offset)
    tensor.byteCount = UInt64(operand.bytes)
    return tensor
  }

  private func edge() -> TensorRecord {
    tensor(martlet_operand(bytes: 1, offset: 0, type: ElementType.int8.rawValue, storage: 0))
  }

  private func edges(_ tensor: Int) -> ManifestRecord {
    var manifest = ManifestRecord()
    manifest.inputCount = 1
    manifest.outputCount = 1
    var boundary = BoundaryRecord()
    boundary.tensor = UInt32(tensor)
    boundary.type = UInt32(ElementType.int8.rawValue)
    boundary.scale = 1
    manifest.inputs[0] = boundary
    manifest.outputs[0] = boundary
    return manifest
  }
}
