// What cameras have, where a value is more than a number or a word.

extension ConfigurationReader {
  mutating func readSource(
    _ key: Node, _ fields: Fields<CameraKey>, _ camera: inout CameraConfiguration
  ) {
    let (count, second) = alternatives(fields)
    if count > 1 { error(second - 1, "%n: one of device, bus, serial, name and pictures is enough") }
    if count == 0 {
      error(key, "camera %v: its source is missing: one of device, bus, serial, name and pictures")
    }
    // Not looked for: a camera may be plugged in later.
    if let path = path(fields[.device]) { camera.source = .device(path) }
    if let text = text(fields[.bus]) { camera.source = .bus(text) }
    if let text = text(fields[.serial]) { camera.source = .serial(text) }
    if let text = text(fields[.name]) { camera.source = .name(text) }
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
    guard let region = value(field, { ConfigurationReader.numbers($0, 4, separator: ",") }) else { return }
    if region[2] == 0 || region[3] == 0 { wrong(field.node, "at least 1 pixel wide and high") }
    if camera.width > 0, region[0] + region[2] > camera.width || region[1] + region[3] > camera.height {
      wrong(field.node, "inside the frame, whose size is told")
    }
    camera.region = RegionConfiguration(x: region[0], y: region[1], width: region[2], height: region[3])
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
