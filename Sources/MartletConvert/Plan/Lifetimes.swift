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

  init(_ program: Program) {
    operatorCount = program.operators.count
    var first = Array(repeating: Int.max, count: program.buffers.count)
    var last = Array(repeating: Int.min, count: program.buffers.count)
    func use(_ tensor: Int, at time: Int) {
      guard let buffer = program.tensors[tensor].buffer else { return }
      first[buffer] = min(first[buffer], time)
      last[buffer] = max(last[buffer], time)
    }
    for input in program.inputs { use(input.tensor, at: -1) }
    for (index, operation) in program.operators.enumerated() {
      for input in operation.inputs { use(input, at: index) }
      use(operation.output, at: index)
    }
    for output in program.outputs { use(output.tensor, at: program.operators.count) }

    groupOfBuffer = Array(repeating: nil, count: program.buffers.count)
    for buffer in program.buffers.indices where first[buffer] <= last[buffer] {
      groupOfBuffer[buffer] = groups.count
      groups.append(Group(size: Self.aligned(program.buffers[buffer]), first: first[buffer], last: last[buffer]))
    }
    shareInPlace(program)
  }

  /// Lets the output of an in-place operator take over the memory of an operand that dies there.
  private mutating func shareInPlace(_ program: Program) {
    for (index, operation) in program.operators.enumerated() where operation.mayRunInPlace {
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
  var lowerBound: Int {
    var change = Array(repeating: 0, count: operatorCount + 3)
    for group in groups where group.first <= group.last {
      change[group.first + 1] += group.size
      change[group.last + 2] -= group.size
    }
    var sum = 0
    var largest = 0
    for delta in change {
      sum += delta
      largest = max(largest, sum)
    }
    return largest
  }
}
