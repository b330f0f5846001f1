import Martlet
import MartletDevice

/// `inspect` for people.
enum InspectText {
  static func text(_ engine: borrowing Engine, _ file: borrowing ModelFile, operators: Bool) -> String {
    let manifest = engine.manifest
    var text = line("model", "\(file.path.shown), \(NumberText.grouped(file.bytes.count)) bytes")
    text.add(line("task", Description.task(manifest)))
    for index in 0..<engine.inputCount { text.add(boundary("input \(index)", manifest.inputs[index], engine)) }
    for index in 0..<engine.outputCount { text.add(boundary("output \(index)", manifest.outputs[index], engine)) }
    if engine.labelCount > 0 { text.add(line("labels", labels(engine))) }
    text.add(line("operators", Description.operators(engine)))
    text.add(line("multiply-adds", NumberText.grouped(Int(Description.multiplyAccumulates(engine)))))
    text.add(line("weights", "\(NumberText.grouped(engine.weightsBytes)) bytes, used where they lie in the file"))
    text.add(memory(engine.budget))
    for entry in engine.provenanceLines { text.add(line("", entry)) }
    if operators { text.add("\n" + list(engine)) }
    return text
  }

  @inline(never)
  private static func line(_ name: String, _ value: String) -> String {
    name.padded(to: 16) + value + "\n"
  }

  private static func boundary(_ name: String, _ record: BoundaryRecord, _ engine: borrowing Engine) -> String {
    let tensor = engine.tensor(Int(record.tensor))
    var value = "\(ElementType.name(record.type)) \(Shape.text(tensor))"
    if record.scale > 0 {
      value.add(", scale " + NumberText.decimal(Double(record.scale), places: 9) + ", zero point \(record.zeroPoint)")
    }
    return line(name, value + ", \"" + String(visible: engine.name(ofTensor: Int(record.tensor))) + "\"")
  }

  private static func labels(_ engine: borrowing Engine) -> String {
    var text = "\(engine.labelCount): "
    let shown = min(engine.labelCount, 10)
    for index in 0..<shown {
      if index > 0 { text.add(", ") }
      text.add(String(visible: engine.label(index)))
    }
    return shown < engine.labelCount ? text + ", ..." : text
  }

  private static func memory(_ budget: MemoryBudget) -> String {
    let threads = budget.threads == 1 ? "1 thread" : "\(budget.threads) threads"
    let gap = Double(budget.plannedPeakBytes) / Double(max(budget.lowerBoundBytes, 1))
    var text = line("arena", "\(NumberText.grouped(budget.arenaBytes)) bytes, exactly, with \(threads):")
    text.add(line("  tables", NumberText.grouped(budget.tableBytes)))
    text.add(line(
      "  tensors",
      "\(NumberText.grouped(budget.plannedPeakBytes)) (planned peak; lower bound "
        + "\(NumberText.grouped(budget.lowerBoundBytes)), ratio \(NumberText.decimal(gap, places: 3)))"))
    let scratch = budget.scratchBytesPerThread
    let all = NumberText.grouped(scratch * budget.threads)
    text.add(line("  scratch", "\(all) (\(NumberText.grouped(scratch)) a thread)"))
    return text
  }

  private static func list(_ engine: borrowing Engine) -> String {
    var text = ""
    for index in 0..<engine.operatorCount {
      let record = engine.operatorRecord(index)
      text.add(String(index).padded(to: 5, left: true) + "  " + Opcode.name(record.opcode).padded(to: 24))
      var inputs = ""
      if record.input0 != ModelFormat.none { inputs = Shape.text(engine.tensor(Int(record.input0))) }
      if record.input1 != ModelFormat.none { inputs.add(" " + Shape.text(engine.tensor(Int(record.input1)))) }
      text.add(inputs + " -> " + Shape.text(engine.tensor(Int(record.output))))
      let work = engine.multiplyAccumulates(ofOperator: index)
      text.add(work > 0 ? ", \(NumberText.grouped(Int(work))) multiply-adds\n" : "\n")
    }
    return text
  }
}
