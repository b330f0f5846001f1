import CMartletKernels

extension LanguageModel {
  /// Looks for a NaN or an infinity among scales, norms, biases and float weights. They lie between the other weights:
  /// to look is to read the whole section, which is why loading does not.
  ///
  /// Where the file was not verified, such a weight reaches the scores as a NaN, with the same bits on every processor.
  static func verifyWeights(_ sections: Sections) throws(ModelError) {
    let bytes = sections[.language]
    let weights = sections[.weights]
    let record = bytes.loadUnaligned(as: LanguageRecord.self)
    var order = LanguageTensorOrder(record)
    var index = 0
    while let (kind, _) = order.next() {
      let place = MemoryLayout<LanguageRecord>.size + index * MemoryLayout<LanguageTensorRecord>.size
      guard place + MemoryLayout<LanguageTensorRecord>.size <= bytes.count else { throw ModelError(.changed, .file) }
      let tensor = bytes.loadUnaligned(fromByteOffset: place, as: LanguageTensorRecord.self)
      // Once more, since the file may have changed meanwhile.
      try validate(tensor, kind, index, record, weightsBytes: weights.count)
      let start = Int(tensor.offset)
      let held = UnsafeRawBufferPointer(rebasing: weights[start..<start + Int(tensor.byteCount)])
      if let found = firstNotFinite(held, tensor) {
        throw ModelError(.notFinite, .language, index: index, field: "weights", found: Int64(found))
      }
      index += 1
    }
  }

  /// The number of the first float or scale that is none, in the order of the file; nil if all are finite.
  private static func firstNotFinite(_ held: UnsafeRawBufferPointer, _ tensor: LanguageTensorRecord) -> Int? {
    guard tensor.type == LanguageTensorType.blocksInt8.rawValue || tensor.type == LanguageTensorType.blocksInt4.rawValue
    else {
      for place in stride(from: 0, to: held.count, by: 4) {
        if held.loadUnaligned(fromByteOffset: place, as: UInt32.self) & 0x7F80_0000 == 0x7F80_0000 { return place / 4 }
      }
      return nil
    }
    let groups = (Int(tensor.columns) + Int(tensor.group) - 1) / Int(tensor.group)
    let blocks = (Int(tensor.rows) + 15) / 16
    for block in 0..<blocks {
      let start = block * (held.count / blocks)
      for lane in 0..<16 * groups {
        // A bfloat16 is the upper half of a float.
        let scale = held.loadUnaligned(fromByteOffset: start + lane * 2, as: UInt16.self)
        if scale & 0x7F80 == 0x7F80 { return block * 16 * groups + lane }
      }
    }
    return nil
  }
}
