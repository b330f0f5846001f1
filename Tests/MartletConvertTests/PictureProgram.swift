import CMartletKernels
import Martlet

@testable import MartletConvert

/// Random networks on pictures, with strides, residuals and branches.
struct PictureProgram {
  private(set) var program = Program()
  private var state: UInt64

  private mutating func next(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(limit))
  }

  /// - Parameter layers: how many operators there are.
  init(seed: UInt64, layers: Int, size: Int) {
    state = seed
    var live = [tensor([1, size + next(size), size + next(size), 1 + next(24)])]
    program.inputs = [DeviceBoundary(tensor: live[0], type: .int8, scale: 1, zeroPoint: 0)]
    for _ in 0..<layers {
      let input = live[next(3) == 0 ? next(live.count) : live.count - 1]
      let shape = program.tensors[input].shape
      let twins = live.filter { $0 != input && program.tensors[$0].shape == shape }
      switch next(6) {
      case 0 where !twins.isEmpty: live.append(add(twins[next(twins.count)], input))
      case 0, 1: live.append(table(input))
      case 2, 3: live.append(depthwise(input))
      default: live.append(convolution(input))
      }
      if live.count > 4 { live.remove(at: next(live.count - 1)) }
    }
    program.outputs = [DeviceBoundary(tensor: live[live.count - 1], type: .int8, scale: 1, zeroPoint: 0)]
  }

  private let origin = Origin(index: 0, code: 0, name: "TEST", version: 1)

  private mutating func tensor(_ shape: [Int]) -> Int {
    let buffer = program.makeBuffer(bytes: shape.reduce(1, *))
    return program.append(
      DeviceTensor(name: "", type: .int8, shape: shape, scale: 1, zeroPoint: 0, storage: .buffer(buffer)))
  }

  private mutating func constant(_ bytes: Int) -> Int {
    program.append(
      DeviceTensor(
        name: "", type: .int8, shape: [bytes], scale: 1, zeroPoint: 0,
        storage: .constant(Array(repeating: 0, count: bytes))))
  }

  private struct Axis {
    var kernel: Int, stride: Int, pad: Int, dilation: Int, output: Int
  }

  private mutating func axis(_ size: Int, kernel: Int, stride: Int, isPadded: Bool) -> Axis {
    let dilation = kernel > 1 && size > 8 && next(4) == 0 ? 2 : 1
    let span = (kernel - 1) * dilation + 1
    let pad = isPadded || size < span ? span / 2 : 0
    let output = max(1, (size + 2 * pad - span) / stride + 1)
    return Axis(kernel: kernel, stride: stride, pad: pad, dilation: dilation, output: output)
  }

  private mutating func axes(_ shape: [Int]) -> (y: Axis, x: Axis) {
    let (kernel, stride, isPadded) = ([1, 3, 3, 5][next(4)], next(4) == 0 ? 2 : 1, next(4) > 0)
    return (
      axis(shape[1], kernel: kernel, stride: stride, isPadded: isPadded),
      axis(shape[2], kernel: kernel, stride: stride, isPadded: isPadded)
    )
  }

  private mutating func convolution(_ input: Int) -> Int {
    let shape = program.tensors[input].shape
    let (y, x) = axes(shape)
    var p = martlet_conv2d_params()
    (p.batch, p.in_h, p.in_w, p.in_c) = (1, Int32(shape[1]), Int32(shape[2]), Int32(shape[3]))
    (p.out_h, p.out_w, p.out_c) = (Int32(y.output), Int32(x.output), Int32(1 + next(40)))
    (p.kernel_h, p.stride_h, p.dilation_h, p.pad_top) = (
      Int32(y.kernel), Int32(y.stride), Int32(y.dilation), Int32(y.pad)
    )
    (p.kernel_w, p.stride_w, p.dilation_w, p.pad_left) = (
      Int32(x.kernel), Int32(x.stride), Int32(x.dilation), Int32(x.pad)
    )
    (p.groups, p.input_step_h, p.input_step_w) = (1, 1, 1)
    let output = tensor([1, y.output, x.output, Int(p.out_c)])
    let weights = constant(Int(martlet_conv2d_weights_bytes(&p)))
    program.operators.append(
      DeviceOperator(.conv2d, origin, inputs: [input], output: output, constant: weights, p))
    return output
  }

  private mutating func depthwise(_ input: Int) -> Int {
    let shape = program.tensors[input].shape
    let (y, x) = axes(shape)
    var p = martlet_depthwise_params()
    (p.batch, p.in_h, p.in_w, p.in_c, p.multiplier) = (1, Int32(shape[1]), Int32(shape[2]), Int32(shape[3]), 1)
    (p.out_h, p.out_w) = (Int32(y.output), Int32(x.output))
    (p.kernel_h, p.stride_h, p.dilation_h, p.pad_top) = (
      Int32(y.kernel), Int32(y.stride), Int32(y.dilation), Int32(y.pad)
    )
    (p.kernel_w, p.stride_w, p.dilation_w, p.pad_left) = (
      Int32(x.kernel), Int32(x.stride), Int32(x.dilation), Int32(x.pad)
    )
    let output = tensor([1, y.output, x.output, shape[3]])
    let weights = constant(Int(martlet_depthwise_weights_bytes(&p)))
    program.operators.append(
      DeviceOperator(.depthwise, origin, inputs: [input], output: output, constant: weights, p))
    return output
  }

  private mutating func table(_ input: Int) -> Int {
    let output = tensor(program.tensors[input].shape)
    let p = martlet_table_params(count: Int32(program.tensors[input].count))
    program.operators.append(
      DeviceOperator(.table, origin, inputs: [input], output: output, constant: constant(256), p))
    return output
  }

  private mutating func add(_ first: Int, _ second: Int) -> Int {
    let output = tensor(program.tensors[first].shape)
    var p = martlet_add_params()
    p.shape = (1, 1, 1, 1, 1, Int32(program.tensors[first].count))
    (p.stride0, p.stride1) = ((0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 1))
    program.operators.append(DeviceOperator(.add, origin, inputs: [first, second], output: output, p))
    return output
  }
}
