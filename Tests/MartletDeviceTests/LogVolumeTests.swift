import Foundation
import Testing

@testable import MartletDevice

@Suite struct LogVolumeTests {
  private func volume(_ camera: (inout CameraConfiguration) -> Void) -> LogVolume {
    var told = CameraConfiguration()
    told.name = "belt"
    told.source = .device("/dev/video0")
    camera(&told)
    var facts = ConfigurationCheck.ModelFacts()
    (facts.outputCount, facts.labelBytes) = (10, 5)
    var model = ModelConfiguration()
    model.name = "cifar"
    return LogVolume(told, model, facts)
  }

  @Test func recordsOfADay() {
    #expect(volume { _ in }.recordsPerDay == 2_592_000.0)
    #expect(volume { $0.rate = 5 }.recordsPerDay == 432_000.0)
    #expect(volume { $0.trigger = .interval(ns: 2_000_000_000) }.recordsPerDay == 43_200.0)
    #expect(volume { $0.trigger = .interval(ns: 1_000_000) }.bytesPerDay ?? 0 > 20_000_000_000)
    #expect(volume { $0.trigger = .line(0, delayNs: 0) }.bytesPerDay == nil)
    #expect(volume { $0.source = .pictures("x", isRepeated: true) }.bytesPerDay == nil)
  }

  /// What was estimated is what is written, give or take a few digits.
  @Test func recordsAreSoLong() throws {
    let folder = TemporaryFolder()
    let root = PipelineTests.root
    let rules =
      "{name: animals, class: [cat, dog], threshold: 0.5, then: [log]}, "
      + "{name: b, class: ship, threshold: 0.5, then: [log]}"
    let text = """
      models: {cifar: {file: \(root)/Models/resnet8-cifar10/resnet8-cifar10.martlet}}
      cameras: {belt: {pictures: \(root)/Tests/Fixtures/pictures, model: cifar, rules: [\(rules)]}}
      log: {file: \(folder.file("log")), every: decision}
      """
    folder.write("c.yaml", Array(text.utf8))
    let check = try ConfigurationCheck(file: folder.file("c.yaml").permanentPath())
    let told = try #require(check.logVolume(ofCamera: 0))
    var pipeline = try Pipeline(check.configuration)
    pipeline.run()
    let lengths = folder.lines("log").filter { $0.hasPrefix("{\"decision\"") }.map { $0.utf8.count + 1 }
    let mean = lengths.reduce(0, +) / max(lengths.count, 1)
    #expect(lengths.count > 2 && abs(mean - told.bytesPerRecord) < 60, "\(mean) of \(told.bytesPerRecord)")
  }
}
