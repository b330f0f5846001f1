import CMartletKernels
import Testing

@testable import MartletConvert

@Suite struct PackingTests {
  private func operands(
    _ weights: [Int8], channels: Int, bias: [Int32]? = nil, inputZeroPoint: Int32 = 5,
    weightZeroPoint: Int32 = 0
  ) -> Lowering.ConvolutionOperands {
    Lowering.ConvolutionOperands(
      input: 0, inputZeroPoint: inputZeroPoint, weightZeroPoint: weightZeroPoint, outputZeroPoint: 0, clamp: -128...127,
      weights: ArraySlice(weights.map { UInt8(bitPattern: $0) }),
      bias: bias ?? Array(repeating: 10, count: channels),
      rescale: (0..<channels).map { (multiplier: Int32(1000 + $0), shift: Int32(-$0)) })
  }

  private func convolution(kernel: Int32, inputs: Int32, outputs: Int32, groups: Int32 = 1) -> martlet_conv2d_params {
    var p = martlet_conv2d_params()
    (p.batch, p.in_h, p.in_w, p.in_c) = (1, 8, 8, inputs)
    (p.out_h, p.out_w, p.out_c) = (8, 8, outputs)
    (p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.dilation_h, p.dilation_w) = (kernel, kernel, 1, 1, 1, 1)
    (p.groups, p.input_step_h, p.input_step_w) = (groups, 1, 1)
    return p
  }

  private func words(_ bytes: ArraySlice<UInt8>) -> [Int32] { bytes.integers(of: Int32.self) }

  @Test func quadsOfOneByOne() throws {
    // Two channels of depth 5: two quads, the second with three padding weights.
    let weights: [Int8] = [1, 2, 3, 4, 5, -1, -2, -3, -4, -5]
    let p = convolution(kernel: 1, inputs: 5, outputs: 2)
    let packed = try Packing.convolution(p, operands(weights, channels: 2))
    #expect(packed.count == withUnsafePointer(to: p) { martlet_conv2d_weights_bytes($0) })
    let header = words(packed[0..<192])
    #expect(header[0] == 10 - 5 * 15 && header[1] == 10 + 5 * 15 && header[2] == 0)
    #expect(header[16] == 1000 && header[17] == 1001 && header[18] == 0)
    #expect(header[32] == 0 && header[33] == -1)
    #expect(packed[192..<200] == [1, 2, 3, 4, 255, 254, 253, 252])
    #expect(packed[256..<264] == [5, 0, 0, 0, 251, 0, 0, 0])
  }

  @Test(arguments: [(Int32(3), Int32(3), Int32(17), Int32(1)), (3, 8, 32, 2), (1, 16, 16, 4), (5, 1, 3, 1)])
  func sizesAreTheKernels(kernel: Int32, inputs: Int32, outputs: Int32, groups: Int32) throws {
    let p = convolution(kernel: kernel, inputs: inputs, outputs: outputs, groups: groups)
    let count = Int(outputs * kernel * kernel * (inputs / groups))
    let weights = (0..<count).map { Int8(truncatingIfNeeded: $0) }
    let packed = try Packing.convolution(p, operands(weights, channels: Int(outputs), weightZeroPoint: 7))
    #expect(packed.count == withUnsafePointer(to: p) { martlet_conv2d_weights_bytes($0) })
  }

  @Test func depthwiseIsChannelContiguous() throws {
    var p = martlet_depthwise_params()
    (p.batch, p.in_h, p.in_w, p.in_c, p.multiplier) = (1, 4, 4, 3, 6)
    (p.out_h, p.out_w, p.kernel_h, p.kernel_w) = (4, 4, 1, 2)
    (p.stride_h, p.stride_w, p.dilation_h, p.dilation_w) = (1, 1, 1, 1)
    p.weight_zero_point = 9
    let weights = (0..<36).map { Int8($0) }
    let packed = try Packing.depthwise(p, operands(weights, channels: 18, weightZeroPoint: 9))
    #expect(packed.count == withUnsafePointer(to: p) { martlet_depthwise_weights_bytes($0) })
    #expect(packed[192..<208] == (0..<16).map { UInt8($0) }[...])
    #expect(packed[208..<224] == (18..<34).map { UInt8($0) }[...])
    #expect(packed[224 + 192] == 16 && packed[224 + 194] == 9)
  }

  @Test func turnedKernels() {
    let weights = (0..<12).map { UInt8($0) }
    let turned = Packing.turned(weights, outputs: 1, height: 2, width: 3, depth: 2)
    #expect(turned == [10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1])
  }

  @Test func overflowIsRefused() {
    let p = convolution(kernel: 1, inputs: 1, outputs: 1)
    #expect(throws: ConversionError.self) {
      _ = try Packing.convolution(p, operands([1], channels: 1, bias: [Int32.min]))
    }
  }
}
