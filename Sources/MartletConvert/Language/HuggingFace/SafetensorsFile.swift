/// How the values of a safetensors tensor are stored.
enum SafetensorsType: String {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  var ggml: GGUFType {
    switch self {
    case .float32: .f32
    case .float16: .f16
    case .bfloat16: .bf16
    }
  }
}

/// A safetensors file: a 64-bit header length, the header in JSON, the data. The format is that of the README of
/// huggingface/safetensors.
struct SafetensorsFile {
  struct Tensor {
    let name: String
    /// Outermost dimension first.
    let shape: [Int]
    let elementCount: Int
    /// As the header says; not every one is read.
    let typeName: String
    /// Bytes of the file.
    let range: Range<Int>

    var type: SafetensorsType? { SafetensorsType(rawValue: typeName) }
  }

  let file: MappedFile
  let tensors: [String: Tensor]

  init(_ file: MappedFile) throws(ConversionError) {
    self.file = file
    tensors = try named(file.name) { () throws(ConversionError) in try Self.parse(file.bytes) }
  }

  private static func parse(_ bytes: UnsafeRawBufferPointer) throws(ConversionError) -> [String: Tensor] {
    var cursor = ByteCursor(bytes)
    let length = try cursor.count(limit: LanguageLimits.jsonBytes, elementBytes: 1, "the header's length")
    let start = cursor.position + length
    let header = try JSONObject([UInt8](bytes[cursor.position..<start]), place: "header")
    let keys = header.keys.filter { $0 != "__metadata__" }
    guard keys.count <= LanguageLimits.tensors else { throw .badData("header: \(keys.count) tensors") }
    var tensors: [String: Tensor] = [:]
    for key in keys {
      guard let record = try header.object(key) else { throw header.wrong(key, "an object") }
      tensors[key] = try tensor(key, record, dataStart: start, dataCount: bytes.count - start)
    }
    try requireSeamless(tensors.values.map { ($0.range, $0.name) }, in: start..<bytes.count)
    return tensors
  }

  private static func tensor(
    _ name: String, _ record: JSONObject, dataStart: Int, dataCount: Int
  ) throws(ConversionError) -> Tensor {
    let shown = "tensor \(printable(name))"
    guard let type = try record.text("dtype") else { throw record.missing("dtype") }
    guard let shape = try record.integers("shape") else { throw record.missing("shape") }
    guard let offsets = try record.integers("data_offsets") else { throw record.missing("data_offsets") }
    guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= dataCount else {
      throw .badData(
        "\(shown): data_offsets \(offsets.prefix(3)) are not a range within the \(dataCount) bytes of data")
    }
    guard shape.count <= 8 else { throw .badData("\(shown): has \(shape.count) dimensions") }
    var elements = 1
    for size in shape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { throw .badData("\(shown): shape \(shape) is not possible") }
      elements = product
    }
    let byteCount = offsets[1] - offsets[0]
    if let size = SafetensorsType(rawValue: type)?.ggml.layout?.bytes {
      let (expected, overflow) = elements.multipliedReportingOverflow(by: size)
      guard !overflow, expected == byteCount else {
        throw .badData("\(shown): \(byteCount) bytes for \(elements) values of \(type)")
      }
    }
    return Tensor(
      name: name, shape: shape, elementCount: elements, typeName: printable(type),
      range: dataStart + offsets[0]..<dataStart + offsets[1])
  }

  /// The format allows neither holes nor overlaps. This finds a tensor named twice too, since one of the two is lost.
  private static func requireSeamless(
    _ ranges: [(range: Range<Int>, name: String)], in data: Range<Int>
  ) throws(ConversionError) {
    var end = data.lowerBound
    let sorted = ranges.sorted {
      ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    for (range, name) in sorted {
      guard range.lowerBound >= end else { throw .badData("tensor \(printable(name)): overlaps another") }
      guard range.lowerBound == end else { throw .badData("tensor \(printable(name)): there is a gap before it") }
      end = range.upperBound
    }
    guard end == data.upperBound else { throw .badData("the last \(data.upperBound - end) bytes belong to no tensor") }
  }

  func bytes(_ tensor: Tensor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[tensor.range])
  }

  func values(_ tensor: Tensor) throws(ConversionError) -> [Float] {
    let shown = "\(file.name): tensor \(printable(tensor.name))"
    guard let type = tensor.type else { throw .unsupported("\(shown): \(tensor.typeName) is not supported") }
    let values = withExtendedLifetime(file) {
      GGUFDequantization.values(bytes(tensor), type: type.ggml, count: tensor.elementCount)
    }
    try requireFinite(values, shown)
    return values
  }
}
