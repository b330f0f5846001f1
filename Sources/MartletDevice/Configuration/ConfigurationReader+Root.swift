import CMartletLinux

// The file's top, and everything but cameras.

extension ConfigurationReader {
  static let rootKeys = Words("models lines cameras log frames status")

  mutating func readRoot() {
    guard let root = fields(0, ConfigurationReader.rootKeys, "a configuration") else { return }
    // What cameras refer to comes first, wherever it stands.
    definitions(root[0], Configuration.maxModels) { $0.readModel($1, $2) }
    definitions(root[1], Configuration.maxLines) { $0.readLine($1, $2) }
    usedModels = [Bool](repeating: false, count: configuration.models.count)
    usedLines = [Bool](repeating: false, count: configuration.lines.count)
    readLog(root[3])
    readFrames(root[4])
    if let path = path(root[5]) {
      configuration.status = path
      if path.utf8.count > 107 { wrong(root[5], "a path of at most 107 bytes, which is what a socket can have") }
    }
    definitions(root[2], Configuration.maxCameras) { $0.readCamera($1, $2) }
    if root[2] < 0 || isMapping(root[2]) && first(root[2]) < 0 {
      error(max(root[2], 0), "there is no camera: cameras: is missing or empty")
    }
    reportMissingParts()
    reportUnused(root[0], usedModels, "no camera uses the model %v")
    reportUnused(root[1], usedLines, "no trigger and no rule uses the line %v")
  }

  /// The entries of a mapping whose keys are names.
  private mutating func definitions(
    _ node: Node, _ limit: Int, _ body: (inout ConfigurationReader, Node, Node) -> Void
  ) {
    guard node >= 0 else { return }
    guard isMapping(node) else {
      wrong(node, "a mapping of names")
      return
    }
    var count = 0
    var key = first(node)
    while key >= 0 {
      let value = next(key)
      count += 1
      if count > limit {
        error(key, "%v: there are more than %s", String(limit))
        return
      }
      body(&self, key, value)
      key = next(value)
    }
  }

  private mutating func reportMissingParts() {
    if needsLog >= 0, configuration.log == nil { error(needsLog, "log: there is no log; define it at the top") }
    if needsFrames >= 0, configuration.frames == nil {
      error(needsFrames, "save: there is no frame store; define frames at the top")
    }
  }

  private mutating func reportUnused(_ node: Node, _ used: [Bool], _ what: StaticString) {
    guard node >= 0, isMapping(node) else { return }
    var key = first(node)
    for isUsed in used {
      if key < 0 { return }
      if !isUsed { warn(key, what) }
      key = next(next(key))
    }
  }

  // MARK: Models

  private mutating func readModel(_ key: Node, _ node: Node) {
    var model = ModelConfiguration()
    model.name = name(key)
    model.line = line(key)
    model.column = column(key)
    if let fields = fields(node, Words("file threads"), "a model") {
      if fields[0] < 0 { error(key, "model %v: file is missing") }
      if let path = path(fields[0]) {
        model.file = path
        model.line = line(fields[0])
        model.column = column(fields[0])
        look(fields[0], path, isFolder: false)
      }
      model.threads = integer(fields[1], 1, 64) ?? 1
    }
    configuration.models.append(model)
    modelNames.append(model.name)
  }

  /// That the file or folder is there.
  @inline(never)
  mutating func look(_ node: Node, _ path: String, isFolder: Bool?) {
    guard checksFiles else { return }
    var kind: Int32 = 0
    let code = path.withPath { martlet_path_look($0, &kind) }
    if code != 0 {
      let sentence = path + ": " + String(cString: martlet_error_text(code))
      messages.add(line(node), column(node), sentence, isMissing: true)
    } else if let isFolder, (kind == Int32(MARTLET_PATH_FOLDER)) != isFolder {
      error(node, isFolder ? "%s: is no folder" : "%s: is a folder, not a file", path)
    }
  }

  // MARK: Lines

  private mutating func readLine(_ key: Node, _ node: Node) {
    var line = LineConfiguration()
    line.name = name(key)
    line.line = self.line(key)
    lineNames.append(line.name)
    defer { configuration.lines.append(line) }
    let keys = Words("line direction active-low bias drive safe edge debounce")
    guard let fields = fields(node, keys, "a line") else { return }
    if fields[0] < 0 { error(key, "line %v: line is missing: CHIP:NUMBER, or the line's own name") }
    if let text = words(fields[0]) { place(text, &line) }
    if fields[1] < 0 { error(key, "line %v: direction is missing: input or output") }
    guard let direction = choice(fields[1], Words("input output")) else { return }
    line.direction = direction == 0 ? .input : .output
    line.isActiveLow = boolean(fields[2]) ?? false
    line.bias = choice(fields[3], Words("as-is disabled pull-up pull-down"))
      .flatMap { LineConfiguration.Bias(rawValue: $0) } ?? .asIs
    let isInput = direction == 0
    for index in 4..<8 where fields[index] >= 0 && isInput == (index < 6) {
      error(
        fields[index] - 1, isInput ? "%n: only an output has it" : "%n: only an input has it")
    }
    line.drive = choice(fields[4], Words("push-pull open-drain open-source"))
      .flatMap { LineConfiguration.Drive(rawValue: $0) } ?? .pushPull
    line.isSafeActive = choice(fields[5], Words("inactive active")) == 1
    line.edge = choice(fields[6], Words("rising falling both"))
      .flatMap { LineConfiguration.Edge(rawValue: $0) } ?? .rising
    line.debounceNs = duration(fields[7], 0, 1_000_000_000) ?? 0
  }

  /// CHIP:NUMBER, or a line's own name.
  private func place(_ text: String, _ line: inout LineConfiguration) {
    var text = text
    text.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      var colon = bytes.count - 1
      while colon > 0, bytes[colon] != UInt8(ascii: ":") { colon -= 1 }
      let number = ConfigurationReader.integer(UnsafeRawBufferPointer(rebasing: bytes[(colon + 1)...]))
      if colon > 0, let number, number >= 0, number < 65536 {
        line.chip = String(utf8: UnsafeRawBufferPointer(rebasing: bytes[..<colon]))
        line.offset = number
      } else {
        line.lineName = String(utf8: bytes)
      }
    }
  }

  // MARK: Log and frames

  private mutating func readLog(_ node: Node) {
    guard node >= 0, let fields = fields(node, Words("file max-size keep every sync"), "log") else { return }
    var log = LogConfiguration()
    log.line = line(node)
    if fields[0] < 0 { error(node, "log: file is missing: a path, or - for standard output") }
    if fields[0] >= 0, isScalar(fields[0]), Words.equal("-", bytes(fields[0])) {
      log.file = "-"
      for index in 1...4 where fields[index] >= 0 && index != 3 {
        warn(fields[index], "%k: has no meaning for standard output")
      }
    } else if let path = path(fields[0]) {
      log.file = path
      look(fields[0], ConfigurationReader.folder(of: path), isFolder: true)
    }
    log.maxBytes = size(fields[1], to: 64 << 30) ?? log.maxBytes
    log.keep = integer(fields[2], 0, 99) ?? log.keep
    log.every = choice(fields[3], Words("decision rule")).flatMap { LogConfiguration.Every(rawValue: $0) } ?? .decision
    log.sync = choice(fields[4], Words("each second no")).flatMap { LogConfiguration.Sync(rawValue: $0) } ?? .second
    configuration.log = log
  }

  private mutating func readFrames(_ node: Node) {
    guard node >= 0, let fields = fields(node, Words("folder max-size"), "frames") else { return }
    var frames = FramesConfiguration()
    frames.line = line(node)
    if fields[0] < 0 { error(node, "frames: folder is missing") }
    if let path = path(fields[0]) {
      frames.folder = path
      look(fields[0], path, isFolder: true)
    }
    frames.maxBytes = size(fields[1], to: 1 << 40) ?? frames.maxBytes
    configuration.frames = frames
  }

  static func folder(of path: String) -> String {
    let folder = ConfigurationReader.folderWithSlash(of: path)
    return folder.isEmpty ? "." : folder
  }
}
