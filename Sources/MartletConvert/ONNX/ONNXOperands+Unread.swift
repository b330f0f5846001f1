/// What a node says and its importer does not read: refused by name, unless it cannot matter.
extension ONNXOperands {
  /// Attributes that change no result, or that another one has made void where they were not read.
  private static let harmless: [String: Set<String>] = [
    "Conv": ["pads"], "FusedConv": ["pads"], "ConvTranspose": ["pads"], "AveragePool": ["pads"],
    "MaxPool": ["pads", "storage_order"], "Gemm": ["beta"], "BatchNormalization": ["momentum"],
    "ReduceMean": ["keepdims", "noop_with_empty_axes"], "ReduceSum": ["keepdims", "noop_with_empty_axes"],
    "ReduceMax": ["keepdims", "noop_with_empty_axes"], "ReduceMin": ["keepdims", "noop_with_empty_axes"],
    "ReduceProd": ["keepdims", "noop_with_empty_axes"], "Dropout": ["ratio", "seed", "is_test"],
    "Resize": ["keep_aspect_ratio_policy", "cubic_coeff_a", "extrapolation_value"],
    // Of float8 and float4, which are refused.
    "Cast": ["saturate", "round_mode"], "CastLike": ["saturate", "round_mode"],
    // One scale has no axis; the result of a DequantizeLinear is a real number of whatever width.
    "QuantizeLinear": ["axis", "saturate"], "DequantizeLinear": ["axis", "output_dtype"],
  ]

  /// Values that say what is so anyway.
  private static let neutral: [String: Int64] = ["spatial": 1, "precision": 0, "channels_last": 0, "block_size": 0]

  /// Inputs that need not be read: Resize's region and, beside sizes, scales; Dropout's ratio.
  private static let harmlessInputs: [String: Set<Int>] = ["Resize": [1, 2], "Dropout": [1]]

  func refuseUnread() throws(ConversionError) {
    for attribute in node.attribute {
      let shown = "attribute '\(printable(attribute.name))'"
      if let kind = read[attribute.name] {
        // Old files leave the kind out.
        guard attribute.type == 0 || kind == .any || attribute.type == kind.rawValue else {
          throw .badData("\(shown) is of kind \(attribute.type), expected \(kind.rawValue) (\(kind))")
        }
      } else {
        let isHarmless = Self.harmless[node.opType]?.contains(attribute.name) ?? false
        guard isHarmless || Self.neutral[attribute.name].map({ $0 == attribute.i }) ?? false else {
          throw .unsupported("\(shown) is not supported")
        }
      }
    }
    for index in node.input.indices where hasInput(index) && !readInputs.contains(index) {
      guard Self.harmlessInputs[node.opType]?.contains(index) ?? false else {
        throw .unsupported("input \(index) is not supported")
      }
    }
  }

  /// Operators that take quantized values as they are; between all others there is a DequantizeLinear.
  private static let onIntegers: Set<String> = [
    "MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Gather",
    "Expand", "Pad", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth", "Identity", "Dropout", "ReduceMax",
    "GlobalMaxPool",
    "ArgMax", "ArgMin", "DequantizeLinear", "QGemm", "Shape", "Size", "Cast", "CastLike",
  ]

  func requireReals() throws(ConversionError) {
    guard !Self.onIntegers.contains(node.opType), !node.opType.hasPrefix("QLinear") else { return }
    for index in node.input.indices where hasInput(index) {
      guard case .computed(let computed) = importer.named[node.input[index]], !computed.type.isReal else { continue }
      throw .unsupported("is supported on real numbers only, not on \(computed.type)")
    }
  }
}

/// ONNX's AttributeProto.AttributeType, as far as importers ask for it.
enum ONNXAttributeKind: Int32 {
  case any = 0
  case real = 1
  case integer = 2
  case text = 3
  case tensor = 4
  case reals = 6
  case integers = 7
}
