/// One tensor of a GGUF file.
public struct GGUFTensor: Sendable, Equatable {
  public let name: String
  /// As in the file: the fastest-moving dimension first, so a matrix is [columns, rows].
  public let dimensions: [Int]
  public let type: GGUFType
  /// From the start of the file.
  public let offset: Int
  /// Product of the dimensions.
  public let elementCount: Int
}

/// A GGUF file of version 2 or 3, little-endian; the format is that of ggml's docs/gguf.md.
///
/// Header, metadata and tensor records are checked and copied; the tensors' bytes stay mapped.
public struct GGUFFile {
  public let name: String
  public let version: Int
  public let metadata: [String: GGUFValue]
  public let tensors: [GGUFTensor]
  let file: MappedFile
  private let indices: [String: Int]

  /// Opens the file at `path`. Throws where it is not there, or is not a GGUF file that Martlet reads.
  public init(_ path: String) throws(ConversionError) {
    try self.init(MappedFile(path))
  }

  init(_ file: MappedFile) throws(ConversionError) {
    let parsed = try named(file.name) { () throws(ConversionError) in try GGUFParser.parse(file.bytes) }
    self.file = file
    name = file.name
    version = parsed.version
    metadata = parsed.metadata
    tensors = parsed.tensors
    indices = parsed.indices
  }

  static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.prefix(4).elementsEqual("GGUF".utf8) }

  /// The tensor of that name, if there is one.
  public func tensor(_ name: String) -> GGUFTensor? { indices[name].map { tensors[$0] } }

  /// All values of a tensor of this file. Throws where its type is not read, and where a value is not finite.
  public func values(_ tensor: GGUFTensor) throws(ConversionError) -> [Float] {
    let shown = "\(name): tensor \(printable(tensor.name))"
    guard let layout = tensor.type.layout else {
      throw .unsupported("\(shown): \(tensor.type.name) is not supported")
    }
    let byteCount = tensor.elementCount / layout.elements * layout.bytes
    let source = UnsafeRawBufferPointer(rebasing: file.bytes[tensor.offset..<tensor.offset + byteCount])
    let values = withExtendedLifetime(file) {
      GGUFDequantization.values(source, type: tensor.type, count: tensor.elementCount)
    }
    try requireFinite(values, shown)
    return values
  }
}

/// Neither an infinity nor a NaN may reach the quantizer; in a quantized tensor a block's scale is the cause.
func requireFinite(_ values: [Float], _ shown: String) throws(ConversionError) {
  // In the sum of v - v only values that are not finite leave something: one pass that vectorizes.
  let sum = values.withUnsafeBufferPointer { $0.reduce(Float(0)) { $0 + ($1 - $1) } }
  if sum == 0 { return }
  let index = values.firstIndex { !$0.isFinite } ?? 0
  throw .badData("\(shown): value \(index) is not a finite number")
}
