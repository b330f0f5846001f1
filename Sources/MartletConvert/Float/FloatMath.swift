import CMartletKernels
import Foundation

/// How a resized pixel's place in the source is found; TensorFlow's two flags.
struct ResizeMode: Sendable {
  var alignCorners: Bool
  var halfPixelCenters: Bool

  func position(_ out: Int, from inSize: Int, to outSize: Int) -> Float {
    let scale =
      alignCorners && outSize > 1 ? Float(inSize - 1) / Float(outSize - 1) : Float(inSize) / Float(outSize)
    return halfPixelCenters ? (Float(out) + 0.5) * scale - 0.5 : Float(out) * scale
  }

  /// The nearest source index, as the device's kernel finds it.
  func nearest(_ out: Int, from inSize: Int, to outSize: Int) -> Int {
    let scale =
      alignCorners && outSize > 1 ? Float(inSize - 1) / Float(outSize - 1) : Float(inSize) / Float(outSize)
    let position = (Float(out) + (halfPixelCenters ? 0.5 : 0)) * scale
    return min(Int(alignCorners ? position.rounded(.toNearestOrAwayFromZero) : position), inSize - 1)
  }
}

/// What the other operations compute, on row-major arrays.
enum FloatMath {
  static func broadcast(
    _ shapes: [[Int]], _ output: [Int], _ operation: @escaping @Sendable (Float, Float) -> Float
  ) -> FloatNode.Function {
    let count = output.reduce(1, *)
    if shapes[0] == output, shapes[1] == output {
      return { inputs in
        var result = inputs[0]
        inputs[1].withUnsafeBufferPointer { b in for i in 0..<count { result[i] = operation(result[i], b[i]) } }
        return result
      }
    }
    let views = shapes.map { StridedView.broadcast($0, to: output) }
    let (shape, strides) = StridedView.coalesced(output, views.map(\.strides))
    let inner = shape.last ?? 1
    let (step0, step1) = (strides[0].last ?? 0, strides[1].last ?? 0)
    let outer = views.indices.map {
      StridedView(shape: Array(shape.dropLast()), strides: Array(strides[$0].dropLast())).indices
    }
    return { inputs in
      var result = [Float](repeating: 0, count: count)
      for (row, (start0, start1)) in zip(outer[0], outer[1]).enumerated() {
        for i in 0..<inner {
          result[row * inner + i] = operation(inputs[0][start0 + i * step0], inputs[1][start1 + i * step1])
        }
      }
      return result
    }
  }

  static func gather(_ view: StridedView) -> FloatNode.Function {
    let indices = view.indices
    return { inputs in indices.map { inputs[0][$0] } }
  }

  static func pad(from shape: [Int], to output: [Int], before: [Int], _ value: PadValue) -> FloatNode.Function {
    let strides = StridedView.denseStrides(output)
    let offset = zip(before, strides).reduce(0) { $0 + $1.0 * $1.1 }
    let places = StridedView(shape: shape, strides: strides, offset: offset).indices
    let count = output.reduce(1, *)
    var filler: Float = 0
    if case .real(let real) = value { filler = real }
    return { [filler] inputs in
      var result = [Float](repeating: filler, count: count)
      for (index, place) in places.enumerated() { result[place] = inputs[0][index] }
      return result
    }
  }

  static func concatenate(_ inputs: [[Float]], shapes: [[Int]], axis: Int) -> [Float] {
    let outer = shapes[0][..<axis].reduce(1, *)
    let lengths = shapes.map { $0[axis...].reduce(1, *) }
    var result: [Float] = []
    result.reserveCapacity(outer * lengths.reduce(0, +))
    for row in 0..<outer {
      for (input, length) in zip(inputs, lengths) { result += input[row * length..<(row + 1) * length] }
    }
    return result
  }

  /// Summed in double precision.
  static func mean(_ input: [Float], shape: [Int], axes: [Int]) -> [Float] {
    let kept = shape.indices.filter { !axes.contains($0) }
    let strides = StridedView.denseStrides(shape)
    let inner = StridedView(shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] }).indices
    let outer = StridedView(shape: kept.map { shape[$0] }, strides: kept.map { strides[$0] }).indices
    return outer.map { start in
      Float(inner.reduce(0.0) { $0 + Double(input[start + $1]) } / Double(inner.count))
    }
  }

  static func softmax(_ input: [Float], depth: Int, beta: Float) -> [Float] {
    var result = input
    for row in stride(from: 0, to: input.count, by: depth) {
      let largest = input[row..<row + depth].max() ?? 0
      var sum = 0.0
      for i in row..<row + depth {
        let value = exp(Double(beta) * Double(input[i] - largest))
        result[i] = Float(value)
        sum += value
      }
      for i in row..<row + depth { result[i] = Float(Double(result[i]) / sum) }
    }
    return result
  }

  /// The first of equal ones.
  static func argument(_ input: [Float], shape: [Int], axis: Int, minimum: Bool) -> [Float] {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    var result: [Float] = []
    for o in 0..<outer {
      for i in 0..<inner {
        let start = o * shape[axis] * inner + i
        var best = 0
        for k in 1..<max(shape[axis], 1) {
          let (candidate, holder) = (input[start + k * inner], input[start + best * inner])
          if minimum ? candidate < holder : candidate > holder { best = k }
        }
        result.append(Float(best))
      }
    }
    return result
  }

  /// [N, H, W, C].
  static func resizeNearest(_ input: [Float], from: [Int], to: [Int], _ mode: ResizeMode) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(to.reduce(1, *))
    let columns = (0..<to[2]).map { mode.nearest($0, from: from[2], to: to[2]) }
    for n in 0..<to[0] {
      for y in 0..<to[1] {
        let row = (n * from[1] + mode.nearest(y, from: from[1], to: to[1])) * from[2]
        for column in columns { result += input[(row + column) * from[3]..<(row + column + 1) * from[3]] }
      }
    }
    return result
  }

  /// [N, H, W, C].
  static func resizeBilinear(_ input: [Float], from: [Int], to: [Int], _ mode: ResizeMode) -> [Float] {
    func tap(_ out: Int, _ inSize: Int, _ outSize: Int) -> (low: Int, high: Int, weight: Float) {
      let position = mode.position(out, from: inSize, to: outSize)
      let low = max(0, Int(position.rounded(.down)))
      let high = max(0, min(inSize - 1, Int(position.rounded(.up))))
      return (min(low, inSize - 1), high, low == high ? 0 : position - Float(low))
    }
    let depth = from[3]
    var result: [Float] = []
    result.reserveCapacity(to.reduce(1, *))
    for n in 0..<to[0] {
      for y in 0..<to[1] {
        let v = tap(y, from[1], to[1])
        for x in 0..<to[2] {
          let h = tap(x, from[2], to[2])
          let corners = [(v.low, h.low), (v.low, h.high), (v.high, h.low), (v.high, h.high)].map {
            ((n * from[1] + $0.0) * from[2] + $0.1) * depth
          }
          for c in 0..<depth {
            let top = input[corners[0] + c] * (1 - h.weight) + input[corners[1] + c] * h.weight
            let bottom = input[corners[2] + c] * (1 - h.weight) + input[corners[3] + c] * h.weight
            result.append(top * (1 - v.weight) + bottom * v.weight)
          }
        }
      }
    }
    return result
  }
}

/// Pools leave out what lies outside the picture.
enum FloatPool {
  static func maximum(_ p: martlet_pool_params, _ input: [Float]) -> [Float] {
    run(p, input, start: -.infinity) { largest, x in max(largest, x) }
  }

  static func average(_ p: martlet_pool_params, _ input: [Float]) -> [Float] {
    var result = run(p, input, start: 0) { $0 + $1 }
    let channels = Int(p.channels)
    var pixel = 0
    for _ in 0..<p.batch {
      for y in 0..<p.out_h {
        let rows = Self.rows(y, p.stride_h, p.pad_top, p.kernel_h, p.in_h).count
        for x in 0..<p.out_w {
          let count = Float(rows * Self.rows(x, p.stride_w, p.pad_left, p.kernel_w, p.in_w).count)
          for c in 0..<channels { result[pixel * channels + c] /= count }
          pixel += 1
        }
      }
    }
    return result
  }

  private static func rows(_ out: Int32, _ stride: Int32, _ pad: Int32, _ kernel: Int32, _ size: Int32) -> Range<Int> {
    let first = max(0, out * stride - pad)
    return Int(first)..<Int(max(first, min(size, out * stride - pad + kernel)))
  }

  private static func run(
    _ p: martlet_pool_params, _ input: [Float], start: Float, _ join: (Float, Float) -> Float
  ) -> [Float] {
    let channels = Int(p.channels)
    let plane = Int(p.in_h) * Int(p.in_w)
    var result = [Float](repeating: start, count: Int(p.batch) * Int(p.out_h) * Int(p.out_w) * channels)
    var place = 0
    for n in 0..<Int(p.batch) {
      for y in 0..<p.out_h {
        for x in 0..<p.out_w {
          for row in rows(y, p.stride_h, p.pad_top, p.kernel_h, p.in_h) {
            for column in rows(x, p.stride_w, p.pad_left, p.kernel_w, p.in_w) {
              let pixel = (n * plane + row * Int(p.in_w) + column) * channels
              for c in 0..<channels { result[place + c] = join(result[place + c], input[pixel + c]) }
            }
          }
          place += channels
        }
      }
    }
    return result
  }
}
