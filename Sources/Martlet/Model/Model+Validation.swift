extension Model {
  /// Checks everything that the executors rely on, once. After this nothing is checked again.
  ///
  /// - Parameters:
  ///   - runsCascades: whether they will run as such, or operator by operator.
  ///   - isBound: whether an engine is bound to the same tables next.
  /// - Returns: what the operators ask for, within `ModelLimits`.
  func validate(runsCascades: Bool = true, isBound: Bool = false) throws(ModelError) -> Demand {
    try validatePlan()
    for index in 0..<tensorCount { try validateTensor(index) }
    try validateManifest()
    try validateLabels()
    var demand = Demand()
    var cascades = CascadeCursor()
    for index in 0..<operatorCount {
      // The workload is that of the very copy that was checked, should the file change meanwhile.
      let validator = OperatorValidator(model: self, index: index)
      let workload = Workload(validator.record, try validator.validate())
      if runsCascades, cascades.contains(index, of: self) { continue }
      demand.scratchBytes = max(demand.scratchBytes, workload.scratchBytes)
      demand.work += workload.work
      try validator.require(within: ModelLimits.scratchBytes, demand.scratchBytes, "scratch of a thread in bytes")
      try validator.require(within: Int(ModelLimits.work), Int(demand.work), "work in multiply-adds")
    }
    let asked = try validateCascades(isBound: isBound && runsCascades)
    guard runsCascades else { return demand }
    demand.cascades = asked
    demand.scratchBytes = max(demand.scratchBytes, demand.cascades.scratchBytes)
    demand.work += demand.cascades.work
    guard demand.scratchBytes <= ModelLimits.scratchBytes, demand.work <= ModelLimits.work else {
      throw ModelError(
        .overLimit, .cascade, field: "work of all cascades", found: demand.work, expected: ModelLimits.work)
    }
    return demand
  }

  /// What all operators together ask for.
  struct Demand {
    /// Of one thread: the most of any operator, on any instruction set.
    var scratchBytes = 0
    /// Multiply-adds or element steps of one inference.
    var work: Int64 = 0
    var cascades = CascadeDemand()
  }

  private func validatePlan() throws(ModelError) {
    let limit = UInt64(ModelFormat.maxElements)
    guard plan.plannedPeakBytes <= limit, plan.plannedPeakBytes % UInt64(ModelFormat.alignment) == 0 else {
      throw ModelError(
        .outOfRange, .plan, field: "plannedPeakBytes", found: Int64(truncatingIfNeeded: plan.plannedPeakBytes),
        expected: Int64(limit))
    }
    guard plan.lowerBoundBytes <= plan.plannedPeakBytes else {
      throw ModelError(
        .outOfRange, .plan, field: "lowerBoundBytes", found: Int64(truncatingIfNeeded: plan.lowerBoundBytes),
        expected: Int64(plan.plannedPeakBytes))
    }
    // All tensors together; without a cascade the two bounds are one.
    let most = UInt64(ModelFormat.maxTensors) * limit
    guard plan.wholeLowerBoundBytes <= most, cascadeCount > 0 || plan.wholeLowerBoundBytes == plan.lowerBoundBytes
    else {
      throw ModelError(
        .mismatch, .plan, field: "wholeLowerBoundBytes",
        found: Int64(truncatingIfNeeded: plan.wholeLowerBoundBytes), expected: Int64(plan.lowerBoundBytes))
    }
  }

  private func validateTensor(_ index: Int) throws(ModelError) {
    let tensor = tensor(index)
    func fail(
      _ kind: ModelError.Kind, _ field: StaticString, _ found: UInt64, _ expected: UInt64 = 0
    ) -> ModelError {
      ModelError(
        kind, .tensor, index: index, field: field, found: Int64(truncatingIfNeeded: found),
        expected: Int64(truncatingIfNeeded: expected))
    }
    guard let type = ElementType(rawValue: tensor.type) else {
      throw fail(.unknownValue, "type", UInt64(tensor.type))
    }
    guard let storage = TensorStorage(rawValue: tensor.storage) else {
      throw fail(.unknownValue, "storage", UInt64(tensor.storage))
    }
    guard tensor.rank <= ModelFormat.maxRank else {
      throw fail(.overLimit, "rank", UInt64(tensor.rank), UInt64(ModelFormat.maxRank))
    }
    var elements: UInt64 = 1
    for axis in 0..<ModelFormat.maxRank {
      let size = UInt64(tensor.dims[axis])
      guard size >= 1, axis < Int(tensor.rank) || size == 1 else { throw fail(.outOfRange, "dims", size, 1) }
      elements *= size  // at most 2^30 * 2^32
      guard elements <= ModelFormat.maxElements else {
        throw fail(.overLimit, "dims", elements, UInt64(ModelFormat.maxElements))
      }
    }
    guard tensor.reserved0 == 0 else { throw fail(.unknownValue, "reserved0", UInt64(tensor.reserved0)) }
    guard tensor.byteCount == elements * UInt64(type.byteCount) else {
      throw fail(.mismatch, "byteCount", tensor.byteCount, elements * UInt64(type.byteCount))
    }
    guard tensor.offset % UInt64(ModelFormat.alignment) == 0 else {
      throw fail(.misaligned, "offset", tensor.offset, UInt64(ModelFormat.alignment))
    }
    if tensor.ringRows > 0 {
      guard storage == .arena, type == .int8, tensor.rank == 4, tensor.dims[0] == 1 else {
        throw fail(.mismatch, "ringRows", UInt64(tensor.ringRows))
      }
      guard tensor.ringRows < tensor.dims[1] else {
        throw fail(.outOfRange, "ringRows", UInt64(tensor.ringRows), UInt64(tensor.dims[1]) - 1)
      }
    }
    let limit = storage == .arena ? plan.plannedPeakBytes : UInt64(weights.count)
    let (end, overflow) = tensor.offset.addingReportingOverflow(tensor.arenaBytes)
    guard !overflow, end <= limit else { throw fail(.outOfBounds, "offset", end, limit) }
    guard tensor.scale.isFinite, tensor.scale >= 0 else {
      throw fail(.outOfRange, "scale", UInt64(tensor.scale.bitPattern))
    }
    guard tensor.zeroPoint >= -128, tensor.zeroPoint <= 255 else {
      throw fail(.outOfRange, "zeroPoint", UInt64(bitPattern: Int64(tensor.zeroPoint)))
    }
    let nameEnd = UInt64(tensor.nameOffset) + UInt64(tensor.nameLength)
    guard nameEnd <= UInt64(names.count) else {
      throw fail(.outOfBounds, "nameOffset", nameEnd, UInt64(names.count))
    }
  }

  private func validateManifest() throws(ModelError) {
    guard let task = ModelTask(rawValue: manifest.task) else {
      throw ModelError(.unknownValue, .manifest, field: "task", found: Int64(manifest.task))
    }
    guard ResizePolicy(rawValue: manifest.resizePolicy) != nil else {
      throw ModelError(.unknownValue, .manifest, field: "resizePolicy", found: Int64(manifest.resizePolicy))
    }
    guard manifest.shorterSide <= UInt32(ResizeGeometry.maxSide) else {
      throw ModelError(
        .outOfRange, .manifest, field: "shorterSide", found: Int64(manifest.shorterSide),
        expected: Int64(ResizeGeometry.maxSide))
    }
    guard manifest.channelOrder <= 1 else {
      throw ModelError(.unknownValue, .manifest, field: "channelOrder", found: Int64(manifest.channelOrder))
    }
    let limit = UInt32(ModelFormat.maxBoundaries)
    guard manifest.inputCount >= 1, manifest.inputCount <= limit else {
      throw ModelError(
        .outOfRange, .manifest, field: "inputCount", found: Int64(manifest.inputCount), expected: Int64(limit))
    }
    guard manifest.outputCount >= 1, manifest.outputCount <= limit else {
      throw ModelError(
        .outOfRange, .manifest, field: "outputCount", found: Int64(manifest.outputCount), expected: Int64(limit))
    }
    for i in 0..<Int(manifest.inputCount) { try validateBoundary(manifest.inputs[i], .input, i) }
    for i in 0..<Int(manifest.outputCount) { try validateBoundary(manifest.outputs[i], .output, i) }
    guard pixels.isEmpty || pixels.count == 768 else {
      throw ModelError(.mismatch, .pixels, field: "length", found: Int64(pixels.count), expected: 768)
    }
    if task == .classification { try validateClassification() }
  }

  private func validateBoundary(
    _ boundary: BoundaryRecord, _ place: ModelError.Place, _ index: Int
  ) throws(ModelError) {
    guard boundary.tensor < tensorCount else {
      throw ModelError(
        .outOfBounds, place, index: index, field: "tensor", found: Int64(boundary.tensor),
        expected: Int64(tensorCount))
    }
    guard boundary.type <= 255, let type = ElementType(rawValue: UInt8(boundary.type)) else {
      throw ModelError(.unknownValue, place, index: index, field: "type", found: Int64(boundary.type))
    }
    let tensor = tensor(Int(boundary.tensor))
    guard tensor.storage == TensorStorage.arena.rawValue else {
      throw ModelError(.unknownValue, place, index: index, field: "storage", found: Int64(tensor.storage))
    }
    try requireNoRing(boundary.tensor, place, index)
    // The arena holds int8 for all three quantized boundary types; other types are what they are.
    let held = ElementType(rawValue: tensor.type)
    let quantized = type == .int8 || type == .uint8 || (type == .float32 && held == .int8)
    guard held == (quantized ? .int8 : type) else {
      throw ModelError(
        .mismatch, place, index: index, field: "type", found: Int64(boundary.type), expected: Int64(tensor.type))
    }
    guard !quantized || (boundary.scale.isFinite && boundary.scale > 0) else {
      throw ModelError(.outOfRange, place, index: index, field: "scale", found: Int64(boundary.scale.bitPattern))
    }
    let range: ClosedRange<Int32> = type == .uint8 ? 0...255 : -128...127
    guard !quantized || range.contains(boundary.zeroPoint) else {
      throw ModelError(.outOfRange, place, index: index, field: "zeroPoint", found: Int64(boundary.zeroPoint))
    }
  }

  /// One picture-shaped input with its pixel table, one output with as many scores as there are labels.
  private func validateClassification() throws(ModelError) {
    let input = tensor(Int(manifest.inputs[0].tensor))
    guard manifest.inputCount == 1, input.rank == 4, input.dims[0] == 1, input.dims[3] == 1 || input.dims[3] == 3,
      input.type == ElementType.int8.rawValue
    else {
      throw ModelError(.mismatch, .input, index: 0, field: "dims", found: Int64(input.rank), expected: 4)
    }
    guard pixels.count == 768 else { throw ModelError(.missing, .pixels, found: Int64(pixels.count), expected: 768) }
    let output = tensor(Int(manifest.outputs[0].tensor))
    guard output.type == ElementType.int8.rawValue else {
      throw ModelError(.mismatch, .output, index: 0, field: "type", found: Int64(output.type), expected: 1)
    }
    guard labelCount == 0 || UInt64(labelCount) == output.byteCount else {
      throw ModelError(
        .mismatch, .labels, field: "labelCount", found: Int64(labelCount),
        expected: Int64(truncatingIfNeeded: output.byteCount))
    }
  }

  private func validateLabels() throws(ModelError) {
    guard labelCount > 0 else { return }
    for index in 0...labelCount {
      let offset = Int64(labelOffset(index))
      let least = index == 0 ? 0 : Int64(labelOffset(index - 1))
      guard offset >= least, offset <= Int64(labelText.count) else {
        throw ModelError(
          .outOfBounds, .labels, index: index, field: "offset", found: offset, expected: Int64(labelText.count))
      }
    }
  }
}
