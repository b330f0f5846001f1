import CMartletLinux
import Martlet

/// What is recorded besides decisions.
extension PipelineCore {
  /// Records an event with the last decision's number. Start and reload tell which models there are.
  ///
  /// - Parameters:
  ///   - camera: its place in the configuration, if it is about one. That one is lost, or back, is recorded once,
  ///     however often it is told.
  ///   - line: the same of a line.
  ///   - reason: a sentence, if something failed.
  mutating func record(
    _ event: PipelineEvent, camera: Int? = nil, line: Int? = nil, reason: String = ""
  ) {
    switch event {
    case .start, .reload: Self.record(event, reason, in: &sinks, models)
    case .stop, .cameraLost, .cameraBack, .modelLost, .modelBack, .lineFailed, .lineBack, .edgesLost, .summary:
      sinks.second.write(event, camera: camera, line: line, reason: reason)
    }
  }

  private static func record(
    _ event: PipelineEvent, _ reason: String, in sinks: inout Sinks, _ models: borrowing FixedArray<PipelineModel>
  ) {
    sinks.second.write(event, reason: reason) { record in
      record.field(",\"version\":", MartletVersion.text)
      record.beginList(",\"models\":[")
      for index in models.indices { record.model(models[index].name, hash: models[index].hash) }
      record.endList()
    }
  }

  /// Records what each camera did since the last time.
  mutating func summarize() {
    for index in cameras.indices {
      Self.summarize(&sinks, cameras, index, models, cameras[index].configuration.model)
    }
  }

  private static func summarize(
    _ sinks: inout Sinks, _ cameras: borrowing FixedArray<PipelineCamera>, _ camera: Int,
    _ models: borrowing FixedArray<PipelineModel>, _ model: Int
  ) {
    sinks.second.summarize(cameras[camera], by: models[model])
  }

  /// Tells and records which lines began to fail, or work again.
  mutating func watchLines() {
    while let (line, error) = sinks.first.nextChange() {
      record(error == nil ? .lineBack : .lineFailed, line: line, reason: error?.sentence ?? "")
      if let error, error.kind == .gone { stop(error) }
      sinks.first.tellChange(ofLine: line, error)
    }
  }

  /// Edges that never came here.
  mutating func loseEdges(_ count: Int, ofLine line: Int) {
    sinks.first.countLost(count, ofLine: line)
    sinks.second.write(.edgesLost, line: line) { $0.field(",\"count\":", UInt64(count)) }
  }
}
