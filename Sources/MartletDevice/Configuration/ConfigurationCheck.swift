import Martlet

/// A configuration looked at: its text, the files that it names, its models.
public struct ConfigurationCheck {
  /// What a model needs.
  public struct ModelFacts {
    /// 0 if it could not be opened.
    public var arenaBytes = 0
    /// Of its labels.
    public var classCount = 0
    /// How many scores it gives.
    public var outputCount = 0
    /// Of a label, on an average.
    public var labelBytes = 0
    public var hash: UInt64 = 0
  }

  public private(set) var configuration: Configuration
  /// Sorted.
  public private(set) var messages: ConfigurationMessages
  /// One for each of the configuration's models.
  public private(set) var models: [ModelFacts] = []

  /// Reads the file and looks at every model, one after another.
  ///
  /// - Parameters:
  ///   - looksAround: whether cameras and GPIO chips are asked which they are, and the service's user and sandbox are
  ///     thought of. A camera that hangs takes its time.
  ///   - isForService: the service will read it, wherever it is now.
  public init(file: FilePath, looksAround: Bool = false, isForService: Bool = false) throws(FileError) {
    (configuration, messages) = try Configuration.read(file: file)
    for index in 0..<configuration.models.count {
      models.append(ModelFacts())
      if !configuration.models[index].file.isEmpty { open(index) }
    }
    if looksAround {
      lookForSharedDevices()
      if isForService || ServiceUnit.reads(file) { lookAsService() }
    }
    messages.sort()
  }

  mutating func add(_ place: ConfigurationPlace, _ sentence: String, isWarning: Bool = false) {
    messages.add(place, sentence, isWarning: isWarning)
  }

  /// Looks at the models of a configuration that was checked before.
  init(modelsOf configuration: Configuration) {
    self.configuration = configuration
    messages = ConfigurationMessages()
    for index in 0..<configuration.models.count {
      models.append(ModelFacts())
      open(index)
    }
    messages.sort()
  }

  private mutating func open(_ index: Int) {
    let model = configuration.models[index]
    // It is not there, which has been said.
    for message in messages.list where message.line == model.line && message.column == model.column { return }
    let path = model.file.permanentPath()
    do throws(FileError) {
      let file = try ModelFile(path, command: ConfigurationCheck.command)
      open(file, index, model)
    } catch {
      messages.add(model.line, model.column, error.sentence, isDamaged: true)
    }
  }

  private mutating func open(
    _ file: borrowing ModelFile, _ index: Int, _ model: ModelConfiguration
  ) {
    if file.task == .language {
      messages.add(model.line, model.column, model.file + ": is a language model; rules need a classifier")
      return
    }
    do throws(ModelError) {
      let described = try DescribedModel(file, threads: model.threads)
      models[index].arenaBytes = described.tables.budget.arenaBytes
      models[index].classCount = described.tables.labelCount
      models[index].hash = file.hash
      models[index].note(described.tables)
      configuration.resolveClasses(ofModel: index, described.tables, &messages)
    } catch {
      messages.add(model.line, model.column, file.sentence(for: error), isDamaged: true)
    }
  }

  /// What a camera's decisions add to the log; nil: its model is not known.
  public func logVolume(ofCamera index: Int) -> LogVolume? {
    let camera = configuration.cameras[index]
    guard models.indices.contains(camera.model) else { return nil }
    return LogVolume(camera, configuration.models[camera.model], models[camera.model])
  }

  private static var command: UnsafePointer<CChar> {
    let name: StaticString = "check"
    return UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
  }
}

extension ConfigurationCheck.ModelFacts {
  fileprivate mutating func note(_ tables: borrowing ModelDescription) {
    outputCount = Int(tables.tensor(Int(tables.manifest.outputs[0].tensor)).byteCount)
    var bytes = 0
    for index in 0..<tables.labelCount { bytes += tables.label(index).count }
    labelBytes = bytes / max(tables.labelCount, 1)
  }
}
