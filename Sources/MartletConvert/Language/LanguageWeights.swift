import CMartletKernels
import Foundation
import Martlet

/// How the matrices of a language model are held.
public enum LanguageWeights: String, Sendable, CaseIterable {
  case int8, int4, f32

  var tensorType: LanguageTensorType {
    switch self {
    case .int8: .blocksInt8
    case .int4: .blocksInt4
    case .f32: .blocksF32
    }
  }

  /// What a matrix is really held as. In an int4 model embedding and head stay int8.
  func held(as kind: LanguageTensorKind) -> LanguageWeights {
    self == .int4 && (kind == .embedding || kind == .head) ? .int8 : self
  }
}

/// A matrix of floats as the kernels read it: blocks of 16 rows, see `martlet_matrix`.
struct PackedMatrix {
  let record: LanguageTensorRecord
  let bytes: [UInt8]

  /// - Parameter values: [rows, columns], finite.
  init(_ values: [Float], rows: Int, columns: Int, weights: LanguageWeights) {
    var matrix = martlet_matrix()
    matrix.rows = Int32(rows)
    matrix.columns = Int32(columns)
    matrix.type = Int32(weights.tensorType.rawValue)
    let blockBytes = Int(martlet_matrix_block_bytes(&matrix))
    let blocks = (rows + 15) / 16
    bytes = [UInt8](unsafeUninitializedCapacity: blocks * blockBytes) { buffer, count in
      count = blocks * blockBytes
      let start = buffer.baseAddress!
      start.initialize(repeating: 0, count: count)
      let base = Base(bytes: start)
      values.withUnsafeBufferPointer { values in
        let source = Source(values: values.baseAddress!)
        DispatchQueue.concurrentPerform(iterations: blocks) { block in
          let packer = BlockPacker(columns: columns, out: base.bytes + block * blockBytes)
          for row in block * 16..<min(rows, block * 16 + 16) {
            packer.pack(source.values + row * columns, lane: row % 16, weights)
          }
        }
      }
    }
    var record = LanguageTensorRecord()
    record.type = weights.tensorType.rawValue
    record.rows = UInt32(rows)
    record.columns = UInt32(columns)
    record.byteCount = UInt64(bytes.count)
    self.record = record
  }

  // Each block is written by one thread only.
  private struct Base: @unchecked Sendable { let bytes: UnsafeMutablePointer<UInt8> }
  private struct Source: @unchecked Sendable { let values: UnsafePointer<Float> }
}

/// Writes rows into one block, which is zero before.
struct BlockPacker {
  let columns: Int
  let out: UnsafeMutablePointer<UInt8>

  private static let group = Int(MARTLET_GROUP)
  private static let half = Int(MARTLET_HALF_GROUP)
  private var groups: Int { Int(martlet_group_count(Int32(columns))) }

  func pack(_ row: UnsafePointer<Float>, lane: Int, _ weights: LanguageWeights) {
    switch weights {
    case .f32:
      let floats = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Float.self)
      for column in 0..<columns { floats[column * 16 + lane] = row[column] }
    case .int8: packInt8(row, lane)
    case .int4: packInt4(Int4Row(UnsafeBufferPointer(start: row, count: columns)), lane)
    }
  }

  private func packInt8(_ row: UnsafePointer<Float>, _ lane: Int) {
    var at = (groups * 32 + 63) / 64 * 64
    for index in 0..<groups {
      let begin = index * BlockPacker.group
      let run = UnsafeBufferPointer(start: row + begin, count: min(BlockPacker.group, columns - begin))
      let scale = GroupScale.int8(run)
      store(scale, at: index * 32 + lane * 2)
      let inverse = scale == 0 ? 0 : 1 / scale
      for (i, value) in run.enumerated() {
        let q = max(-127, min(127, (value * inverse).rounded(.toNearestOrEven)))
        out[at + i / 4 * 64 + lane * 4 + i % 4] = UInt8(bitPattern: Int8(q))
      }
      at += BlockPacker.group * 16
    }
  }

  /// - Parameter row: of `columns` columns.
  func packInt4(_ row: Int4Row, _ lane: Int) {
    store(row.step, at: lane * 2)
    store(row.floorStep, at: 32 + lane * 2)
    for (index, level) in row.levels.enumerated() {
      let at = 64 + index / 2 * 64 + index % 2 * 16 + lane
      out[at] = level.multiplier
      out[at + 32] = level.floor
    }
    let start = 64 + groups * 64
    for (column, q) in row.integers.enumerated() {
      let group = start + column / BlockPacker.group * BlockPacker.group * 8
      let i = column % BlockPacker.half
      let at = group + i / 4 * 64 + lane * 4 + i % 4
      out[at] |= column % BlockPacker.group < BlockPacker.half ? q : q << 4
    }
  }

  /// The upper half of a bfloat16 that was rounded before.
  private func store(_ scale: Float, at place: Int) {
    let half = UInt16(scale.bitPattern >> 16)
    out[place] = UInt8(truncatingIfNeeded: half)
    out[place + 1] = UInt8(half >> 8)
  }
}

/// The scale of a group of weights, as a bfloat16.
enum GroupScale {
  /// The least that no weight is clipped with.
  static func int8(_ values: UnsafeBufferPointer<Float>) -> Float {
    var largest: Float = 0
    for value in values { largest = max(largest, value.magnitude) }
    return bfloat(largest / 127, up: true)
  }

  /// To 8 bits of precision: to the nearest, or away from zero. Too small for a bfloat16's normal range: 0.
  static func bfloat(_ value: Float, up: Bool) -> Float {
    guard value.magnitude >= 1e-30 else { return 0 }
    let bits = value.bitPattern
    return Float(bitPattern: (bits &+ (up ? 0xFFFF : 0x7FFF + (bits >> 16 & 1))) & 0xFFFF_0000)
  }
}
