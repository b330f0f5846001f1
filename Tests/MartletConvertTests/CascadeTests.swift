import CMartletKernels
import Martlet
import Testing

@testable import MartletConvert

@Suite struct CascadeTests {
  private static func program(_ seed: Int) -> Program {
    PictureProgram(seed: UInt64(seed), layers: 4 + seed % 20, size: 6 + seed % 30).program
  }

  /// Some schedules of a program, from the least peak to that of whole tensors.
  private static func schedules(_ search: CascadeSearch) -> [CascadeSearch.Schedule] {
    stride(from: 0, to: search.peaks.count, by: max(1, search.peaks.count / 8)).compactMap {
      search.schedule(within: search.peaks[$0])
    }
  }

  @Test(arguments: 1...60)
  func plansHoldWhatTheySay(seed: Int) throws {
    let program = Self.program(seed)
    let search = CascadeSearch(program)
    for schedule in Self.schedules(search) {
      let plan = try ArenaPlan(program, cascades: schedule.cascades)
      // What the search adds up segment by segment is what the lifetimes of the whole give.
      #expect(plan.lowerBoundBytes == schedule.peak)
      #expect(plan.lowerBoundBytes <= plan.wholeLowerBoundBytes)
      #expect(plan.plannedPeakBytes >= plan.lowerBoundBytes)
      var end = 0
      for cascade in schedule.cascades {
        #expect(cascade.operators.lowerBound >= end && cascade.operators.count > 1)
        end = cascade.operators.upperBound
      }
      requireApart(program, plan)
    }
  }

  /// No two buffers that are in use at one time share a byte, but an operand and the result of an operator alone.
  private func requireApart(_ program: Program, _ plan: ArenaPlan) {
    var owner = Array(program.operators.indices)
    for (number, cascade) in plan.cascades.enumerated() {
      for index in cascade.operators { owner[index] = program.operators.count + number }
    }
    // Times are the operators alone and the cascades, each one moment.
    var times: [Set<Int>] = program.buffers.map { _ in [] }
    let order = owner.reduce(into: [Int]()) { if $0.last != $1 { $0.append($1) } }
    var moments: [(first: Int, last: Int)?] = program.buffers.map { _ in nil }
    func touch(_ tensor: Int, _ moment: Int) {
      guard let buffer = program.tensors[tensor].buffer else { return }
      let known = moments[buffer] ?? (moment, moment)
      moments[buffer] = (min(known.first, moment), max(known.last, moment))
      times[buffer].insert(moment)
    }
    touch(program.inputs[0].tensor, -1)
    for (index, operation) in program.operators.enumerated() {
      let moment = order.firstIndex(of: owner[index])!
      for tensor in operation.inputs + [operation.output] { touch(tensor, moment) }
    }
    touch(program.outputs[0].tensor, order.count)
    let rings = plan.cascades.reduce(into: [Int: Int]()) { $0.merge($1.ringRows) { first, _ in first } }
    var sizes = program.buffers
    for (tensor, rows) in rings {
      let record = program.tensors[tensor]
      sizes[record.buffer!] = rows * record.shape[2] * record.shape[3]
      #expect(rows < record.shape[1])
    }
    for a in sizes.indices {
      guard let livesA = moments[a] else { continue }
      #expect(plan.offsets[a] + sizes[a] <= plan.plannedPeakBytes)
      for b in sizes.indices where b > a {
        guard let livesB = moments[b], livesA.first <= livesB.last, livesB.first <= livesA.last else { continue }
        let apart =
          plan.offsets[a] + sizes[a] <= plan.offsets[b] || plan.offsets[b] + sizes[b] <= plan.offsets[a]
        let handover = max(livesA.first, livesB.first)
        let inPlace =
          plan.offsets[a] == plan.offsets[b] && sizes[a] == sizes[b] && min(livesA.last, livesB.last) == handover
          && order.indices.contains(handover) && order[handover] < program.operators.count
          && program.operators[order[handover]].mayRunInPlace
        #expect(apart || inPlace, "buffers \(a) and \(b)")
      }
    }
  }

  @Test func ringsHoldWhatIsReadAndNoRowMore() throws {
    var narrowed = 0
    for seed in 1...60 {
      let program = Self.program(seed)
      for cascade in Self.schedules(CascadeSearch(program)).flatMap(\.cascades) {
        #expect(Rows(program, cascade, rings: cascade.ringRows).lost == nil)
        for (tensor, rows) in cascade.ringRows {
          let strip = try #require(cascade.strips[tensor])
          #expect(rows % strip == 0)
          guard rows > strip else { continue }
          var narrower = cascade.ringRows
          narrower[tensor] = rows - strip
          #expect(Rows(program, cascade, rings: narrower).lost == tensor)
          narrowed += 1
        }
      }
    }
    #expect(narrowed > 50, "only \(narrowed) rings were longer than a strip")
  }

  /// A cascade run with the number of a row in place of its bytes, straight from the parameters.
  private struct Rows {
    private let program: Program
    private let cascade: Cascade
    /// By tensor: which row lies in each place.
    private var places: [Int: [Int]] = [:]
    private var done: [Int: Int] = [:]
    /// The first tensor of which a row was overwritten before it was read.
    private(set) var lost: Int?

    init(_ program: Program, _ cascade: Cascade, rings: [Int: Int]) {
      (self.program, self.cascade) = (program, cascade)
      for index in cascade.operators {
        let output = program.operators[index].output
        places[output] = Array(repeating: -1, count: rings[output] ?? program.tensors[output].shape[1])
        done[output] = 0
      }
      let last = program.operators[cascade.operators.last!].output
      while done[last]! < program.tensors[last].shape[1] { write(last) }
    }

    private mutating func write(_ tensor: Int) {
      let operation = program.operators[cascade.operators.first { program.operators[$0].output == tensor }!]
      let height = program.tensors[tensor].shape[1]
      let strip = cascade.strips[tensor] ?? stripOfWhole(tensor)
      let rows = done[tensor]!..<min(height, done[tensor]! + strip)
      for input in operation.inputs where done[input] != nil {
        let needed = rows.flatMap { reads(operation, $0, program.tensors[input].shape[1]) }
        while done[input]! <= needed.max() ?? -1 { write(input) }
      }
      for input in operation.inputs {
        guard let ring = places[input] else { continue }
        for row in rows.flatMap({ reads(operation, $0, program.tensors[input].shape[1]) })
        where ring[row % ring.count] != row { lost = lost ?? input }
      }
      for row in rows { places[tensor]![row % places[tensor]!.count] = row }
      done[tensor] = rows.upperBound
    }

    /// What a tensor that is no ring is written in: whatever the readers' strips come to.
    private func stripOfWhole(_ tensor: Int) -> Int {
      guard let reader = cascade.operators.first(where: { program.operators[$0].inputs.contains(tensor) }) else {
        return cascade.stripRows
      }
      let output = program.operators[reader].output
      return (cascade.strips[output] ?? stripOfWhole(output)) * stride(program.operators[reader])
    }

    private func stride(_ operation: DeviceOperator) -> Int {
      switch operation.opcode {
      case .conv2d: Int(operation.parameters(as: martlet_conv2d_params.self).stride_h)
      case .depthwise: Int(operation.parameters(as: martlet_depthwise_params.self).stride_h)
      default: 1
      }
    }

    private func reads(_ operation: DeviceOperator, _ row: Int, _ height: Int) -> [Int] {
      var taps = (kernel: 1, dilation: 1, pad: 0)
      switch operation.opcode {
      case .conv2d:
        let p = operation.parameters(as: martlet_conv2d_params.self)
        taps = (Int(p.kernel_h), Int(p.dilation_h), Int(p.pad_top))
      case .depthwise:
        let p = operation.parameters(as: martlet_depthwise_params.self)
        taps = (Int(p.kernel_h), Int(p.dilation_h), Int(p.pad_top))
      default: break
      }
      return (0..<taps.kernel).map { row * stride(operation) - taps.pad + $0 * taps.dilation }
        .filter { $0 >= 0 && $0 < height }
    }
  }

  @Test func smallPeaksAreLeftAlone() {
    // Below what is enough nothing is paid for memory, and where there is no time to gain nothing is cut.
    for seed in 1...10 {
      let program = Self.program(seed)
      guard Lifetimes(program, cascades: []).lowerBound <= CascadeSearch.Goal.enough else { continue }
      #expect(CascadeSearch(program).chosen()?.cascades.isEmpty == true)
    }
  }
}
