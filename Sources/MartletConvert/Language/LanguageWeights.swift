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

  /// What a matrix is really held as. In an int4 model embedding and head stay int8: on 24 chunks of 512 tokens of
  /// English, SmolLM2-135M has a perplexity of 23.54 in int8, 28.21 so, and 30.61 with four bits there too.
  func held(as kind: LanguageTensorKind) -> LanguageWeights {
    self == .int4 && (kind == .embedding || kind == .head) ? .int8 : self
  }

  /// Columns that share a scale, unless told. On the same text int8 has 23.57 with 32, 23.54 with 64 and 23.70 with
  /// 128, 3 % and 1.4 % fewer bytes each; int4 has 30.61 with 32 and 32.68 with 64.
  public var defaultGroup: Int { self == .int4 ? 32 : 64 }
}

/// A matrix of floats as the kernels read it: blocks of 16 rows, see `martlet_matrix`.
struct PackedMatrix {
  let record: LanguageTensorRecord
  let bytes: [UInt8]

  /// - Parameter values: [rows, columns], finite.
  init(_ values: [Float], rows: Int, columns: Int, weights: LanguageWeights, group: Int) {
    var matrix = martlet_matrix()
    matrix.rows = Int32(rows)
    matrix.columns = Int32(columns)
    matrix.type = Int32(weights.tensorType.rawValue)
    matrix.group = Int32(group)
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
          let packer = BlockPacker(columns: columns, group: group, out: base.bytes + block * blockBytes)
          for row in block * 16..<min(rows, block * 16 + 16) {
            packer.pack(source.values + row * columns, lane: row % 16, weights)
          }
        }
      }
    }
    var record = LanguageTensorRecord()
    record.type = weights.tensorType.rawValue
    record.group = UInt32(group)
    record.rows = UInt32(rows)
    record.columns = UInt32(columns)
    record.byteCount = UInt64(bytes.count)
    self.record = record
  }

  // Each block is written by one thread only.
  private struct Base: @unchecked Sendable { let bytes: UnsafeMutablePointer<UInt8> }
  private struct Source: @unchecked Sendable { let values: UnsafePointer<Float> }
}

/// Writes rows into one block.
private struct BlockPacker {
  let columns: Int
  let group: Int
  let out: UnsafeMutablePointer<UInt8>

  func pack(_ row: UnsafePointer<Float>, lane: Int, _ weights: LanguageWeights) {
    guard weights != .f32 else {
      let floats = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Float.self)
      for column in 0..<columns { floats[column * 16 + lane] = row[column] }
      return
    }
    let groups = (columns + group - 1) / group
    var at = (groups * 32 + 63) / 64 * 64
    for index in 0..<groups {
      let begin = index * group
      let count = min(group, columns - begin)
      let run = UnsafeBufferPointer(start: row + begin, count: count)
      let scale = weights == .int8 ? GroupScale.int8(run) : GroupScale.int4(run)
      storeScale(scale, index, lane)
      let inverse = scale == 0 ? 0 : 1 / scale
      if weights == .int8 {
        for (i, value) in run.enumerated() {
          let q = max(-127, min(127, (value * inverse).rounded(.toNearestOrEven)))
          out[at + i / 4 * 64 + lane * 4 + i % 4] = UInt8(bitPattern: Int8(q))
        }
        at += (count + 3) / 4 * 64
      } else {
        let pairs = (count + 7) / 8
        for i in 0..<pairs * 8 {
          let value = i < count ? run[i] : 0
          let q = UInt8(max(-8, min(7, (value * inverse).rounded(.toNearestOrEven))) + 8)
          let quad = i / 4
          out[at + quad % pairs * 64 + lane * 4 + i % 4] |= quad < pairs ? q : q << 4
        }
        at += pairs * 64
      }
    }
  }

  private func storeScale(_ scale: Float, _ group: Int, _ lane: Int) {
    let half = UInt16(scale.bitPattern >> 16)
    out[group * 32 + lane * 2] = UInt8(truncatingIfNeeded: half)
    out[group * 32 + lane * 2 + 1] = UInt8(half >> 8)
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

  /// The one with the least error, each weight's counted by its square and the group's mean square: large weights
  /// matter most. Both signs are tried, since -8 has no opposite; each trial's integers give the scale that fits them
  /// best.
  static func int4(_ values: UnsafeBufferPointer<Float>) -> Float {
    var extreme: Float = 0
    var square: Float = 0
    for value in values {
      if value.magnitude > extreme.magnitude { extreme = value }
      square += value * value
    }
    guard extreme != 0 else { return 0 }
    let mean = square / Float(values.count)
    var best: Float = 0
    var least = Float.infinity
    for step in -9...9 {
      let inverse = (-8 + 0.1 * Float(step)) / extreme
      for sign: Float in [1, -1] {
        var product: Float = 0
        var energy: Float = 0
        for value in values {
          let q = max(-8, min(7, (value * inverse * sign).rounded(.toNearestOrEven)))
          let weight = value * value + mean
          product += weight * q * value
          energy += weight * q * q
        }
        guard energy > 0 else { continue }
        let scale = bfloat(product / energy, up: false)
        let error = error(values, scale, mean)
        if error < least {
          least = error
          best = scale
        }
      }
    }
    return best
  }

  private static func error(_ values: UnsafeBufferPointer<Float>, _ scale: Float, _ mean: Float) -> Float {
    guard scale != 0 else { return .infinity }
    let inverse = 1 / scale
    var sum: Float = 0
    for value in values {
      let q = max(-8, min(7, (value * inverse).rounded(.toNearestOrEven)))
      let difference = value - q * scale
      sum += (value * value + mean) * difference * difference
    }
    return sum
  }

  /// To 8 bits of precision: to the nearest, or away from zero. Too small for a bfloat16's normal range: 0.
  static func bfloat(_ value: Float, up: Bool) -> Float {
    guard value.magnitude >= 1e-30 else { return 0 }
    let bits = value.bitPattern
    return Float(bitPattern: (bits &+ (up ? 0xFFFF : 0x7FFF + (bits >> 16 & 1))) & 0xFFFF_0000)
  }
}
