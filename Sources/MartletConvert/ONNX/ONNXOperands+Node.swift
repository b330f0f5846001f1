extension ONNXOperands {
  static let domains: Set<String> = ["", "ai.onnx", "com.microsoft"]

  /// Turns the node into nodes of the graph, or into a constant.
  func importNode() throws(ConversionError) {
    guard Self.domains.contains(node.domain) else {
      throw .unsupported("operators of the domain '\(printable(node.domain))' are not supported")
    }
    if try fold() { return try refuseUnread() }
    let first = importer.graph.nodes.count
    try requireReals()
    try importOperation()
    try refuseUnread()
    try foldConstants(from: first)
  }

  /// Shapes, and what is computed from constants only.
  private func fold() throws(ConversionError) -> Bool {
    guard ONNXFolding.isKnown(node.opType) else { return false }
    if node.opType != "Shape" && node.opType != "Size" {
      for index in node.input.indices where hasInput(index) {
        guard case .constant = try input(index) else { return false }
      }
    }
    guard let results = try ONNXFolding(self).results() else { return false }
    for (index, tensor) in results.enumerated() {
      if !ONNXFolding.isView(node.opType) { try importer.spend(bytes: tensor.byteCount) }
      try define(index, .constant(tensor))
    }
    return true
  }

  /// Nodes that read constants only are computed at once.
  private func foldConstants(from first: Int) throws(ConversionError) {
    var index = first
    while index < importer.graph.nodes.count {
      let node = importer.graph.nodes[index]
      let value = node.outputs[0]
      guard node.inputs.allSatisfy({ $0.map { importer.graph.values[$0].constant != nil } ?? true }),
        importer.graph.values[value].count <= ConversionLimits.foldedElements,
        importer.budget.take(node, in: importer.graph)
      else {
        index += 1
        continue
      }
      importer.graph.setReals(try FloatNode(node, in: importer.graph)([]), of: value)
      importer.graph.nodes.remove(at: index)
      for name in self.node.output {
        guard case .computed(let computed) = importer.named[name], computed.value == value,
          let reals = importer.graph.reals(of: value)
        else { continue }
        let stored = StridedView.dense(importer.graph.values[value].shape)
        let order = computed.layout.indices.map { axis in computed.layout.firstIndex(of: axis)! }
        importer.named[name] = .constant(ONNXTensor(reals: reals, shape: stored.shape).viewed(stored.permuted(order)))
      }
    }
  }

  private func importOperation() throws(ConversionError) {
    switch node.opType {
    case "Conv", "FusedConv": try importConvolution()
    case "ConvTranspose": try importTransposedConvolution()
    case "Gemm": try importGemm()
    case "MatMul": try importMatMul()
    case "BatchNormalization": try importBatchNormalization()
    case "MaxPool": try importMaxPool()
    case "AveragePool": try importAveragePool()
    case "GlobalAveragePool": try importGlobalAveragePool()
    case "GlobalMaxPool": try importGlobalMaxPool()
    case "ReduceMean": try importReduceMean()
    case "ReduceSum": try importReduceSum()
    case "ReduceMax": try importReduceMax()
    case "ArgMax": try importArgument(minimum: false)
    case "ArgMin": try importArgument(minimum: true)
    case "Add": try importBinary(.add)
    case "Sub": try importBinary(.subtract)
    case "Mul": try importBinary(.multiply)
    case "Div": try importBinary(.divide)
    case "Pow": try importBinary(.power)
    case "Min": try importExtremum(.minimum)
    case "Max": try importExtremum(.maximum)
    case "Sum": try importSum()
    case "Clip": try importClip()
    case "PRelu": try importPrelu()
    case "Softmax": try importSoftmax()
    case "Reshape": try importReshape()
    case "Flatten": try importFlatten()
    case "Squeeze": try importSqueeze()
    case "Unsqueeze": try importUnsqueeze()
    case "Transpose": try importTranspose()
    case "Concat": try importConcat()
    case "Split": try importSplit()
    case "Slice": try importSlice()
    case "Gather": try importGather()
    case "Expand": try importExpand()
    case "Pad": try importPad()
    case "Resize", "Upsample": try importResize()
    case "DepthToSpace": try importDepthToSpace()
    case "SpaceToDepth": try importSpaceToDepth()
    case "Identity", "Dropout": try importIdentity()
    case "Cast", "CastLike": try importCast()
    case "QuantizeLinear": try importQuantize()
    case "DequantizeLinear": try importDequantize()
    case "QLinearConv": try importQLinearConv()
    case "QLinearMatMul": try importQLinearMatMul()
    case "QGemm": try importQGemm()
    case "QLinearAdd": try importQLinearBinary(.add)
    case "QLinearMul": try importQLinearBinary(.multiply)
    case "QLinearGlobalAveragePool", "QLinearAveragePool": try importQLinearPool()
    case "QLinearConcat": try importQLinearConcat()
    case "QLinearSigmoid", "QLinearLeakyRelu": try importQLinearUnary()
    case "QLinearSoftmax": try importQLinearSoftmax()
    default:
      if let function = try scalarFunction() { return try importScalar(function) }
      let isFolded = ONNXFolding.isKnown(node.opType)
      throw .unsupported(isFolded ? "is supported on constants only" : "this operator is not supported")
    }
  }
}
