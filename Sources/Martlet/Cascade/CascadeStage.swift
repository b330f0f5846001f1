import CMartletKernels

/// An operator of a cascade, as far as rows go: a row is all of one y of a picture, [1, height, width, channels].
public struct CascadeStage: BitwiseCopyable {
  /// Tensors whose rows it reads, and the one whose rows it writes. `ModelFormat.none`: no second input.
  public var input0 = ModelFormat.none
  public var input1 = ModelFormat.none
  public var output = ModelFormat.none
  /// Rows of the inputs, and of the output.
  public var inputRows = 0
  public var outputRows = 0
  /// Output row y reads the input's rows y * stride - padTop and on, `window` of them, as far as there are such rows.
  public var window = 1
  public var stride = 1
  public var padTop = 0

  public init() {}

  /// The stage that a validated operator is; `tensors` gives a tensor of its model.
  ///
  /// A convolution (no transposed one) or a depthwise convolution of one picture; an addition, subtraction or
  /// multiplication of two pictures of one shape; or a table. Throws `.kind` for others, `.shape` where a tensor's
  /// dimensions are not a picture's, or not those of the parameters, and `.window` where an output row reads nothing
  /// but padding.
  public init(_ record: OperatorRecord, tensors: (UInt32) -> TensorRecord) throws(CascadeFault) {
    guard let opcode = Opcode(code: record.opcode), record.input0 != ModelFormat.none else { throw .kind }
    input0 = record.input0
    output = record.output
    let from = try CascadeStage.picture(tensors(input0))
    let to = try CascadeStage.picture(tensors(output))
    inputRows = from.rows
    outputRows = to.rows
    switch opcode {
    case .conv2d:
      let p = record.parameters(as: martlet_conv2d_params.self)
      guard p.batch == 1, p.input_step_h == 1, p.input_step_w == 1 else { throw .kind }
      guard from == Picture(p.in_h, p.in_w, p.in_c), to == Picture(p.out_h, p.out_w, p.out_c) else { throw .shape }
      setWindow(p.kernel_h, p.stride_h, p.dilation_h, p.pad_top)
    case .depthwise:
      let p = record.parameters(as: martlet_depthwise_params.self)
      guard p.batch == 1 else { throw .kind }
      guard from == Picture(p.in_h, p.in_w, p.in_c), to.rows == Int(p.out_h), to.columns == Int(p.out_w),
        to.channels == Int(p.in_c) * Int(p.multiplier)
      else { throw .shape }
      setWindow(p.kernel_h, p.stride_h, p.dilation_h, p.pad_top)
    case .add:
      let p = record.parameters(as: martlet_add_params.self)
      try setPair(record, from, to, p.shape, p.stride0, p.stride1, tensors)
    case .mul:
      let p = record.parameters(as: martlet_mul_params.self)
      try setPair(record, from, to, p.shape, p.stride0, p.stride1, tensors)
    case .table:
      guard from == to else { throw .shape }
    case .averagePool, .maxPool, .mean, .prelu, .softmax, .copy, .fill, .resizeNearest, .resizeBilinear, .argmax,
      .quantize, .dequantize, .maximum, .minimum:
      throw .kind
    }
    // Whatever the record says, for the file may change until it has been copied.
    guard inputRows >= 1, outputRows >= 1, window >= 1, stride >= 1, padTop >= 0 else { throw .window }
    guard padTop < window, (outputRows - 1) * stride - padTop < inputRows else { throw .window }
  }

  /// Of a tensor that a stage reads or writes.
  struct Picture: Equatable {
    var rows: Int
    var columns: Int
    var channels: Int

    init(_ rows: Int32, _ columns: Int32, _ channels: Int32) {
      self.rows = Int(rows)
      self.columns = Int(columns)
      self.channels = Int(channels)
    }
  }

  /// The tensor's picture: one of int8, [1, height, width, channels].
  static func picture(_ tensor: TensorRecord) throws(CascadeFault) -> Picture {
    guard tensor.rank == 4, tensor.dims[0] == 1, tensor.type == ElementType.int8.rawValue else { throw .shape }
    return Picture(
      Int32(truncatingIfNeeded: tensor.dims[1]), Int32(truncatingIfNeeded: tensor.dims[2]),
      Int32(truncatingIfNeeded: tensor.dims[3]))
  }

  private mutating func setWindow(_ kernel: Int32, _ stride: Int32, _ dilation: Int32, _ pad: Int32) {
    window = (Int(kernel) - 1) * Int(dilation) + 1
    self.stride = Int(stride)
    padTop = Int(pad)
  }

  /// Both inputs and the output are one shape, element for element.
  private mutating func setPair(
    _ record: OperatorRecord, _ from: Picture, _ to: Picture, _ shape: (Int32, Int32, Int32, Int32, Int32, Int32),
    _ stride0: (Int32, Int32, Int32, Int32, Int32, Int32), _ stride1: (Int32, Int32, Int32, Int32, Int32, Int32),
    _ tensors: (UInt32) -> TensorRecord
  ) throws(CascadeFault) {
    input1 = record.input1
    let shape = StridedShape(shape)
    guard from == to, try CascadeStage.picture(tensors(input1)) == to,
      StridedShape(stride0).isDense(over: shape), StridedShape(stride1).isDense(over: shape)
    else { throw .shape }
  }

  /// The input's rows that output rows `rows` read: at least one.
  public func inputRows(for rows: Range<Int>) -> Range<Int> {
    let first = max(0, rows.lowerBound * stride - padTop)
    return first..<max(first + 1, min(inputRows, (rows.upperBound - 1) * stride - padTop + window))
  }
}

/// Why operators are no cascade.
public enum CascadeFault: UInt8, Error, BitwiseCopyable {
  /// An operator of a kind that is not cut into rows.
  case kind
  /// A tensor that is not one int8 picture, or not the one of the operator's parameters.
  case shape
  /// An output row that reads no row of the input.
  case window
  /// More stages, or more strips, than `CascadeSchedule` has.
  case limit
  /// Two ways through the cascade that need a tensor in strips of other heights.
  case strip
  /// A tensor that the cascade writes and does not read, and that is not the last one; or reads before it is written.
  case order
  /// A ring that is no multiple of its producer's strip, not lower than the tensor, or too low to come to the end.
  case ring
}
