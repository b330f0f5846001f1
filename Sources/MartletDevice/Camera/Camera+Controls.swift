import CMartletLinux

extension Camera {
  /// The control after the one with that number, 0 for the first; without its value.
  public func control(after id: UInt32) -> martlet_camera_control? {
    var (raw, control) = (raw, martlet_camera_control())
    return martlet_camera_control_after(&raw, id, &control) == 0 ? control : nil
  }

  /// With the value that it has now: asking a camera takes time.
  public func read(_ control: martlet_camera_control) -> martlet_camera_control {
    var (raw, control) = (raw, control)
    martlet_camera_read_control(&raw, &control)
    return control
  }

  /// Goes through the entries of a menu, which may have gaps.
  public func forEachEntry(of control: martlet_camera_control, _ body: (_ number: Int, _ name: String) -> Void) {
    for number in (Int(control.minimum)...Int(max(control.minimum, control.maximum))).prefix(Self.maxEntries) {
      if let name = entry(number, of: control) { body(number, name) }
    }
  }

  /// The name of an entry of a menu; nil: it has none with that number.
  private func entry(_ number: Int, of control: martlet_camera_control) -> String? {
    var (raw, name) = (raw, martlet_camera_control().name)
    return withUnsafeMutableBytes(of: &name) { bytes in
      let start = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
      return martlet_camera_menu_entry(&raw, control.id, Int32(number), start) == 0
        ? FixedText.string(UnsafeRawBufferPointer(bytes)) : nil
    }
  }

  /// Sets a control.
  ///
  /// - Parameters:
  ///   - name: as v4l2-ctl writes it, or as another kernel does.
  ///   - value: a number, on or off, or the name of a menu's entry.
  mutating func set(control name: String, to value: String) throws(CameraError) {
    guard let control = control(named: name) else {
      throw CameraError(.control, path, detail: "has no control \(name); it has " + controlNames)
    }
    guard let number = number(value, of: control) else {
      throw CameraError(.control, path, detail: "control \(name): \(value) is not " + values(of: control))
    }
    let code = martlet_camera_set_control(&raw, control.id, Int32(number))
    guard code != 0 else { return }
    throw CameraError(
      .control, path,
      detail: "control \(name): cannot be set to \(value): " + String(cString: martlet_error_text(code)))
  }

  /// By its own name, or by its number where a kernel calls it differently.
  private func control(named name: String) -> martlet_camera_control? {
    var other: UInt32 = 0
    _ = name.withPath {
      other = martlet_camera_control_id($0)
      return 0
    }
    var (id, found): (UInt32, martlet_camera_control?) = (0, nil)
    while let control = control(after: id) {
      id = control.id
      if FixedText.string(control.name).isSame(as: name) { return control }
      if id == other { found = control }
    }
    return found
  }

  /// nil: not one of its values.
  private func number(_ text: String, of control: martlet_camera_control) -> Int? {
    let range = Int(control.minimum)...Int(max(control.minimum, control.maximum))
    if control.kind == MARTLET_CONTROL_MENU {
      if let number = Self.integer(text) {
        return range.contains(number) && entry(number, of: control) != nil ? number : nil
      }
      var name = martlet_camera_control().name
      let plain = withUnsafeMutableBytes(of: &name) { bytes in
        _ = text.withPath {
          martlet_camera_plain_name($0, bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
          return 0
        }
        return FixedText.string(UnsafeRawBufferPointer(bytes))
      }
      var found: Int?
      forEachEntry(of: control) { if found == nil, $1.isSame(as: plain) { found = $0 } }
      if found != nil { return found }
    }
    guard let number = Self.integer(text) ?? Self.flag(text) else { return nil }
    return range.contains(number) ? number : nil
  }

  private static let maxEntries = 64

  // As configurations have them.

  private static func integer(_ text: String) -> Int? {
    var text = text
    return text.withUTF8 { ConfigurationReader.integer(UnsafeRawBufferPointer($0)) }
  }

  private static func flag(_ text: String) -> Int? {
    var text = text
    return text.withUTF8 { ConfigurationReader.flag(UnsafeRawBufferPointer($0)) }.map { $0 ? 1 : 0 }
  }

  /// What a control can be set to.
  private func values(of control: martlet_camera_control) -> String {
    guard control.kind == MARTLET_CONTROL_MENU else { return "from \(control.minimum) to \(control.maximum)" }
    var text = ""
    forEachEntry(of: control) { text.add((text.isEmpty ? "one of " : ", ") + "\($0) (\($1))") }
    return text.isEmpty ? "in its menu, which is empty" : text
  }

  private var controlNames: String {
    var (id, text): (UInt32, String) = (0, "")
    while let control = control(after: id) {
      id = control.id
      if control.is_settable { text.add((text.isEmpty ? "" : ", ") + FixedText.string(control.name)) }
    }
    return text.isEmpty ? "none" : text
  }
}
