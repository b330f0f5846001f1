import Martlet
import MartletDevice

/// What several verbs say about a model.
enum Description {
  static func task(_ manifest: ManifestRecord) -> String {
    guard manifest.task == ModelTask.classification.rawValue else { return "tensors" }
    let text = "classification, pictures are fitted by " + resize(manifest.resizePolicy)
    return manifest.shorterSide == 0 ? text : text + ", their shorter side scaled to \(manifest.shorterSide)"
  }

  static func resize(_ policy: UInt32) -> String {
    switch ResizePolicy(rawValue: policy) {
    case .stretch: "stretch"
    case .crop: "crop"
    case .letterbox: "letterbox"
    case nil: "unknown"
    }
  }

  /// How many of each, in order of their first appearance: "14 (9 CONV_2D, 3 ADD, ...)".
  static func operators(_ model: borrowing some ModelTables & ~Copyable) -> String {
    var text = ""
    for (opcode, count) in counts(model) {
      text.add((text.isEmpty ? "" : ", ") + "\(count) \(Opcode.name(opcode))")
    }
    return "\(model.operatorCount) (\(text))"
  }

  static func counts(_ model: borrowing some ModelTables & ~Copyable) -> [(opcode: UInt16, count: Int)] {
    var counts: [(opcode: UInt16, count: Int)] = []
    for index in 0..<model.operatorCount {
      let opcode = model.operatorRecord(index).opcode
      if let place = counts.firstIndex(where: { $0.opcode == opcode }) {
        counts[place].count += 1
      } else {
        counts.append((opcode, 1))
      }
    }
    return counts
  }

  static func multiplyAccumulates(_ model: borrowing some ModelTables & ~Copyable) -> Int64 {
    var sum: Int64 = 0
    for index in 0..<model.operatorCount { sum += model.multiplyAccumulates(ofOperator: index) }
    return sum
  }
}
