import Martlet

extension ConfigurationReader {
  private static let cameraKeys = Words(
    """
    device bus serial name pictures repeat format size rate region rotate mirror controls timeout trigger model resize \
    rules unknown-below
    """)

  mutating func readCamera(_ key: Node, _ node: Node) {
    var camera = CameraConfiguration()
    camera.name = name(key)
    camera.line = line(key)
    defer { configuration.cameras.append(camera) }
    guard let fields = fields(node, ConfigurationReader.cameraKeys, "a camera") else { return }
    readSource(key, fields, &camera)
    camera.format = format(fields[6])
    if let size = numbers(fields[7], 2, separator: "x", "a width and height in pixels, like 1280x720") {
      camera.width = size[0]
      camera.height = size[1]
      if size[0] == 0 || size[1] == 0 { wrong(fields[7], "at least 1x1") }
    }
    camera.rate = number(fields[8], 0, 1000) ?? 0
    readRegion(fields[9], &camera)
    camera.rotation = (choice(fields[10], Words("0 90 180 270")) ?? 0) * 90
    camera.isMirrored = boolean(fields[11]) ?? false
    readControls(fields[12], &camera)
    camera.timeoutNs = duration(fields[13], 100_000_000, 3_600_000_000_000) ?? camera.timeoutNs
    readTrigger(fields[14], &camera)
    if fields[15] < 0 {
      error(key, "camera %v: model is missing")
    } else if let model = reference(fields[15], "model", modelNames) {
      camera.model = model
      usedModels[model] = true
    }
    camera.resize = choice(fields[16], Words("stretch crop letterbox")).flatMap { ResizePolicy(rawValue: UInt32($0)) }
    camera.unknownBelow = number(fields[18], 0, 1000).map { Float($0) }
    if fields[17] >= 0 { readRules(fields[17], &camera) }
    if fields[17] < 0 || isSequence(fields[17]) && first(fields[17]) < 0 {
      warn(key, "camera %v has no rules: its decisions are only logged")
    }
  }

  private mutating func readSource(
    _ key: Node, _ fields: InlineArray<20, Node>, _ camera: inout CameraConfiguration
  ) {
    var count = 0
    for index in 0..<5 where fields[index] >= 0 {
      count += 1
      if count == 2 {
        error(fields[index] - 1, "%n: one of device, bus, serial, name and pictures is enough")
      }
    }
    if count == 0 {
      error(key, "camera %v: its source is missing: one of device, bus, serial, name and pictures")
    }
    // Not looked for: a camera may be plugged in later.
    if let path = path(fields[0]) { camera.source = .device(path) }
    if let text = words(fields[1]) { camera.source = .bus(text) }
    if let text = words(fields[2]) { camera.source = .serial(text) }
    if let text = words(fields[3]) { camera.source = .name(text) }
    let isRepeated = boolean(fields[5]) ?? false
    if let path = path(fields[4]) {
      camera.source = .pictures(path, isRepeated: isRepeated)
      look(fields[4], path, isFolder: nil)
      for index in 6...13 where fields[index] >= 0 {
        error(fields[index] - 1, "%n: only a device has it, and pictures are none")
      }
    } else if fields[5] >= 0 {
      error(fields[5] - 1, "repeat: only pictures can be repeated")
    }
  }

  /// A four-character code; nil: chosen.
  private mutating func format(_ node: Node) -> FourCC? {
    guard let text = scalar(node), !Words.equal("auto", text) else { return nil }
    guard let fourcc = FourCC(text) else {
      wrong(node, "auto or a four-character code like YUYV, MJPG, NV12, GREY (martlet devices lists a camera's)")
      return nil
    }
    if PixelFormat.of(fourcc).reading == .converted {
      warn(
        node, "%k: %v needs libv4lconvert, which takes time and memory for each frame; read without it are %s",
        PixelFormat.list)
    }
    return fourcc
  }

  /// Whole numbers from 0 to 65535 with a separator between each two.
  private mutating func numbers(
    _ node: Node, _ count: Int, separator: Unicode.Scalar, _ must: StaticString
  ) -> InlineArray<4, Int>? {
    guard let text = scalar(node) else { return nil }
    var numbers = InlineArray<4, Int>(repeating: 0)
    var index = 0
    var digits = 0
    for byte in text {
      if byte >= 0x30, byte <= 0x39, digits < 5 {
        numbers[index] = numbers[index] * 10 + Int(byte - 0x30)
        digits += 1
      } else if UInt32(byte) == separator.value, digits > 0, index + 1 < count {
        index += 1
        digits = 0
      } else if byte != 0x20 || digits > 0 {
        index = 4
        break
      }
    }
    if index == count - 1, digits > 0, numbers[0] | numbers[1] | numbers[2] | numbers[3] < 65536 { return numbers }
    wrong(node, must)
    return nil
  }

  private mutating func readRegion(_ node: Node, _ camera: inout CameraConfiguration) {
    let must: StaticString = "x,y,width,height in pixels, like 100,50,640,480"
    guard let region = numbers(node, 4, separator: ",", must) else { return }
    if region[2] == 0 || region[3] == 0 { wrong(node, "at least 1 pixel wide and high") }
    if camera.width > 0, region[0] + region[2] > camera.width || region[1] + region[3] > camera.height {
      wrong(node, "inside the frame, whose size is told")
    }
    camera.region = RegionConfiguration(x: region[0], y: region[1], width: region[2], height: region[3])
  }

  private mutating func readControls(_ node: Node, _ camera: inout CameraConfiguration) {
    guard node >= 0 else { return }
    guard isMapping(node) else {
      wrong(node, "a mapping of names and numbers")
      return
    }
    var key = first(node)
    while key >= 0 {
      let value = next(key)
      if camera.controls.count == Configuration.maxControls {
        error(key, "controls: at most 32")
        return
      }
      let isSwitch = isScalar(value) && Words("true false yes no on off").index(of: bytes(value)) != nil
      let number = isSwitch ? boolean(value).map { $0 ? 1 : 0 } : integer(value, -(1 << 53), 1 << 53)
      camera.controls.append(ControlConfiguration(name: name(key), value: Int64(number ?? 0), line: line(key)))
      key = next(value)
    }
  }

  private mutating func readTrigger(_ node: Node, _ camera: inout CameraConfiguration) {
    guard node >= 0 else { return }
    let must: StaticString = "frames, or a mapping: every: 500ms, or line: NAME (and delay: 20ms)"
    guard !isScalar(node) else {
      if !Words.equal("frames", bytes(node)) { wrong(node, must) }
      return
    }
    guard let fields = fields(node, Words("every line delay"), "a trigger") else { return }
    if (fields[0] < 0) == (fields[1] < 0) {
      wrong(node, must)
    } else if fields[0] >= 0 {
      if let ns = duration(fields[0], 1_000_000, 86_400_000_000_000) { camera.trigger = .interval(ns: ns) }
      if fields[2] >= 0 { error(fields[2] - 1, "delay: only with a line: it counts from the line's edge") }
    } else if let line = lineReference(fields[1], .input) {
      camera.trigger = .line(line, delayNs: duration(fields[2], 0, 60_000_000_000) ?? 0)
    }
  }

  /// A line by its name, which must be of that direction.
  @inline(never)
  mutating func lineReference(_ node: Node, _ direction: LineConfiguration.Direction) -> Int? {
    guard let index = reference(node, "line", lineNames) else { return nil }
    usedLines[index] = true
    let line = configuration.lines[index]
    if line.direction.rawValue != direction.rawValue {
      wrong(node, direction == .input ? "an input; this line is an output" : "an output; this line is an input")
    }
    return index
  }
}
