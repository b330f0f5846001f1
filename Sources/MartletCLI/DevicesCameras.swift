import CMartletLinux
import MartletDevice

/// The cameras of `martlet devices`: what each is called, what of it can be used, and what it would be asked for.
enum DevicesCameras {
  static func add(to json: inout JSONWriter, _ text: inout String) {
    json.beginArray("cameras")
    text.add("cameras\n")
    var index: Int32 = 0
    var count = 0
    while let path = CameraAddress.node(index) {
      index += 1
      do throws(CameraError) {
        let camera = try Camera(path: path)
        add(camera, &json, &text)
        count += 1
      } catch {
        // A node that captures nothing is no camera: most have one such beside the one that does.
        if error.kind == .notCamera { continue }
        json.beginObject()
        json.field("path", path)
        json.field("error", error.sentence)
        json.endObject()
        text.add("  \(error.sentence.visible())\n")
        count += 1
      }
    }
    json.endArray()
    if count == 0 { text.add("  none (no /dev/video* that captures)\n") }
  }

  private static func add(_ camera: borrowing Camera, _ json: inout JSONWriter, _ text: inout String) {
    let identity = camera.identity
    json.beginObject()
    json.field("path", camera.path)
    json.field("name", identity.card)
    json.field("bus", identity.bus)
    if !identity.serial.isEmpty { json.field("serial", identity.serial) }
    if identity.stream.interface >= 0 { json.field("interface", identity.stream.interface) }
    if identity.stream.index >= 0 { json.field("index", identity.stream.index) }
    json.field("driver", identity.driver)
    text.add("  \(camera.path)  \(identity.card.visible()), \(identity.bus.visible())\(identity.stream.text)")
    text.add(identity.serial.isEmpty ? "\n" : ", serial \(identity.serial.visible())\n")
    formats(camera, &json, &text)
    choice(camera, &json, &text)
    controls(camera, &json, &text)
    json.endObject()
  }

  // MARK: Formats

  private static func formats(_ camera: borrowing Camera, _ json: inout JSONWriter, _ text: inout String) {
    var converters = Converters()
    var unreadable: [String] = []
    json.beginArray("formats")
    var index = 0
    while let pixels = camera.pixels(index), index < 128 {
      index += 1
      let fourcc = FourCC(code: pixels.fourcc)
      if converters.canRead(fourcc, of: camera) {
        add(fourcc, camera, &json, &text)
      } else {
        unreadable.append(fourcc.text)
      }
    }
    json.endArray()
    guard !unreadable.isEmpty else { return }
    json.beginArray("unreadable")
    var line = ""
    for name in unreadable {
      json.element(name)
      line.add((line.isEmpty ? "" : ", ") + name)
    }
    json.endArray()
    text.add("    cannot be read: \(line)" + (converters.isMissing ? "; libv4lconvert is not there\n" : "\n"))
  }

  private static func add(
    _ fourcc: FourCC, _ camera: borrowing Camera, _ json: inout JSONWriter, _ text: inout String
  ) {
    let way =
      switch PixelFormat.of(fourcc).reading {
      case .direct: "direct"
      case .jpeg: "jpeg"
      case .converted: "libv4l"
      }
    let isDirect = way.utf8.first == UInt8(ascii: "d")
    json.beginObject()
    json.field("format", fourcc.text)
    json.field("read", way)
    json.beginArray("sizes")
    text.add("    \(fourcc.text)".padded(to: 10) + (isDirect ? "" : "(\(way)) "))
    var index = 0
    while let sizes = camera.sizes(fourcc, index), index < 64 {
      index += 1
      let (width, height) = (Int(sizes.max_width), Int(sizes.max_height))
      let fastest = rate(camera, fourcc, Int(sizes.width), Int(sizes.height))
      json.beginObject()
      json.field("width", Int(sizes.width))
      json.field("height", Int(sizes.height))
      var size = "\(sizes.width)x\(sizes.height)"
      if sizes.max_width > sizes.width || sizes.max_height > sizes.height {
        json.field("max_width", width)
        json.field("max_height", height)
        size.add("-\(width)x\(height)")
      }
      if fastest > 0 {
        json.field("max_rate", fastest, places: 2)
        size.add("@" + NumberText.decimal(fastest, places: 0))
      }
      json.endObject()
      text.add((index == 1 ? " " : ", ") + size)
    }
    text.add("\n")
    json.endArray()
    json.endObject()
  }

  private static func rate(_ camera: borrowing Camera, _ fourcc: FourCC, _ width: Int, _ height: Int) -> Double {
    var highest: Double = 0
    var index = 0
    while let rate = camera.rate(fourcc, width: width, height: height, index), index < 64 {
      index += 1
      highest = max(highest, Double(rate.frames) / Double(max(1, rate.seconds)))
    }
    return highest
  }

  /// What a configuration that says neither format nor size gets, for the input that most models have.
  private static func choice(_ camera: borrowing Camera, _ json: inout JSONWriter, _ text: inout String) {
    let side = 224
    do throws(CameraError) {
      let choice = try camera.choice(CameraFormat(), targetWidth: side, targetHeight: side, wantsColour: true)
      let name = choice.fourcc?.text ?? ""
      json.beginObject("chosen")
      json.field("format", name)
      json.field("width", choice.width)
      json.field("height", choice.height)
      json.field("rate", choice.rate)
      json.endObject()
      text.add("    chosen for a model of \(side)x\(side): \(name)")
      if choice.width > 0 { text.add(" \(choice.width)x\(choice.height)") }
      text.add(choice.rate > 0 ? "@\(choice.rate)\n" : "\n")
    } catch {
      json.field("error", error.sentence)
      text.add("    cannot be used: \(error.reason.visible())\n")
    }
  }

  // MARK: Controls

  private static func controls(_ camera: borrowing Camera, _ json: inout JSONWriter, _ text: inout String) {
    json.beginArray("controls")
    var id: UInt32 = 0
    var line = ""
    while let found = camera.control(after: id) {
      id = found.id
      guard found.is_settable else { continue }
      let control = camera.read(found)
      let name = FixedText.string(control.name)
      json.beginObject()
      json.field("name", name)
      json.field("minimum", Int(control.minimum))
      json.field("maximum", Int(control.maximum))
      json.field("value", Int(control.value))
      line.add((line.isEmpty ? "" : ", ") + "\(name) \(control.value) ")
      if control.kind == MARTLET_CONTROL_MENU {
        line.add("(\(entries(of: control, camera, &json)))")
      } else {
        line.add("(\(control.minimum)...\(control.maximum))")
      }
      json.endObject()
    }
    json.endArray()
    if !line.isEmpty { text.add("    controls: \(line)\n") }
  }

  private static func entries(
    of control: martlet_camera_control, _ camera: borrowing Camera, _ json: inout JSONWriter
  ) -> String {
    var text = ""
    json.beginArray("entries")
    camera.forEachEntry(of: control) { number, name in
      json.beginObject()
      json.field("value", number)
      json.field("name", name)
      json.endObject()
      text.add((text.isEmpty ? "" : ", ") + "\(number) \(name)")
    }
    json.endArray()
    return text
  }
}
