extension Graph {
  /// A constant's elements as real numbers: dequantized where it is quantized; nil for what is computed.
  func reals(of index: Int) -> [Float]? {
    let value = values[index]
    guard let constant = value.constant else { return nil }
    switch value.type {
    case .float32: return constant.integers(of: UInt32.self).map { Float(bitPattern: $0) }
    case .int8: return dequantized(constant.map { Int32(Int8(bitPattern: $0)) }, value)
    case .int32: return dequantized(constant.integers(of: Int32.self), value)
    case .int64: return constant.integers(of: Int64.self).map { Float($0) }
    case .uint8, .other: return nil
    }
  }

  /// As `reals`; a constant that holds NaN is refused by its name.
  func numbers(of index: Int) throws(ConversionError) -> [Float]? {
    guard let reals = reals(of: index) else { return nil }
    guard !reals.contains(where: \.isNaN) else {
      throw .badData("constant '\(printable(values[index].name))' holds NaN")
    }
    return reals
  }

  private func dequantized(_ integers: [Int32], _ value: Value) -> [Float] {
    guard let quantization = value.quantization, let scale = quantization.scales.first,
      let zeroPoint = quantization.zeroPoints.first
    else { return integers.map { Float($0) } }
    if quantization.scales.count == 1 { return integers.map { Float($0 - zeroPoint) * scale } }
    let inner = value.shape[(quantization.dimension + 1)...].reduce(1, *)
    let channels = quantization.scales.count
    return integers.enumerated().map { index, q in
      let channel = index / inner % channels
      return Float(q - quantization.zeroPoints[channel]) * quantization.scales[channel]
    }
  }

  /// Replaces a value's elements by real numbers.
  mutating func setReals(_ reals: [Float], of index: Int) {
    values[index].type = .float32
    values[index].constant = ArraySlice(reals.withUnsafeBytes { Array($0) })
  }

  /// A new constant.
  mutating func makeReals(_ reals: [Float], shape: [Int], name: String) -> Int {
    values.append(Value(name: name, type: .float32, shape: shape))
    setReals(reals, of: values.count - 1)
    return values.count - 1
  }
}
