import CMartletLinux
import Martlet

/// Writes a decision as a line of JSON, for the sinks behind it; itself it keeps none.
struct RecordSink: ~Copyable, DecisionSink {
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: DecisionLine.recommendedBytes, alignment: 8)
  /// Of the configuration's lines.
  private let lineNames: [UnsafeRawBufferPointer]

  init(_ configuration: Configuration) { lineNames = configuration.lines.map { $0.name.permanentBytes() } }

  deinit { buffer.deallocate() }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    var line = DecisionLine(into: buffer)
    line.begin(
      decision: decision.number, camera: camera.name, sequence: decision.sequence, dropped: decision.dropped)
    line.times(
      capturedNs: decision.capturedNs, decidedNs: decision.decidedNs, actedNs: decision.actedNs, wallUs: decision.wallUs
    )
    line.model(model.name, hash: model.hash)
    writeScores(&line, model)
    line.beginRules()
    for number in camera.rules.indices { line.rule(camera.rules[number].name, camera.rules[number].outcome) }
    line.endList()
    line.beginActions()
    for number in camera.rules.indices { writeActions(&line, camera.rules[number]) }
    line.endList()
    decision.record = line.end()
  }

  private func writeScores(_ line: inout DecisionLine, _ model: borrowing PipelineModel) {
    line.beginScores(isUnknown: model.scores.isUnknown)
    var top = InlineArray<5, Score>(repeating: Score(index: 0, real: 0))
    var span = top.mutableSpan
    let count = span.withUnsafeMutableBufferPointer { model.loaded.engine.topScores(into: $0) }
    for place in 0..<count {
      let score = top[place]
      line.score(
        label: model.loaded.engine.labelOrEmpty(score.index), index: score.index, score: score.real,
        raw: model.scores.raw(score.index))
    }
    line.endList()
  }

  private func writeActions(_ line: inout DecisionLine, _ rule: borrowing CameraRule) {
    for action in rule.configuration.actions {
      switch action.kind {
      case .pulse(let number, _, _):
        if rule.outcome.isFired { line.action("pulse", line: lineNames[number]) }
      case .set(let number):
        if rule.outcome.isFired { line.action("set", line: lineNames[number]) }
        if rule.outcome.isReleased { line.action("release", line: lineNames[number]) }
      case .save:
        if rule.outcome.isFired { line.action("save", line: UnsafeRawBufferPointer(start: nil, count: 0)) }
      case .log: continue
      }
    }
  }

  func report(_ json: inout JSONWriter) {}
  func report(_ text: inout String) {}
}

extension Engine {
  /// Empty where the model has no labels.
  func labelOrEmpty(_ index: Int) -> UnsafeRawBufferPointer {
    index < labelCount ? label(index) : UnsafeRawBufferPointer(start: nil, count: 0)
  }
}
