import CMartletFloat
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

  /// What a matrix is really held as. In an int4 model embedding and head are int8 unless told.
  func held(as kind: LanguageTensorKind, head: LanguageWeights? = nil) -> LanguageWeights {
    self == .int4 && (kind == .embedding || kind == .head) ? head ?? .int8 : self
  }
}

/// A matrix of floats as the kernels read it: blocks of 16 rows, see `martlet_matrix`.
struct PackedMatrix {
  let record: LanguageTensorRecord
  let bytes: [UInt8]

  /// - Parameters:
  ///   - values: [rows, columns], finite.
  ///   - inputs: for int4: rounds to the least error in the results for these inputs, as GPTQ does (Frantar et al.,
  ///     "GPTQ", 2022); nil: each weight for itself.
  init(_ values: [Float], rows: Int, columns: Int, weights: LanguageWeights, inputs: InputFactor? = nil) {
    precondition(values.count == rows * columns && inputs.map { $0.columns == columns } ?? true)
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
          let count = min(rows - block * 16, 16)
          let first = source.values + block * 16 * columns
          guard weights != .int4 else { return packer.packInt4(first, rows: count, inputs) }
          for lane in 0..<count { packer.pack(first + lane * columns, lane: lane, weights) }
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

  /// A row as int8 or f32.
  func pack(_ row: UnsafePointer<Float>, lane: Int, _ weights: LanguageWeights) {
    if weights == .int8 { return packInt8(row, lane) }
    let floats = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Float.self)
    for column in 0..<columns { floats[column * 16 + lane] = row[column] }
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

  /// A whole block: [rows, columns].
  func packInt4(_ block: UnsafePointer<Float>, rows: Int, _ inputs: InputFactor?) {
    let weights = UnsafeMutablePointer<Float>.allocate(capacity: 2 * columns * 16)
    defer { weights.deallocate() }
    weights.initialize(repeating: 0, count: 2 * columns * 16)
    for lane in 0..<rows {
      for column in 0..<columns { weights[column * 16 + lane] = block[lane * columns + column] }
    }
    func round(_ importance: UnsafePointer<Float>?) {
      var parameters = martlet_float_int4_params(columns: columns, factor: inputs?.rows, importance: importance)
      martlet_float_int4_block(&parameters, weights, weights + columns * 16, out)
    }
    guard let inputs else { return round(nil) }
    inputs.importance.withUnsafeBufferPointer { round($0.baseAddress) }
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
    return bfloat(largest / 127)
  }

  /// To 8 bits of precision, away from zero. Too small for a bfloat16's normal range: 0.
  private static func bfloat(_ value: Float) -> Float {
    value < 1e-30 ? 0 : Float(bitPattern: (value.bitPattern &+ 0xFFFF) & 0xFFFF_0000)
  }
}
