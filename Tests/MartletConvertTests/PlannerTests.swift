import Martlet
import Testing

@testable import MartletConvert

@Suite struct PlannerTests {
  private struct Random {
    var state: UInt64
    mutating func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
  }

  /// A random graph of one- and two-operand operators, some of which may run in place.
  private func program(seed: UInt64) -> Program {
    var random = Random(state: seed)
    var program = Program()
    let origin = Origin(index: 0, code: 0, name: "TEST", version: 1)
    func tensor(_ count: Int) -> Int {
      let buffer = program.makeBuffer(bytes: count)
      return program.append(
        DeviceTensor(name: "", type: .int8, shape: [count], scale: 1, zeroPoint: 0, storage: .buffer(buffer)))
    }
    var live = [tensor(1 + random.next(5000))]
    program.inputs = [DeviceBoundary(tensor: live[0], type: .int8, scale: 1, zeroPoint: 0)]
    let opcodes: [Opcode] = [.conv2d, .add, .table, .copy]
    for _ in 0..<3 + random.next(40) {
      let opcode = opcodes[random.next(opcodes.count)]
      let first = live[random.next(live.count)]
      let second = live[random.next(live.count)]
      let inPlace = opcode == .add || opcode == .table
      let output = tensor(inPlace ? program.tensors[first].count : 1 + random.next(5000))
      let same = program.tensors[second].count == program.tensors[first].count
      program.operators.append(
        DeviceOperator(
          opcode, origin, inputs: opcode == .add && same ? [first, second] : [first], output: output, Int32(0)))
      live.append(output)
      if live.count > 4 { live.remove(at: random.next(live.count - 1)) }
    }
    program.outputs = [DeviceBoundary(tensor: live.last!, type: .int8, scale: 1, zeroPoint: 0)]
    return program
  }

  @Test(arguments: 1...200)
  func liveTensorsNeverOverlap(seed: Int) throws {
    let program = program(seed: UInt64(seed))
    let plan = try ArenaPlan(program)
    #expect(plan.plannedPeakBytes >= plan.lowerBoundBytes)
    #expect(plan.offsets.allSatisfy { $0 % 64 == 0 })

    // Lifetimes again, from scratch and by buffer: the plan is judged by what it must not do.
    var first = Array(repeating: Int.max, count: program.buffers.count)
    var last = Array(repeating: -2, count: program.buffers.count)
    func touch(_ tensor: Int, _ time: Int) {
      guard let buffer = program.tensors[tensor].buffer else { return }
      first[buffer] = min(first[buffer], time)
      last[buffer] = max(last[buffer], time)
    }
    touch(program.inputs[0].tensor, -1)
    for (time, operation) in program.operators.enumerated() {
      for tensor in operation.inputs + [operation.output] { touch(tensor, time) }
    }
    touch(program.outputs[0].tensor, program.operators.count)
    for a in program.buffers.indices where first[a] <= last[a] {
      #expect(plan.offsets[a] + program.buffers[a] <= plan.plannedPeakBytes)
      for b in program.buffers.indices where b > a && first[b] <= last[b] {
        guard first[a] <= last[b], first[b] <= last[a] else { continue }
        let apart =
          plan.offsets[a] + program.buffers[a] <= plan.offsets[b]
          || plan.offsets[b] + program.buffers[b] <= plan.offsets[a]
        // Only an operator that may run in place lets them be the same bytes, where one ends as the other begins.
        let handover = max(first[a], first[b])
        let inPlace =
          plan.offsets[a] == plan.offsets[b] && program.buffers[a] == program.buffers[b]
          && min(last[a], last[b]) == handover && program.operators.indices.contains(handover)
          && program.operators[handover].mayRunInPlace
        #expect(apart || inPlace, "buffers \(a) and \(b)")
      }
    }
  }

  @Test func planIsTheSameEveryTime() throws {
    let program = program(seed: 5)
    #expect(try ArenaPlan(program).offsets == ArenaPlan(program).offsets)
  }

  @Test func boundIsReachedOrNearlySo() throws {
    var peak = 0
    var bound = 0
    for seed in 1...100 {
      let plan = try ArenaPlan(program(seed: UInt64(seed)))
      peak += plan.plannedPeakBytes
      bound += plan.lowerBoundBytes
    }
    #expect(Double(peak) <= 1.05 * Double(bound), "\(peak) against \(bound)")
  }

  @Test func chainAlternatesBetweenTwoPlaces() throws {
    var program = Program()
    let origin = Origin(index: 0, code: 0, name: "TEST", version: 1)
    var tensors: [Int] = []
    for _ in 0..<6 {
      let buffer = program.makeBuffer(bytes: 100)
      tensors.append(
        program.append(
          DeviceTensor(name: "", type: .int8, shape: [100], scale: 1, zeroPoint: 0, storage: .buffer(buffer))))
    }
    for (from, to) in zip(tensors, tensors.dropFirst()) {
      program.operators.append(DeviceOperator(.conv2d, origin, inputs: [from], output: to, Int32(0)))
    }
    program.inputs = [DeviceBoundary(tensor: tensors[0], type: .int8, scale: 1, zeroPoint: 0)]
    program.outputs = [DeviceBoundary(tensor: tensors[5], type: .int8, scale: 1, zeroPoint: 0)]
    let plan = try ArenaPlan(program)
    #expect(plan.plannedPeakBytes == 256 && plan.lowerBoundBytes == 256)
  }
}
