import CMartletLinux
import Foundation
import Testing

@testable import MartletDevice

private final class Calls { var names: [String] = [] }

private struct Sink: ~Copyable, DecisionSink {
  let name: String
  let calls: Calls
  var lastDecision: UInt64 = 0

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    calls.names.append("\(name) \(decision.number) at \(decision.actedNs)")
    decision.actedNs += 1
  }

  mutating func lose(_ camera: borrowing PipelineCamera) { calls.names.append(name + " loses") }
  mutating func close() { calls.names.append(name + " closes") }
  func guardAgainstFaults() { calls.names.append(name + " guards") }
  func report(_ json: inout JSONWriter) { json.field(name, 1) }
  func report(_ text: inout String) { text.add(name) }
}

/// Sinks in a list take a decision in its order, each with what the ones before added to it.
@Suite struct DecisionSinkTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// What was not done to a line stands in the record as not done, with the reason; a pulse that lies ahead as such.
  @Test(arguments: [LogConfiguration.Every.change, .decision, .rule])
  func aRecordClaimsOnlyWhatWasDone(every: LogConfiguration.Every) throws {
    let folder = TemporaryFolder()
    let picture = Self.root + "/Tests/Fixtures/pictures/baseline.jpg"
    var configuration = Configuration()
    for name in ["gate", "lamp"] {
      var line = LineConfiguration()
      line.name = name
      configuration.lines.append(line)
    }
    var rule = RuleConfiguration()
    rule.classes = [ClassConfiguration(name: "x", index: 0, line: 1, column: 1)]
    (rule.votes, rule.window, rule.fire, rule.threshold) = (1, 1, .always, -1000)
    rule.actions = [
      .pulse(line: 0, durationNs: 1, delayNs: nil), .pulse(line: 0, durationNs: 1, delayNs: 9), .set(line: 1), .save,
    ].map { ActionConfiguration(kind: $0, line: 1) }
    var told = CameraConfiguration()
    (told.name, told.rules) = ("a", [rule])
    configuration.cameras = [told]
    var log = LogConfiguration()
    (log.file, log.maxBytes, log.every) = (folder.file("log"), 1 << 20, every)
    configuration.log = log
    var frames = FramesConfiguration()
    (frames.folder, frames.maxBytes, frames.queueBytes) = (folder.path, 1 << 20, 1 << 20)
    configuration.frames = frames

    var model = ModelConfiguration()
    model.file = Self.root + "/Models/resnet8-cifar10/resnet8-cifar10.martlet"
    var loaded = try PipelineModel(model, in: Configuration())
    var camera = try PipelineCamera(told, firstRule: 0, nowNs: 0)
    loaded.run()
    loaded.scores.update(unknownBelow: nil)
    camera.updateRules(loaded.scores, at: RuleMoment())
    let memory = LineErrors.Memory()
    var sink = try RecordSink(configuration)
    for number in 1...2 {
      for action in 0..<4 { memory.errors.note(number == 1 && action != 3 ? EIO : 0, rule: 0, action: action) }
      var decision = Decision(
        number: UInt64(number), frame: .picture(picture.permanentPath()), sequence: 0, dropped: 0, capturedNs: 1,
        takenNs: 1, inferenceNs: 1, decidedNs: 2, wallUs: 1_795_821_622_123_456)
      decision.lineErrors = memory.errors
      sink.take(&decision, of: camera, by: loaded)
    }
    sink.close()
    let name = { (number: Int) in "00000000000\(number)-20261127T232022.123456Z.jpg" }
    #expect(folder.names.contains(name(1)) && folder.names.contains(name(2)))
    let lines = folder.lines("log").dropLast()
    guard every != .rule else { return #expect(lines.isEmpty) }
    let found = try lines.map { line in
      let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(json?["actions"] as? [NSDictionary])
    }
    let error = "Input/output error"
    let first: [NSDictionary] = [
      ["pulse": "gate", "error": error], ["pulse": "gate", "at_ns": 10, "error": error],
      ["set": "lamp", "error": error], ["save": name(1)],
    ]
    let second: [NSDictionary] = [
      ["pulse": "gate"], ["pulse": "gate", "at_ns": 10], ["set": "lamp"], ["save": name(2)],
    ]
    #expect(found == [first, second])
  }

  @Test func allOfThemInOrder() throws {
    var configuration = ModelConfiguration()
    configuration.file = Self.root + "/Models/resnet8-cifar10/resnet8-cifar10.martlet"
    let model = try PipelineModel(configuration, in: Configuration())
    let camera = try PipelineCamera(CameraConfiguration(), firstRule: 0, nowNs: 0)
    let calls = Calls()
    var several = FixedArray<Sink>(capacity: 2)
    several.append(Sink(name: "b", calls: calls, lastDecision: 5))
    several.append(Sink(name: "c", calls: calls, lastDecision: 12))
    var sinks = Both(Sink(name: "a", calls: calls), Both(several, FixedArray<Sink>(capacity: 0)))
    #expect(sinks.lastDecision == 12)
    var decision = Decision(
      number: 13, frame: .picture("x".permanentPath()), sequence: 0, dropped: 0, capturedNs: 0, takenNs: 0,
      inferenceNs: 0, decidedNs: 0, wallUs: 0)
    sinks.guardAgainstFaults()
    sinks.take(&decision, of: camera, by: model)
    sinks.lose(camera)
    sinks.close()
    #expect(
      calls.names == [
        "a guards", "b guards", "c guards", "a 13 at 0", "b 13 at 1", "c 13 at 2", "a loses", "b loses", "c loses",
        "a closes", "b closes", "c closes",
      ])
    var text = ""
    sinks.report(&text)
    var json = JSONWriter()
    json.begin()
    sinks.report(&json)
    json.end()
    #expect(text == "abc")
    let object = try JSONSerialization.jsonObject(with: Data(json.text.utf8)) as? [String: Int]
    #expect(object == ["a": 1, "b": 1, "c": 1])
  }
}
