/// One operator while it is imported: its operands, options and results, each checked on access.
final class Operands {
  let source: TFLiteModel.Operator
  let code: OperatorCode
  let origin: Origin
  let importer: Importer
  private let options: FlatTable?
  /// Fields of the options that have been asked for.
  private var read: Set<Int> = []

  init(_ source: TFLiteModel.Operator, _ code: OperatorCode, _ origin: Origin, _ importer: Importer)
    throws(ConversionError)
  {
    self.source = source
    self.code = code
    self.origin = origin
    self.importer = importer
    if let options = source.options, let expected = code.row.optionsType {
      guard source.optionsType == expected else {
        throw .badData("options are of type \(source.optionsType), expected \(expected)")
      }
      self.options = options
    } else {
      self.options = nil
    }
  }

  // MARK: - Options

  func option(_ field: Int, default value: Int = 0) throws(ConversionError) -> Int {
    read.insert(field)
    return Int(try options?.integer(field, default: Int32(value)) ?? Int32(value))
  }

  func byteOption(_ field: Int) throws(ConversionError) -> Int {
    read.insert(field)
    return Int(try options?.integer(field, default: Int8(0)) ?? 0)
  }

  func flag(_ field: Int) throws(ConversionError) -> Bool {
    read.insert(field)
    return try options?.bool(field) ?? false
  }

  func floatOption(_ field: Int) throws(ConversionError) -> Float {
    read.insert(field)
    return try options?.float(field, default: 0) ?? 0
  }

  func integersOption(_ field: Int) throws(ConversionError) -> [Int] {
    read.insert(field)
    return try options?.integers(field, "option", of: Int32.self, limit: 64).map { Int($0) } ?? []
  }

  func activation(_ field: Int) throws(ConversionError) -> Activation {
    let raw = try byteOption(field)
    guard let activation = Activation(rawValue: raw) else {
      let names = [4: "TANH", 5: "SIGN_BIT"]
      throw .unsupported("fused activation \(names[raw] ?? "\(raw)") is not supported")
    }
    return activation
  }

  /// A dimension, stride or the like that must be in 1...limit.
  func positiveOption(_ field: Int, _ name: String, default value: Int = 0, limit: Int = 4096)
    throws(ConversionError) -> Int
  {
    let number = try option(field, default: value)
    guard number >= 1, number <= limit else { throw .badData("\(name) \(number) is not in 1...\(limit)") }
    return number
  }

  /// Options that are there and that no importer has asked for: a later schema may have made them mean something.
  func refuseUnreadOptions() throws(ConversionError) {
    guard let options else { return }
    for field in 0..<options.fieldCount where !read.contains(field) && !code.row.harmlessOptions.contains(field) {
      if try options.has(field) { throw .unsupported("field \(field) of its options is not supported") }
    }
  }

  // MARK: - Inputs

  func expectInputs(_ range: ClosedRange<Int>) throws(ConversionError) {
    guard range.contains(source.inputs.count) else {
      throw .badData("has \(source.inputs.count) inputs, expected \(range.lowerBound)...\(range.upperBound)")
    }
  }

  func hasInput(_ index: Int) -> Bool { index < source.inputs.count && source.inputs[index] >= 0 }

  /// The value index of input `index`.
  func input(_ index: Int) throws(ConversionError) -> Int {
    guard index < source.inputs.count else { throw .badData("input \(index) is missing") }
    let value = try importer.use(source.inputs[index])
    let tensor = importer.tensor(value)
    guard !tensor.isSparse else { throw .unsupported("input \(index) is a sparse tensor") }
    guard !tensor.isVariable else { throw .unsupported("input \(index) is a variable tensor (state)") }
    guard !tensor.isExternal else { throw .unsupported("input \(index) is stored outside the file") }
    guard !tensor.hasOtherQuantization else {
      throw .unsupported("input \(index) has blockwise or custom quantization")
    }
    try importer.checkShape(importer.graph.values[value].shape, "input \(index)")
    return value
  }

  func value(_ index: Int) -> Value { importer.graph.values[index] }

  /// Input `index` as an int8 tensor with one scale.
  func quantizedInput(_ index: Int) throws(ConversionError) -> Int {
    let found = try input(index)
    try requireQuantized(found, "input \(index)")
    return found
  }

  func requireQuantized(_ index: Int, _ what: String) throws(ConversionError) {
    let value = value(index)
    if importer.isFloat, value.type == .float32 { return try checkConstant(index, what) }
    guard value.type == .int8 else {
      let type = value.type == .other ? "a type other than int8" : value.type.rawValue
      let hint = value.type == .float32 ? "; quantize the model to int8 first" : ""
      throw .unsupported("\(what) is \(type), only int8 and uint8 are supported\(hint)")
    }
    guard let quantization = value.quantization else { throw .unsupported("\(what) has no quantization parameters") }
    guard quantization.scales.count == 1 else {
      throw .unsupported("\(what) has \(quantization.scales.count) scales, expected one")
    }
    guard quantization.scales[0] > 0, quantization.scales[0].isFinite else {
      throw .badData("\(what) has scale \(quantization.scales[0])")
    }
    guard (-128...127).contains(quantization.zeroPoints[0]) else {
      throw .badData("\(what) has zero point \(quantization.zeroPoints[0])")
    }
    try checkConstant(index, what)
  }

  /// A constant must have exactly the bytes of its shape.
  func checkConstant(_ index: Int, _ what: String) throws(ConversionError) {
    let value = value(index)
    guard let constant = value.constant else { return }
    let size: Int
    switch value.type {
    case .int8, .uint8: size = 1
    case .int32, .float32: size = 4
    case .int64: size = 8
    case .other: throw .unsupported("\(what) has a type that is not supported")
    }
    guard constant.count == value.count * size else {
      throw .badData("\(what) has \(constant.count) bytes for shape \(value.shape)")
    }
  }

  /// Input `index`, a constant of int32 or int64, as integers.
  func constantIntegers(_ index: Int, limit: Int = 64) throws(ConversionError) -> [Int] {
    let found = try input(index)
    let value = value(found)
    guard let constant = value.constant else { throw .unsupported("input \(index) is computed, expected a constant") }
    try checkConstant(found, "input \(index)")
    guard value.count <= limit else { throw .badData("input \(index) has \(value.count) elements, at most \(limit)") }
    switch value.type {
    case .int32: return constant.integers(of: Int32.self).map { Int($0) }
    case .int64: return constant.integers(of: Int64.self).map { Int(clamping: $0) }
    default: throw .unsupported("input \(index) is \(value.type.rawValue), expected int32")
    }
  }

  // MARK: - Results

  func expectOutputs(_ count: Int) throws(ConversionError) {
    guard source.outputs.count == count else {
      throw .badData("has \(source.outputs.count) outputs, expected \(count)")
    }
  }

  /// Declares output `index` with the shape that the operator gives it.
  func output(_ index: Int = 0, shape: [Int]) throws(ConversionError) -> Int {
    guard index < source.outputs.count else { throw .badData("output \(index) is missing") }
    try importer.checkShape(shape, "output \(index)")
    guard shape.count <= 6 else { throw .unsupported("output has \(shape.count) dimensions, at most 6") }
    let value = try importer.define(source.outputs[index])
    importer.graph.values[value].shape = shape
    return value
  }

  func quantizedOutput(_ index: Int = 0, shape: [Int]) throws(ConversionError) -> Int {
    let value = try output(index, shape: shape)
    try requireQuantized(value, "output \(index)")
    return value
  }

  /// Refuses parameters on the two sides that differ, where the operator only moves elements.
  func requireSameQuantization(_ a: Int, _ b: Int) throws(ConversionError) {
    guard value(a).quantization?.scales == value(b).quantization?.scales,
      value(a).quantization?.zeroPoints == value(b).quantization?.zeroPoints
    else { throw .unsupported("input and output have different scales or zero points") }
  }

  func append(_ operation: Operation, _ inputs: [Int?], _ outputs: [Int]) {
    importer.graph.nodes.append(Node(operation: operation, inputs: inputs, outputs: outputs, origin: origin))
  }

  func setConstant(_ index: Int, _ bytes: [UInt8]) { importer.graph.values[index].constant = ArraySlice(bytes) }

  /// A value that is not in the source.
  func makeValue(like other: Int, shape: [Int], quantization: Quantization?) -> Int {
    var value = value(other)
    value.shape = shape
    value.constant = nil
    value.quantization = quantization
    importer.graph.values.append(value)
    return importer.graph.values.count - 1
  }

  /// An axis that may count from the end.
  func axis(_ number: Int, rank: Int) throws(ConversionError) -> Int {
    let axis = number < 0 ? number + rank : number
    guard axis >= 0, axis < rank else { throw .badData("axis \(number) of a tensor of \(rank) dimensions") }
    return axis
  }

  func requireRank(_ rank: Int, of index: Int, _ what: String) throws(ConversionError) {
    guard value(index).shape.count == rank else {
      throw .unsupported("\(what) has shape \(value(index).shape), expected \(rank) dimensions")
    }
  }
}

extension ArraySlice where Element == UInt8 {
  /// Little-endian integers; a remainder is left out.
  func integers<T: FixedWidthInteger>(of type: T.Type) -> [T] {
    let size = MemoryLayout<T>.size
    return withUnsafeBytes { bytes in
      (0..<bytes.count / size).map { T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: T.self)) }
    }
  }
}
