import Martlet
import MartletDevice

/// `inspect` for people.
enum InspectText {
  static func text(_ model: borrowing ModelDescription, _ file: borrowing ModelFile, operators: Bool) -> String {
    let manifest = model.manifest
    var text = line("model", "\(file.path.shown), \(NumberText.grouped(file.bytes.count)) bytes")
    text.add(line("task", Description.task(manifest)))
    for index in 0..<model.inputCount { text.add(boundary("input \(index)", manifest.inputs[index], model)) }
    for index in 0..<model.outputCount { text.add(boundary("output \(index)", manifest.outputs[index], model)) }
    if model.labelCount > 0 { text.add(line("labels", labels(model))) }
    text.add(line("operators", Description.operators(model)))
    if model.cascadeCount > 0 { text.add(line("cascades", cascades(model))) }
    text.add(line("multiply-adds", NumberText.grouped(Int(Description.multiplyAccumulates(model)))))
    text.add(line("weights", "\(NumberText.grouped(model.weightsBytes)) bytes, used where they lie in the file"))
    text.add(memory(model.budget))
    for entry in model.provenanceLines { text.add(line("", entry)) }
    if operators { text.add("\n" + list(model)) }
    return text
  }

  @inline(never)
  private static func line(_ name: String, _ value: String) -> String {
    name.padded(to: 16) + value + "\n"
  }

  private static func boundary(
    _ name: String, _ record: BoundaryRecord, _ model: borrowing ModelDescription
  ) -> String {
    let tensor = model.tensor(Int(record.tensor))
    var value = "\(ElementType.name(record.type)) \(tensor.shapeText)"
    if record.scale > 0 {
      value.add(", scale " + NumberText.decimal(Double(record.scale), places: 9) + ", zero point \(record.zeroPoint)")
    }
    return line(name, value + ", \"" + String(visible: model.name(ofTensor: Int(record.tensor))) + "\"")
  }

  private static func labels(_ model: borrowing ModelDescription) -> String {
    var text = "\(model.labelCount): "
    let shown = min(model.labelCount, 10)
    for index in 0..<shown {
      if index > 0 { text.add(", ") }
      text.add(String(visible: model.label(index)))
    }
    return shown < model.labelCount ? text + ", ..." : text
  }

  private static func cascades(_ model: borrowing ModelDescription) -> String {
    var text = "strip by strip run the operators "
    for index in 0..<model.cascadeCount {
      let range = model.operators(ofCascade: index)
      if index > 0 { text.add(", ") }
      text.add("\(range.lowerBound)...\(range.upperBound - 1)")
    }
    return text
  }

  private static func memory(_ budget: MemoryBudget) -> String {
    let threads = budget.threads == 1 ? "1 thread" : "\(budget.threads) threads"
    let gap = Double(budget.plannedPeakBytes) / Double(max(budget.lowerBoundBytes, 1))
    var text = line("arena", "\(NumberText.grouped(budget.arenaBytes)) bytes, exactly, with \(threads):")
    text.add(line("  tables", NumberText.grouped(budget.tableBytes)))
    text.add(
      line(
        "  tensors",
        "\(NumberText.grouped(budget.plannedPeakBytes)) (planned peak; lower bound "
          + "\(NumberText.grouped(budget.lowerBoundBytes)), ratio \(NumberText.decimal(gap, places: 3)); "
          + "layer by layer \(NumberText.grouped(budget.wholeLowerBoundBytes)))"))
    let scratch = budget.scratchBytesPerThread
    let all = NumberText.grouped(scratch * budget.threads)
    text.add(line("  scratch", "\(all) (\(NumberText.grouped(scratch)) a thread)"))
    text.add(line("work", NumberText.grouped(Int(budget.work)) + " multiply-adds or element steps, with padding"))
    return text
  }

  private static func list(_ model: borrowing ModelDescription) -> String {
    var text = ""
    for index in 0..<model.operatorCount {
      let record = model.operatorRecord(index)
      text.add(String(index).padded(to: 5, left: true) + "  " + Opcode.name(record.opcode).padded(to: 24))
      var inputs = ""
      if record.input0 != ModelFormat.none { inputs = model.tensor(Int(record.input0)).shapeText }
      if record.input1 != ModelFormat.none { inputs.add(" " + model.tensor(Int(record.input1)).shapeText) }
      text.add(inputs + " -> " + model.tensor(Int(record.output)).shapeText)
      let work = model.multiplyAccumulates(ofOperator: index)
      text.add(work > 0 ? ", \(NumberText.grouped(Int(work))) multiply-adds\n" : "\n")
    }
    return text
  }
}
