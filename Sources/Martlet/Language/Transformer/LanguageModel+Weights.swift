import CMartletKernels

extension LanguageModel {
  /// The number of the first float or scale of a validated tensor that is a NaN or an infinity, in the order of the
  /// file; nil if there is none.
  @inline(never)
  static func firstNotFinite(_ start: UnsafeRawPointer, _ tensor: LanguageTensorRecord) -> Int? {
    guard tensor.type == LanguageTensorType.blocksInt8.rawValue || tensor.type == LanguageTensorType.blocksInt4.rawValue
    else {
      for index in 0..<Int(tensor.byteCount) / 4 {
        let bits = start.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
        if bits & 0x7F80_0000 == 0x7F80_0000 { return index }
      }
      return nil
    }
    // Each block of 16 rows begins with its scales, or its steps of both kinds: bfloat16, the upper half of a float.
    let isInt8 = tensor.type == LanguageTensorType.blocksInt8.rawValue
    let scales = 16 * (isInt8 ? Int(martlet_group_count(Int32(tensor.columns))) : 2)
    let blocks = (Int(tensor.rows) + 15) / 16
    let blockBytes = Int(tensor.byteCount) / blocks
    for index in 0..<blocks * scales {
      let place = index / scales * blockBytes + index % scales * 2
      if start.loadUnaligned(fromByteOffset: place, as: UInt16.self) & 0x7F80 == 0x7F80 { return index }
    }
    return nil
  }
}
