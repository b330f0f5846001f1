import CMartletFuzz
import Martlet

/// Changes records rather than weights: most bytes of a model file cannot make anything go wrong.
struct LoaderMutator {
  private var state: UInt64

  init(_ seed: UInt32) {
    state = UInt64(seed) | 1 << 40
  }

  private mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(max(bound, 1)))
  }

  private static let interesting: [UInt32] = [
    0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 63, 64, 65, 127, 128, 255, 256, 0x7FFF, 0xFFFF, 0x1_0000, 0x3FFF_FFFF,
    0x4000_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FF80, 0xFFFF_FFC0, 0xFFFF_FFFE, 0xFFFF_FFFF,
  ]

  consuming func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int) -> Int {
    let file = UnsafeMutableRawBufferPointer(start: data, count: size)
    // Every eighth time libFuzzer's own mutation, which also inserts, removes and crosses over.
    guard next(8) != 0, let range = pick(UnsafeRawBufferPointer(file)) else {
      return martlet_fuzz_mutate(data, size, maxSize)
    }
    for _ in 0..<1 + next(3) {
      let word = range.lowerBound + next(range.count / 4) * 4
      guard word + 4 <= size else { break }
      let old = file.loadUnaligned(fromByteOffset: word, as: UInt32.self)
      file.storeBytes(of: changed(old), toByteOffset: word, as: UInt32.self)
    }
    return size
  }

  private mutating func changed(_ old: UInt32) -> UInt32 {
    switch next(5) {
    case 0: LoaderMutator.interesting[next(LoaderMutator.interesting.count)]
    case 1: old &+ 1
    case 2: old &- 1
    case 3: old ^ 1 << UInt32(next(32))
    default: next(2) == 0 ? old &* 2 : old / 2
    }
  }

  /// The header with its table, or one of the sections that hold records.
  private mutating func pick(_ file: UnsafeRawBufferPointer) -> Range<Int>? {
    let headerBytes = MemoryLayout<FileHeader>.size
    guard file.count >= headerBytes else { return nil }
    let count = Int(min(file.loadUnaligned(as: FileHeader.self).sectionCount, 16))
    let end = headerBytes + count * MemoryLayout<SectionRecord>.stride
    guard count > 0, end <= file.count else { return nil }
    let choice = next(count * 3 + 1)
    if choice == 0 { return 0..<end }
    let record = file.loadUnaligned(
      fromByteOffset: headerBytes + choice % count * MemoryLayout<SectionRecord>.stride, as: SectionRecord.self)
    let (last, overflow) = record.offset.addingReportingOverflow(record.length)
    guard !overflow, last <= UInt64(file.count), record.length >= 4 else { return nil }
    // Weights in one case of nine only.
    if record.kind == SectionKind.weights.rawValue && next(3) != 0 { return nil }
    return Int(record.offset)..<Int(last)
  }
}
