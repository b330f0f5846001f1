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
