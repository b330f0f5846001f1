import CMartletKernels
import MartletTestSupport

@testable import Martlet

/// A random chain of operators with residual additions, as a file with and without a cascade.
struct CascadeModel {
  private struct Picture: Equatable {
    var rows: Int32
    var columns: Int32
    var channels: Int32
    var count: Int { Int(rows) * Int(columns) * Int(channels) }
  }
  private var random: RandomNumbers
  private var pictures: [Picture]
  private var records: [OperatorRecord] = []
  private var constants: [[UInt8]?] = []
  /// The operators of the cascade; one before and one after it may be outside.
  let cascaded: Range<Int>

  var operatorCount: Int { records.count }

  init(seed: UInt64) {
    random = RandomNumbers(seed: seed)
    pictures = [
      Picture(
        rows: Int32(random.next(in: 5...29)), columns: Int32(random.next(in: 3...23)),
        channels: Int32(random.next(in: 1...24)))
    ]
    let count = random.next(in: 2...9)
    let start = random.next(in: 0...1)
    cascaded = start..<max(start + 1, count - random.next(in: 0...1))
    for _ in 0..<count { addOperator() }
  }

  private mutating func of(_ values: Int...) -> Int { values[random.next(in: 0...(values.count - 1))] }

  // MARK: Operators

  private mutating func addOperator() {
    let from = pictures[pictures.count - 1]
    var record = OperatorRecord()
    record.input0 = UInt32(pictures.count - 1)
    record.output = UInt32(pictures.count)
    var to = from
    var constant: [UInt8]?
    let twins = pictures.indices.dropLast().filter { pictures[$0] == from }
    switch random.next(in: 0...9) {
    case 0...3: (to, constant) = addConvolution(from, &record)
    case 4...6: (to, constant) = addDepthwise(from, &record)
    case 7:
      record.opcode = Opcode.table.code
      record.set(martlet_table_params(count: Int32(from.count)))
      constant = (0..<256).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    default:
      record.input1 = twins.isEmpty ? record.input0 : UInt32(twins[random.next(in: 0...(twins.count - 1))])
      addPair(from, &record)
    }
    pictures.append(to)
    records.append(record)
    constants.append(constant)
  }

  private mutating func addConvolution(_ from: Picture, _ record: inout OperatorRecord) -> (Picture, [UInt8]) {
    var p = martlet_conv2d_params()
    p.batch = 1
    (p.in_h, p.in_w, p.in_c) = (from.rows, from.columns, from.channels)
    p.groups = from.channels % 2 == 0 ? Int32(of(1, 1, 1, 2)) : 1
    p.out_c = Int32(random.next(in: 1...20)) * p.groups
    let kernel = of(1, 1, 3, 3, 5)
    (p.kernel_h, p.stride_h, p.dilation_h, p.pad_top, p.out_h) = axis(from.rows, kernel)
    (p.kernel_w, p.stride_w, p.dilation_w, p.pad_left, p.out_w) = axis(from.columns, kernel)
    p.input_step_h = 1
    p.input_step_w = 1
    p.input_zero_point = Int32(random.next(in: -128...127))
    p.weight_zero_point = Int32(of(0, 0, 3))
    (p.clamp_min, p.clamp_max) = (-128, 127)
    record.opcode = Opcode.conv2d.code
    record.set(p)
    let isWhole = p.groups == 1 && p.dilation_w == 1
    let segments = Int(p.kernel_h) * (isWhole ? 1 : Int(p.kernel_w))
    let bytes = isWhole ? Int(p.kernel_w * p.in_c) : Int(p.in_c / p.groups)
    let panels = (Int(p.out_c / p.groups) + 15) / 16 * Int(p.groups)
    var weights: [UInt8] = []
    for _ in 0..<panels {
      weights += channels()
      for _ in 0..<segments {
        for depth in 0..<(bytes + 3) / 4 * 4 / 4 {
          for at in 0..<64 {
            let isPadding = depth * 4 + at % 4 >= bytes
            weights.append(
              isPadding ? UInt8(truncatingIfNeeded: p.weight_zero_point) : UInt8(truncatingIfNeeded: random.next()))
          }
        }
      }
    }
    precondition(weights.count == withUnsafePointer(to: p) { martlet_conv2d_weights_bytes($0) })
    return (Picture(rows: p.out_h, columns: p.out_w, channels: p.out_c), weights)
  }

  private mutating func addDepthwise(_ from: Picture, _ record: inout OperatorRecord) -> (Picture, [UInt8]) {
    var p = martlet_depthwise_params()
    p.batch = 1
    (p.in_h, p.in_w, p.in_c) = (from.rows, from.columns, from.channels)
    p.multiplier = Int32(of(1, 1, 1, from.channels < 16 ? 2 : 1))
    let kernel = of(3, 3, 3, 5, 2)
    (p.kernel_h, p.stride_h, p.dilation_h, p.pad_top, p.out_h) = axis(from.rows, kernel)
    (p.kernel_w, p.stride_w, p.dilation_w, p.pad_left, p.out_w) = axis(from.columns, kernel)
    p.input_zero_point = Int32(random.next(in: -128...127))
    p.weight_zero_point = Int32(of(0, 0, -7))
    (p.clamp_min, p.clamp_max) = (-128, 127)
    record.opcode = Opcode.depthwise.code
    record.set(p)
    var weights: [UInt8] = []
    for _ in 0..<(Int(p.in_c * p.multiplier) + 15) / 16 {
      weights += channels()
      for _ in 0..<Int(p.kernel_h * p.kernel_w) * 16 { weights.append(UInt8(truncatingIfNeeded: random.next())) }
    }
    return (Picture(rows: p.out_h, columns: p.out_w, channels: p.in_c * p.multiplier), weights)
  }

  /// Kernel, stride, dilation, padding and output size along an axis of `size`.
  private mutating func axis(_ size: Int32, _ wanted: Int) -> (Int32, Int32, Int32, Int32, Int32) {
    let kernel = min(Int32(wanted), size)
    let dilation: Int32 = size > 2 * kernel ? Int32(of(1, 1, 1, 2)) : 1
    let window = (kernel - 1) * dilation + 1
    let pad = Int32(random.next(in: 0...Int(window / 2)))
    let stride: Int32 = size > 8 ? Int32(of(1, 1, 1, 2)) : 1
    // Padding at the end: none, or as much as at the start.
    let reach = size + pad + Int32(of(0, Int(pad))) - window
    return (kernel, stride, dilation, pad, reach / stride + 1)
  }

  private mutating func addPair(_ from: Picture, _ record: inout OperatorRecord) {
    let shape: (Int32, Int32, Int32, Int32, Int32, Int32) = (1, 1, 1, from.rows, from.columns, from.channels)
    let row = from.columns * from.channels
    let stride: (Int32, Int32, Int32, Int32, Int32, Int32) = (0, 0, 0, row, from.channels, 1)
    if random.next(in: 0...2) == 0 {
      var p = martlet_mul_params()
      (p.shape, p.stride0, p.stride1) = (shape, stride, stride)
      (p.multiplier, p.shift, p.clamp_min, p.clamp_max) = (1 << 30, -6, -128, 127)
      record.opcode = Opcode.mul.code
      record.set(p)
    } else {
      var p = martlet_add_params()
      (p.shape, p.stride0, p.stride1) = (shape, stride, stride)
      (p.multiplier0, p.shift0, p.multiplier1, p.shift1) = (1 << 30, 0, 1_300_000_000, -1)
      (p.output_multiplier, p.output_shift, p.left_shift) = (1_500_000_000, -19, 20)
      (p.clamp_min, p.clamp_max) = (-128, 127)
      record.opcode = Opcode.add.code
      record.set(p)
    }
  }

  private mutating func channels() -> [UInt8] {
    var words: [Int32] = (0..<16).map { _ in Int32(random.next(in: -3000...3000)) }
    words += (0..<16).map { _ in Int32(random.next(in: 1 << 30...Int(Int32.max))) }
    words += (0..<16).map { _ in Int32(random.next(in: -9 ... -5)) }
    return words.withUnsafeBytes { [UInt8]($0) }
  }

  // MARK: Files

  /// Without a cascade; every tensor has a place of its own.
  var whole: [UInt8] { file(rings: [:], stripRows: nil) }

  /// With the cascade in strips of `stripRows` rows and rings that are `slack` strips higher than the least; nil where
  /// that is no cascade.
  func cascade(stripRows: Int, slack: Int = 0) -> [UInt8]? {
    var schedule = CascadeSchedule()
    do {
      for index in cascaded { try schedule.append(CascadeStage(records[index], tensors: { tensor(Int($0)) })) }
      try schedule.cut(stripRows: stripRows)
    } catch { return nil }
    schedule.findLeastRings()
    var rings: [Int: Int] = [:]
    for stage in 0..<schedule.stageCount {
      let output = Int(schedule.stage(stage).output)
      let least = schedule.leastRingRows(ofStage: stage)
      let ring = least + slack * schedule.stripRows(ofStage: stage)
      let isReadLater = records[cascaded.upperBound...].contains {
        Int($0.input0) == output || Int($0.input1) == output
      }
      if least > 0, ring < schedule.stage(stage).outputRows, !isReadLater { rings[output] = ring }
    }
    return file(rings: rings, stripRows: stripRows)
  }

  private func tensor(_ index: Int) -> TensorRecord {
    var record = TensorRecord()
    let picture = pictures[index]
    record.type = ElementType.int8.rawValue
    record.rank = 4
    record.dims = [1, UInt32(picture.rows), UInt32(picture.columns), UInt32(picture.channels), 1, 1]
    record.scale = 1
    record.byteCount = UInt64(picture.count)
    return record
  }

  private func file(rings: [Int: Int], stripRows: Int?) -> [UInt8] {
    var tensors: [UInt8] = []
    var place: UInt64 = 0
    for index in pictures.indices {
      var record = tensor(index)
      record.ringRows = UInt32(rings[index] ?? 0)
      record.offset = place
      place += UInt64(TestFile.roundedUp(Int(record.arenaBytes)))
      tensors += TestFile.bytes(of: record)
    }
    var weights: [UInt8] = []
    var operators: [UInt8] = []
    var count = pictures.count
    for (record, constant) in zip(records, constants) {
      var record = record
      if let constant {
        var packed = TensorRecord()
        packed.type = ElementType.int8.rawValue
        packed.storage = TensorStorage.weights.rawValue
        packed.rank = 1
        packed.dims[0] = UInt32(constant.count)
        packed.offset = UInt64(weights.count)
        packed.byteCount = UInt64(constant.count)
        tensors += TestFile.bytes(of: packed)
        weights += constant
        weights += [UInt8](repeating: 0, count: TestFile.roundedUp(weights.count) - weights.count)
        record.constant = UInt32(count)
        count += 1
      }
      operators += TestFile.bytes(of: record)
    }
    var plan = PlanRecord()
    plan.plannedPeakBytes = place
    var manifest = ManifestRecord()
    manifest.inputCount = 1
    manifest.outputCount = 1
    var edge = BoundaryRecord()
    edge.type = UInt32(ElementType.int8.rawValue)
    edge.scale = 1
    edge.tensor = 0
    manifest.inputs[0] = edge
    edge.tensor = UInt32(pictures.count - 1)
    manifest.outputs[0] = edge
    var sections: [(kind: SectionKind, bytes: [UInt8])] = [
      (.manifest, TestFile.bytes(of: manifest)), (.tensors, tensors), (.operators, operators),
      (.plan, TestFile.bytes(of: plan)), (.weights, weights),
    ]
    if let stripRows {
      var record = CascadeRecord()
      record.firstOperator = UInt32(cascaded.lowerBound)
      record.operatorCount = UInt32(cascaded.count)
      record.stripRows = UInt32(stripRows)
      sections.append((.cascades, TestFile.bytes(of: record)))
    }
    return TestFile.bytes(sections)
  }
}

extension OperatorRecord {
  fileprivate mutating func set<P>(_ p: P) {
    withUnsafeBytes(of: p) { from in withUnsafeMutableBytes(of: &parameters) { $0.copyMemory(from: from) } }
  }
}
