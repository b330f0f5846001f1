/// How a tensor's elements are visited: element offset + sum of index * stride for each index of `shape`.
struct StridedView {
  var shape: [Int]
  var strides: [Int]
  var offset = 0

  /// All elements in memory order.
  static func dense(_ shape: [Int]) -> StridedView {
    StridedView(shape: shape, strides: denseStrides(shape))
  }

  static func denseStrides(_ shape: [Int]) -> [Int] {
    var strides = Array(repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    return strides
  }

  /// The same elements with axis `i` at place `permutation.firstIndex(of: i)`.
  func permuted(_ permutation: [Int]) -> StridedView {
    StridedView(shape: permutation.map { shape[$0] }, strides: permutation.map { strides[$0] }, offset: offset)
  }

  /// Element indices in row-major order of `shape`.
  var indices: [Int] {
    var result: [Int] = []
    let count = shape.reduce(1, *)
    guard count > 0 else { return [] }
    result.reserveCapacity(count)
    var counter = Array(repeating: 0, count: shape.count)
    var element = offset
    for _ in 0..<count {
      result.append(element)
      for axis in shape.indices.reversed() {
        counter[axis] += 1
        element += strides[axis]
        if counter[axis] < shape[axis] { break }
        element -= strides[axis] * shape[axis]
        counter[axis] = 0
      }
    }
    return result
  }

  /// `shape` seen through a larger index space `target`: what is 1 or missing repeats, with stride 0.
  static func broadcast(_ shape: [Int], to target: [Int]) -> StridedView {
    let padded = Array(repeating: 1, count: target.count - shape.count) + shape
    let dense = denseStrides(padded)
    return StridedView(shape: target, strides: padded.indices.map { padded[$0] == 1 ? 0 : dense[$0] })
  }

  /// Joins neighbouring axes that all strides walk as one and drops axes of size 1: fewer, longer loops.
  static func coalesced(_ shape: [Int], _ strides: [[Int]]) -> (shape: [Int], strides: [[Int]]) {
    var sizes: [Int] = []
    var steps: [[Int]] = strides.map { _ in [] }
    for axis in shape.indices where shape[axis] != 1 {
      if let last = sizes.indices.last,
        strides.indices.allSatisfy({ steps[$0][last] == strides[$0][axis] * shape[axis] })
      {
        sizes[last] *= shape[axis]
        for index in strides.indices { steps[index][last] = strides[index][axis] }
      } else {
        sizes.append(shape[axis])
        for index in strides.indices { steps[index].append(strides[index][axis]) }
      }
    }
    return (sizes, steps)
  }
}

extension StridedView {
  /// [N, H, W, C] read as [N, H / block, W / block, block, block, C].
  static func spaceToDepth(_ shape: [Int], block: Int) -> StridedView {
    let w = denseStrides(shape)
    return StridedView(
      shape: [shape[0], shape[1] / block, shape[2] / block, block, block, shape[3]],
      strides: [w[0], w[1] * block, w[2] * block, w[1], w[2], 1])
  }

  /// [N, H, W, block, block, C] read as [N, H, block, W, block, C].
  static func depthToSpace(_ shape: [Int], block: Int) -> StridedView {
    let d = denseStrides(shape)
    let depth = shape[3] / (block * block)
    return StridedView(
      shape: [shape[0], shape[1], block, shape[2], block, depth],
      strides: [d[0], d[1], block * depth, d[2], depth, 1])
  }
}

typealias Sextet = (Int32, Int32, Int32, Int32, Int32, Int32)

/// The innermost six, filled up in front.
func sextet(_ values: [Int], filling filler: Int) -> Sextet {
  precondition(values.count <= 6)
  let all = Array(repeating: filler, count: 6 - values.count) + values
  return (Int32(all[0]), Int32(all[1]), Int32(all[2]), Int32(all[3]), Int32(all[4]), Int32(all[5]))
}
