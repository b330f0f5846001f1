/// One node while it is imported: its attributes, operands and results, each checked on access.
final class ONNXOperands {
  typealias Computed = ONNXImporter.Computed

  let node: ONNXProtoNode
  let origin: Origin
  let importer: ONNXImporter
  /// Whether this is the operator in real numbers that a QLinear operator stands for.
  var isReplayed = false
  private let attributes: [String: ONNXProtoAttribute]
  /// What has been asked for, as what; see `refuseUnread`.
  private(set) var read: [String: ONNXAttributeKind] = [:]
  private(set) var readInputs: Set<Int> = []

  init(_ node: ONNXProtoNode, _ origin: Origin, _ importer: ONNXImporter) {
    self.node = node
    self.origin = origin
    self.importer = importer
    attributes = Dictionary(node.attribute.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  // MARK: - Attributes

  private func attribute(_ name: String, _ kind: ONNXAttributeKind) -> ONNXProtoAttribute? {
    if kind != .any || read[name] == nil { read[name] = kind }
    return attributes[name]
  }

  func has(_ name: String) -> Bool { attribute(name, .any) != nil }

  func integer(_ name: String, default value: Int = 0) -> Int {
    attribute(name, .integer).map { Self.bounded($0.i) } ?? value
  }

  func integers(_ name: String) -> [Int]? { attribute(name, .integers).map { $0.ints.map(Self.bounded) } }

  /// Sizes, axes and the like: beyond 2^31 they all mean "far too large", and no sum or product of two overflows.
  static func bounded(_ number: Int64) -> Int { Int(max(-(1 << 31), min(1 << 31, number))) }
  func real(_ name: String, default value: Float) -> Float { attribute(name, .real)?.f ?? value }
  func reals(_ name: String) -> [Float]? { attribute(name, .reals)?.floats }

  func text(_ name: String, default value: String) -> String {
    attribute(name, .text).map { printable(String(decoding: $0.s, as: UTF8.self)) } ?? value
  }

  /// An attribute that is one of a few words, of which the first is the default.
  func word(_ name: String, of words: String...) throws(ConversionError) -> String {
    let word = text(name, default: words[0])
    guard words.contains(word) else { throw .unsupported("\(name) '\(word)' is not supported") }
    return word
  }

  func tensor(_ name: String) throws(ConversionError) -> ONNXTensor? {
    guard let attribute = attribute(name, .tensor), attribute.hasT else { return nil }
    return try ONNXTensor(attribute.t, name: "attribute '\(name)'", external: importer.external)
  }

  // MARK: - Inputs

  var inputCount: Int { node.input.count }

  func hasInput(_ index: Int) -> Bool { index < node.input.count && !node.input[index].isEmpty }

  func expectInputs(_ range: ClosedRange<Int>) throws(ConversionError) {
    guard range.contains(inputCount), (0..<range.lowerBound).allSatisfy({ hasInput($0) }) else {
      throw .badData("has \(inputCount) inputs, expected \(range.lowerBound)...\(range.upperBound)")
    }
  }

  func input(_ index: Int) throws(ConversionError) -> ONNXImporter.Named {
    guard hasInput(index) else { throw .badData("input \(index) is missing") }
    readInputs.insert(index)
    guard let found = importer.named[node.input[index]] else {
      let name = printable(node.input[index])
      throw .badData("reads '\(name)', which no earlier node computes (nodes out of order, a cycle, or no initializer)")
    }
    // Named once, where it was refused: no line here.
    if case .refused = found { throw ConversionError(.unsupported, lines: []) }
    return found
  }

  /// Input `index` if it is constant; nil if it is computed or left out.
  func constant(_ index: Int) throws(ConversionError) -> ONNXTensor? {
    guard hasInput(index), case .constant(let tensor) = try input(index) else { return nil }
    return tensor
  }

  func requireConstant(_ index: Int, _ what: String) throws(ConversionError) -> ONNXTensor {
    guard let tensor = try constant(index) else { throw .unsupported("\(what) is computed, expected a constant") }
    return tensor
  }

  /// Input `index`, a constant, as integers that an axis or a size may be.
  func constantIntegers(_ index: Int, _ what: String) throws(ConversionError) -> [Int]? {
    guard hasInput(index) else { return nil }
    let tensor = try requireConstant(index, what)
    guard tensor.count <= 64 else { throw .badData("\(what) has \(tensor.count) elements, at most 64") }
    return tensor.integers.map(Self.bounded)
  }

  /// An attribute that became an input in a later operator set.
  func integers(_ name: String, orInput index: Int) throws(ConversionError) -> [Int]? {
    if let found = integers(name) { return found }
    return try constantIntegers(index, name)
  }

  /// Input `index` as a value of the graph; a constant becomes one.
  func computed(_ index: Int) throws(ConversionError) -> Computed {
    switch try input(index) {
    case .computed(let computed): return computed
    case .refused: throw ConversionError(.unsupported, lines: [])
    case .constant(let tensor):
      let shape = tensor.shape.isEmpty ? [1] : tensor.shape
      try importer.checkShape(shape, "input \(index)")
      let name = node.input[index]
      let value: Int
      if let known = importer.constants[name] {
        value = known
      } else {
        value = try importer.makeConstant(tensor.reals, shape: shape, name: name, quantization: tensor.quantization)
        importer.constants[name] = value
      }
      return Computed(value: value, layout: Array(shape.indices), type: tensor.type)
    }
  }

  func shape(_ computed: Computed) -> [Int] { importer.shape(computed) }

  func arranged(_ computed: Computed, _ layout: [Int]) -> Int { importer.arranged(computed, layout, origin: origin) }

  /// The value with channels (axis 1) stored last, as [N, H, W, C]; a row of three axes gets a height of 1.
  func picture(_ computed: Computed) throws(ConversionError) -> Int {
    let rank = computed.layout.count
    guard rank == 3 || rank == 4 else {
      throw .unsupported("input has \(rank) dimensions, only pictures (4) and rows (3) are supported")
    }
    let value = arranged(computed, [0] + (2..<rank) + [1])
    guard rank == 3 else { return value }
    let stored = importer.graph.values[value].shape
    return append(.reshape, [value], [stored[0], 1, stored[1], stored[2]])
  }

  func axis(_ number: Int, rank: Int) throws(ConversionError) -> Int {
    let axis = number < 0 ? number + rank : number
    guard axis >= 0, axis < rank else { throw .badData("axis \(number) of a tensor of \(rank) dimensions") }
    return axis
  }

  func axes(_ numbers: [Int], rank: Int) throws(ConversionError) -> [Int] {
    var result: [Int] = []
    for number in numbers { result.append(try axis(number, rank: rank)) }
    guard Set(result).count == result.count else { throw .badData("axes \(numbers) name one twice") }
    return result
  }

  // MARK: - Results

  /// A node whose result is not in the source, or not yet named.
  func append(_ operation: Operation, _ inputs: [Int?], _ shape: [Int], type: ValueType = .float32) -> Int {
    let value = importer.makeValue(node.output.first ?? "", shape, type: type)
    importer.graph.nodes.append(Node(operation: operation, inputs: inputs, outputs: [value], origin: origin))
    return value
  }

  func define(_ index: Int, _ named: ONNXImporter.Named) throws(ConversionError) {
    guard index < node.output.count, !node.output[index].isEmpty else {
      if index == 0 { throw .badData("has no output") }
      return
    }
    guard importer.named[node.output[index]] == nil else {
      throw .badData("writes '\(printable(node.output[index]))', which is already there")
    }
    importer.named[node.output[index]] = named
  }

  func define(_ value: Int, layout: [Int], type: ONNXType = .float32, output index: Int = 0) throws(ConversionError) {
    try importer.checkShape(importer.graph.values[value].shape, "output \(index)")
    if type == .int8 || type == .uint8 { keepQuantization(value) }
    try define(index, .computed(Computed(value: value, layout: layout, type: type)))
  }

  /// The result of an operator that takes quantized values as they are has the quantization of what it takes.
  private func keepQuantization(_ value: Int) {
    var source = value
    // A row is made a picture, and a row again: at most three nodes.
    for _ in 0..<3 where importer.graph.values[source].quantization == nil {
      guard let producer = importer.graph.nodes.last(where: { $0.outputs.contains(source) }),
        let input = producer.inputs.first ?? nil
      else { return }
      source = input
    }
    importer.graph.values[value].quantization = importer.graph.values[source].quantization
  }

  /// A picture [N, H, W, C] as the node's result, which has as many axes as `source` had.
  ///
  /// - Parameter type: another than real numbers for an operator that takes quantized values as they are.
  func definePicture(_ value: Int, like source: Computed, type: ONNXType = .float32) throws(ConversionError) {
    guard source.layout.count == 3 else { return try define(value, layout: [0, 2, 3, 1], type: type) }
    let stored = importer.graph.values[value].shape
    try define(append(.reshape, [value], [stored[0], stored[2], stored[3]]), layout: [0, 2, 1], type: type)
  }

  /// Operators with results beyond the first that nobody here computes.
  func expectOneOutput() throws(ConversionError) {
    guard node.output.dropFirst().allSatisfy(\.isEmpty) else {
      throw .unsupported("has \(node.output.count) outputs, only the first is supported")
    }
  }
}
