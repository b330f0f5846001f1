// What cameras have, where a value is more than a number or a word.

extension ConfigurationReader {
  mutating func readSource(
    _ key: Node, _ fields: Fields<CameraKey>, _ camera: inout CameraConfiguration
  ) {
    let (count, second) = alternatives(fields)
    if count > 1, second >= 0 { error(second - 1, "%n: one of device, bus, serial, name and pictures is enough") }
    if count == 0 {
      error(key, "camera %v: its source is missing: one of device, bus, serial, name and pictures")
    }
    if let path = devicePath(fields[.device]) { camera.source = .device(path) }
    if let text = text(fields[.bus]) { camera.source = .bus(text) }
    if let text = text(fields[.serial]) { camera.source = .serial(text) }
    if let text = text(fields[.name]) { camera.source = .name(text) }
    for field in [fields[.device], fields[.bus], fields[.serial], fields[.name], fields[.pictures]] where field.isGiven
    {
      camera.sourcePlace = place(field)
    }
    let isRepeated = flag(fields[.repeat])
    let pictures = fields[.pictures]
    if let path = path(pictures) {
      camera.source = .pictures(path, isRepeated: isRepeated)
      look(pictures.node, path, isFolder: nil)
      refuse(fields, of: .device)
    } else {
      refuse(fields, of: .pictures)
    }
  }

  /// A four-character code; nil: chosen.
  mutating func format(_ field: Field) -> FourCC? {
    if let text = scalar(field.node), let known = FormatName.of(text) {
      error(field.node, known.template, known.code)
      return nil
    }
    let told = value(field) { text -> FourCC?? in
      text.isSame(as: "auto") ? .some(nil) : FourCC(text).map { .some($0) }
    }
    guard let fourcc = told ?? nil else { return nil }
    if PixelFormat.of(fourcc).reading == .converted {
      warn(
        field.node,
        "%k: %v needs libv4lconvert, which takes time and memory for each frame; read without it are %s",
        PixelFormat.list)
    }
    return fourcc
  }

  mutating func readSize(_ field: Field, _ camera: inout CameraConfiguration) {
    guard let size = value(field, { ConfigurationReader.numbers($0, 2, separator: "x") }) else { return }
    camera.width = size[0]
    camera.height = size[1]
    if size[0] == 0 || size[1] == 0 { wrong(field.node, "at least 1x1") }
  }

  mutating func readRegion(_ field: Field, _ camera: inout CameraConfiguration) {
    guard let region = box(field) else { return }
    if region[2] == 0 || region[3] == 0 { wrong(field.node, "at least 1 pixel wide and high") }
    if camera.width > 0, region[0] + region[2] > camera.width || region[1] + region[3] > camera.height {
      wrong(field.node, "inside the frame, whose size is told")
    }
    camera.region = RegionConfiguration(x: region[0], y: region[1], width: region[2], height: region[3])
  }

  /// `x,y,width,height`, in a text or in brackets.
  private mutating func box(_ field: Field) -> InlineArray<4, Int>? {
    guard field.isGiven, isSequence(field.node) else {
      return value(field) { ConfigurationReader.numbers($0, 4, separator: ",") }
    }
    var box = InlineArray<4, Int>(repeating: 0)
    var count = 0
    var item = first(field.node)
    while item >= 0 {
      guard count < 4, isScalar(item), let number = ConfigurationReader.integer(bytes(item)), number >= 0,
        number < 65536
      else { break }
      box[count] = number
      count += 1
      item = next(item)
    }
    if count == 4, item < 0 { return box }
    wrong(field)
    return nil
  }

  mutating func readRate(_ field: Field, _ camera: inout CameraConfiguration) {
    if field.isGiven, isScalar(field.node), let (digits, divisor, end) = ConfigurationReader.decimal(bytes(field.node)),
      end == bytes(field.node).count, digits > 0, digits < divisor
    {
      let pause = DurationText.text(UInt64(1000 * divisor / digits) * 1_000_000)
      error(field.node, "rate: %v: must be at least 1; for fewer decisions: trigger: {every: %s}", pause)
      return
    }
    // Whole frames: 29.97 are asked for as 30, of which a driver with 29.97 gives these.
    if let rate = number(field) { camera.rate = Double(Int(rate + 0.5)) }
  }

  mutating func readControls(_ field: Field, _ camera: inout CameraConfiguration) {
    guard field.isGiven else { return }
    guard isMapping(field.node) else {
      wrong(field)
      return
    }
    var key = first(field.node)
    while key >= 0 {
      let value = next(key)
      if camera.controls.count == Configuration.maxControls {
        error(key, "controls: %s", field.key.kind.range)
        return
      }
      camera.controls.append(ControlConfiguration(name: name(key), value: control(value), line: line(key)))
      key = next(value)
    }
  }

  /// A control's value: a number, a switch, or the name of a menu's entry, which the camera knows.
  private mutating func control(_ node: Node) -> String {
    guard let text = scalar(node) else { return "" }
    if let word = ConfigurationReader.word(text, Configuration.maxControlText) { return word }
    wrong(node, "a number, on or off, or the name of a menu's entry")
    return ""
  }
}
