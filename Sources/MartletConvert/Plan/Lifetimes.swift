/// When each piece of arena is in use, in operator indices: -1 is before the first, `operatorCount` after the last.
struct Lifetimes {
  /// Buffers that share one offset because an operator runs in place: one interval of memory.
  struct Group: Equatable {
    var size: Int
    var first: Int
    var last: Int
  }

  var groups: [Group] = []
  /// The group of each buffer of the program; nil if nothing uses the buffer.
  var groupOfBuffer: [Int?]
  let operatorCount: Int

  static let alignment = 64

  static func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }

  /// What a cascade touches lives as long as the cascade; a ring takes the bytes of its rows.
  init(_ program: Program, cascades: [Cascade]) {
    operatorCount = program.operators.count
    var first = Array(repeating: Int.max, count: program.buffers.count)
    var last = Array(repeating: Int.min, count: program.buffers.count)
    var span = Array(0..<operatorCount).map { $0...$0 }
    for cascade in cascades {
      for index in cascade.operators { span[index] = cascade.operators.first!...cascade.operators.last! }
    }
    Self.visit(program) { buffer, time in
      let times = span.indices.contains(time) ? span[time] : time...time
      first[buffer] = min(first[buffer], times.lowerBound)
      last[buffer] = max(last[buffer], times.upperBound)
    }
    var sizes = program.buffers
    for (tensor, rows) in cascades.flatMap(\.ringRows) {
      if let buffer = program.tensors[tensor].buffer { sizes[buffer] = program.tensors[tensor].bytes(rows: rows) }
    }

    groupOfBuffer = Array(repeating: nil, count: program.buffers.count)
    for buffer in program.buffers.indices where first[buffer] <= last[buffer] {
      groupOfBuffer[buffer] = groups.count
      groups.append(Group(size: Self.aligned(sizes[buffer]), first: first[buffer], last: last[buffer]))
    }
    shareInPlace(program, where: { span[$0].count == 1 })
  }

  /// Tells of each use of a buffer, and when it is.
  static func visit(_ program: Program, _ use: (_ buffer: Int, _ time: Int) -> Void) {
    func visit(_ tensor: Int, _ time: Int) {
      if let buffer = program.tensors[tensor].buffer { use(buffer, time) }
    }
    for input in program.inputs { visit(input.tensor, -1) }
    for (index, operation) in program.operators.enumerated() {
      for input in operation.inputs { visit(input, index) }
      visit(operation.output, index)
    }
    for output in program.outputs { visit(output.tensor, program.operators.count) }
  }

  /// Lets the output of an in-place operator take over the memory of an operand that dies there. Not in a cascade,
  /// where other operators still read the operand's later rows and the rows of a ring are not those of its reader.
  private mutating func shareInPlace(_ program: Program, where isAlone: (Int) -> Bool) {
    for (index, operation) in program.operators.enumerated() where operation.mayRunInPlace && isAlone(index) {
      let output = program.tensors[operation.output]
      guard let outputBuffer = output.buffer, let outputGroup = groupOfBuffer[outputBuffer],
        groups[outputGroup].first == index
      else { continue }
      for input in operation.inputs {
        let tensor = program.tensors[input]
        guard let buffer = tensor.buffer, let group = groupOfBuffer[buffer], group != outputGroup,
          groups[group].last == index, tensor.byteCount == output.byteCount,
          groups[group].size == groups[outputGroup].size
        else { continue }
        groups[group].last = groups[outputGroup].last
        // A group that starts here holds this one buffer so far.
        groupOfBuffer[outputBuffer] = group
        // The emptied group takes no room at no time.
        groups[outputGroup] = Group(size: 0, first: Int.max, last: Int.min)
        break
      }
    }
  }

  /// The largest sum of what is alive at one time: no plan can be smaller.
  var lowerBound: Int { live.max() ?? 0 }

  /// Bytes that are alive at each time, from -1 on.
  var live: [Int] {
    var change = Array(repeating: 0, count: operatorCount + 3)
    for group in groups where group.first <= group.last {
      change[group.first + 1] += group.size
      change[group.last + 2] -= group.size
    }
    var sum = 0
    return change.map { delta in
      sum += delta
      return sum
    }
  }
}
