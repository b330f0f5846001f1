import CMartletLinux
import Martlet

/// Models and rules as they come into use: all of them, or none.
struct Generation: ~Copyable {
  let configuration: Configuration
  var models: FixedArray<PipelineModel>

  /// Loads the models of a configuration.
  ///
  /// - Parameter verifies: whether all of each file is checked, weights too: one that is replaced while the service
  ///   runs may be on its way.
  init(_ configuration: Configuration, verifies: Bool) throws(PipelineError) {
    var models = FixedArray<PipelineModel>(capacity: configuration.models.count)
    for model in configuration.models {
      models.append(try PipelineModel(model, in: configuration, verifies: verifies))
    }
    self.configuration = configuration
    self.models = models
  }

  mutating func takeModels() -> FixedArray<PipelineModel> {
    var taken = FixedArray<PipelineModel>(capacity: 0)
    swap(&taken, &models)
    return taken
  }

  /// Reads the file of a running configuration again.
  ///
  /// - Throws: what is wrong with it, or what in it would need a restart.
  init(rereading running: Configuration) throws(PipelineError) {
    let path = running.path.permanentPath()
    var check: ConfigurationCheck?
    do throws(FileError) {
      check = try ConfigurationCheck(file: path)
    } catch {
      throw PipelineError(error.sentence, exitCode: error.exitCode)
    }
    try self.init(check!, of: running)
  }

  /// Loads the models of a running configuration again.
  init(reopening running: Configuration) throws(PipelineError) {
    try self.init(ConfigurationCheck(modelsOf: running), of: running)
  }

  private init(_ check: ConfigurationCheck, of running: Configuration) throws(PipelineError) {
    for message in check.messages.list where !message.isWarning {
      var sentence = message.text(path: running.path)
      if check.messages.errorCount > 1 { sentence.add(" (and more: martlet check)") }
      throw PipelineError(sentence, exitCode: check.messages.exitCode)
    }
    if let part = running.needsRestart(for: check.configuration) {
      throw PipelineError(
        running.path + ": " + part + ": differs from what the service runs with, and cannot be taken anew: restart it",
        exitCode: ExitCode.configuration)
    }
    try self.init(check.configuration, verifies: true)
  }
}
