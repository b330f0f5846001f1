import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// Small files that ask for too much are refused when they are loaded, by the name of the limit.
@Suite struct LimitTests {
  /// A model of one operator, from int8 to int8.
  private func model<P: BitwiseCopyable>(
    _ opcode: Opcode, _ parameters: P, input: Int, output: Int, weights: Int = 0, repeated: Int = 1
  ) -> [UInt8] {
    func tensor(_ count: Int, at offset: Int, in storage: TensorStorage = .arena) -> TensorRecord {
      var record = TensorRecord()
      record.type = ElementType.int8.rawValue
      record.storage = storage.rawValue
      record.rank = 1
      record.dims[0] = UInt32(count)
      record.scale = 1
      record.offset = UInt64(offset)
      record.byteCount = UInt64(count)
      return record
    }
    func up(_ count: Int) -> Int { (count + 63) / 64 * 64 }
    var tensors = TestFile.bytes(of: tensor(input, at: 0)) + TestFile.bytes(of: tensor(output, at: up(input)))
    if weights > 0 { tensors += TestFile.bytes(of: tensor(weights, at: 0, in: .weights)) }
    var record = OperatorRecord()
    record.opcode = opcode.code
    record.input0 = 0
    record.output = 1
    if weights > 0 { record.constant = 2 }
    withUnsafeBytes(of: parameters) { from in
      withUnsafeMutableBytes(of: &record.parameters) { $0.copyMemory(from: from) }
    }
    var plan = PlanRecord()
    plan.plannedPeakBytes = UInt64(up(input) + up(output))
    var manifest = ManifestRecord()
    manifest.inputCount = 1
    manifest.outputCount = 1
    var edge = BoundaryRecord()
    edge.type = UInt32(ElementType.int8.rawValue)
    edge.scale = 1
    edge.tensor = 0
    manifest.inputs[0] = edge
    edge.tensor = 1
    manifest.outputs[0] = edge
    return TestFile.bytes([
      (.manifest, TestFile.bytes(of: manifest)), (.tensors, tensors),
      (.operators, Array(repeatElement(TestFile.bytes(of: record), count: repeated).joined())),
      (.plan, TestFile.bytes(of: plan)), (.weights, [UInt8](repeating: 0, count: weights)),
    ])
  }

  private func refusal(of file: [UInt8], threads: Int = 1) -> ModelError? {
    file.withUnsafeBytes { bytes in
      do throws(ModelError) {
        _ = try Engine.budget(of: bytes, threads: threads)
        return nil
      } catch {
        return error
      }
    }
  }

  private func isOverLimit(_ error: ModelError?, _ found: Int64, _ limit: Int64) -> Bool {
    error?.kind == .overLimit && error?.found == found && error?.expected == limit
  }

  private func convolution(channels: Int32, kernel: Int32, dilation: Int32, pad: Int32 = 0) -> [UInt8] {
    let parameters = martlet_conv2d_params(
      batch: 1, in_h: 1, in_w: 1, in_c: channels, out_h: 1, out_w: 1, out_c: 1, kernel_h: 1, kernel_w: kernel,
      stride_h: 1, stride_w: 1, dilation_h: 1, dilation_w: dilation, pad_top: 0, pad_left: pad, groups: 1,
      input_step_h: 1, input_step_w: 1, input_zero_point: 0, weight_zero_point: 0, output_zero_point: 0,
      clamp_min: -128, clamp_max: 127, double_rescale: 0)
    let weights = 192 + Int(kernel) * ((Int(channels) + 3) / 4) * 64
    return model(.conv2d, parameters, input: Int(channels), output: 1, weights: weights)
  }

  /// 2^20 + 1 columns of 4,096 channels are 2^32 and a little: 4,096 in 32 bits.
  @Test func aWindowWiderThanItsPictureIsCountedIn64Bits() {
    let columns: Int64 = 256 * 4096 + 1
    let scratch = ((columns * 4096 + 6) & ~3) * 2 + 4
    for pad: Int32 in [0, 300] {
      let error = refusal(of: convolution(channels: 4096, kernel: 257, dilation: 4096, pad: pad))
      #expect(error?.kind == .overLimit && error?.expected == Int64(ModelLimits.scratchBytes))
      #expect((error?.found ?? 0) >= scratch)
    }
    #expect(refusal(of: convolution(channels: 64, kernel: 3, dilation: 4096)) == nil)
  }

  private func pointers(batch: Int32, columns: Int32, rows: Int32) -> [UInt8] {
    let parameters = martlet_depthwise_params(
      batch: batch, in_h: 1, in_w: 1, in_c: 1, out_h: 1, out_w: columns, multiplier: 1, kernel_h: rows, kernel_w: 1,
      stride_h: 1, stride_w: 1, dilation_h: 1, dilation_w: 1, pad_top: 0, pad_left: 0, input_zero_point: 0,
      weight_zero_point: 0, output_zero_point: 0, clamp_min: -128, clamp_max: 127)
    let output = Int(batch) * Int(columns)
    return model(.depthwise, parameters, input: Int(batch), output: output, weights: 192 + Int(rows) * 16)
  }

  /// A pixel of zero points, then 2^16 columns of 256 pointers.
  @Test func aTableOfPointersIsScratchToo() {
    let error = refusal(of: pointers(batch: 1, columns: 1 << 16, rows: 256))
    #expect(isOverLimit(error, 128 + 1 << 27, Int64(ModelLimits.scratchBytes)))
  }

  /// A little under 64 MiB for each of 64 threads, and 32 MiB of tensors: 4 GiB and a little.
  @Test func everyThreadsScratchCountsInTheArena() {
    let file = pointers(batch: 1024, columns: 1 << 15, rows: 255)
    #expect(refusal(of: file, threads: 60) == nil)
    let error = refusal(of: file, threads: 64)
    #expect(error?.kind == .overLimit && error?.place == .arena)
    #expect(error?.expected == Int64(ModelLimits.arenaBytes))
  }

  private func pools(side: Int32, kernel: Int32, repeated: Int = 1) -> [UInt8] {
    let parameters = martlet_pool_params(
      batch: 1, in_h: side, in_w: side, channels: 1, out_h: side, out_w: side, kernel_h: kernel, kernel_w: kernel,
      stride_h: 1, stride_w: 1, pad_top: 0, pad_left: 0, clamp_min: -128, clamp_max: 127, unsigned_rounding: 0)
    let count = Int(side) * Int(side)
    return model(.averagePool, parameters, input: count, output: count, repeated: repeated)
  }

  /// A thousand bytes that would compute for days.
  @Test func workIsLimited() {
    #expect(isOverLimit(refusal(of: pools(side: 16384, kernel: 4096)), 1 << 52, ModelLimits.work))
    // 2^28 outputs of 2^14 each, 4.4e12, are allowed once and twice; three times they are too many.
    #expect(refusal(of: pools(side: 16384, kernel: 128, repeated: 2)) == nil)
    let error = refusal(of: pools(side: 16384, kernel: 128, repeated: 3))
    #expect(isOverLimit(error, 3 << 42, ModelLimits.work))
    #expect(error?.index == 2)
  }

  /// Three channels of a 1x1 kernel fill three quarters of a quad; the fourth must be the weights' zero point.
  @Test func verifyFindsPaddingThatIsNotTheZeroPoint() {
    var file = convolution(channels: 3, kernel: 1, dilation: 1)
    func verdict() -> ModelError? {
      file.withUnsafeBytes { bytes in
        do throws(ModelError) {
          try Engine.verify(file: bytes)
          return nil
        } catch {
          return error
        }
      }
    }
    #expect(verdict() == nil)
    // The last section is the weights; the last of its 192 + 64 bytes is padding, the one before is a weight.
    for (place, kind) in [(file.count - 2, ModelError.Kind?.none), (file.count - 1, .mismatch)] {
      file[place] = 1
      file.withUnsafeMutableBytes { FileRepair.repairHashes($0, weights: true) }
      #expect(verdict()?.kind == kind)
    }
    #expect(refusal(of: file) == nil)
  }
}
