import Martlet
import MartletDevice

/// `inspect` for programs.
enum InspectJSON {
  static func text(
    _ model: borrowing ModelDescription, _ file: borrowing ModelFile, _ plan: ArenaMap, operators: Bool
  ) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("model", file.path.text)
    json.field("file_bytes", file.bytes.count)
    json.field("format_version", Int(ModelFormat.version))
    let isClassifier = model.manifest.task == ModelTask.classification.rawValue
    json.field("task", isClassifier ? "classification" : "tensors")
    if isClassifier {
      json.field("resize", Description.resize(model.manifest.resizePolicy))
      json.field("shorter_side", Int(model.manifest.shorterSide))
    }
    boundaries("inputs", model, model.inputCount, isInput: true, &json)
    boundaries("outputs", model, model.outputCount, isInput: false, &json)
    labels(model, &json)
    json.beginObject("operators_by_kind")
    for (opcode, count) in Description.counts(model) { json.field(Opcode.name(opcode), count) }
    json.endObject()
    json.field("operator_count", model.operatorCount)
    json.field("multiply_accumulates", Int(Description.multiplyAccumulates(model)))
    json.field("weights_bytes", model.weightsBytes)
    memory(model.budget, &json)
    json.beginArray("cascades")
    for index in 0..<model.cascadeCount {
      let range = model.operators(ofCascade: index)
      json.beginObject()
      json.field("first_operator", range.lowerBound)
      json.field("last_operator", range.upperBound - 1)
      json.field("strip_rows", model.stripRows(ofCascade: index))
      json.endObject()
    }
    json.endArray()
    json.beginArray("provenance")
    for entry in model.provenanceLines { json.element(entry) }
    json.endArray()
    if operators { list(model, &json) }
    draw(plan, &json)
    json.end()
    return json.text
  }

  static func memory(_ budget: MemoryBudget, _ json: inout JSONWriter) {
    json.field("threads", budget.threads)
    json.field("arena_bytes", budget.arenaBytes)
    json.field("table_bytes", budget.tableBytes)
    json.field("planned_peak_bytes", budget.plannedPeakBytes)
    json.field("lower_bound_bytes", budget.lowerBoundBytes)
    json.field("whole_lower_bound_bytes", budget.wholeLowerBoundBytes)
    json.field("scratch_bytes_per_thread", budget.scratchBytesPerThread)
    json.field("work", Int(budget.work))
  }

  private static func boundaries(
    _ key: String, _ model: borrowing ModelDescription, _ count: Int, isInput: Bool, _ json: inout JSONWriter
  ) {
    json.beginArray(key)
    for index in 0..<count {
      let record = isInput ? model.manifest.inputs[index] : model.manifest.outputs[index]
      json.beginObject()
      json.field("name", String(utf8: model.name(ofTensor: Int(record.tensor))))
      json.field("type", ElementType.name(record.type))
      shape("shape", model.tensor(Int(record.tensor)), &json)
      json.field("byte_count", isInput ? model.byteCount(ofInput: index) : model.byteCount(ofOutput: index))
      json.field("scale", Double(record.scale), places: 9)
      json.field("zero_point", Int(record.zeroPoint))
      json.endObject()
    }
    json.endArray()
  }

  private static func labels(_ model: borrowing ModelDescription, _ json: inout JSONWriter) {
    json.beginArray("labels")
    for index in 0..<model.labelCount { json.element(String(utf8: model.label(index))) }
    json.endArray()
  }

  private static func shape(_ key: String, _ tensor: TensorRecord, _ json: inout JSONWriter) {
    json.beginArray(key, inline: true)
    for size in tensor.shape { json.element(size) }
    json.endArray()
  }

  private static func list(_ model: borrowing ModelDescription, _ json: inout JSONWriter) {
    json.beginArray("operators")
    for index in 0..<model.operatorCount {
      let record = model.operatorRecord(index)
      json.beginObject()
      json.field("kind", Opcode.name(record.opcode))
      json.field("source_index", Int(record.sourceIndex))
      if record.input0 != ModelFormat.none { shape("input_0_shape", model.tensor(Int(record.input0)), &json) }
      if record.input1 != ModelFormat.none { shape("input_1_shape", model.tensor(Int(record.input1)), &json) }
      shape("output_shape", model.tensor(Int(record.output)), &json)
      json.field("multiply_accumulates", Int(model.multiplyAccumulates(ofOperator: index)))
      json.endObject()
    }
    json.endArray()
  }

  private static func draw(_ plan: ArenaMap, _ json: inout JSONWriter) {
    json.beginArray("memory_plan")
    for box in plan.boxes {
      json.beginObject()
      json.field("name", box.name)
      json.field("offset_bytes", box.offset)
      json.field("byte_count", box.byteCount)
      json.field("first_operator", box.first)
      json.field("last_operator", box.last)
      json.endObject()
    }
    json.endArray()
  }
}
