import CMartletKernels
import CMartletLinux
import MartletDevice

/// `martlet devices`: what this machine has that Martlet can use.
enum Devices {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.json])
    if arguments.has(.help) { return try report(Help.devices) }
    guard arguments.paths.isEmpty else { throw .usage("devices takes no arguments; martlet devices --help") }
    var json = JSONWriter()
    var text = ""
    json.begin()
    cameras(&json, &text)
    GpioList.add(to: &json, &text)
    machine(&json, &text)
    json.end()
    try report(arguments, json, text)
  }

  // MARK: Cameras

  private static func cameras(_ json: inout JSONWriter, _ text: inout String) {
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
    json.field("driver", identity.driver)
    text.add("  \(camera.path)  \(identity.card.visible()), \(identity.bus.visible())")
    text.add(identity.serial.isEmpty ? "\n" : ", serial \(identity.serial.visible())\n")
    json.beginArray("formats")
    var index = 0
    while let pixels = camera.pixels(index), index < 128 {
      index += 1
      add(FourCC(code: pixels.fourcc), camera, &json, &text)
    }
    json.endArray()
    controls(camera, &json, &text)
    json.endObject()
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
      json.endObject()
      line.add((line.isEmpty ? "" : ", ") + "\(name) \(control.value) (\(control.minimum)...\(control.maximum))")
    }
    json.endArray()
    if !line.isEmpty { text.add("    controls: \(line)\n") }
  }

  // MARK: The machine

  private static func machine(_ json: inout JSONWriter, _ text: inout String) {
    var (total, available): (UInt64, UInt64) = (0, 0)
    martlet_memory_of_machine(&total, &available)
    let temperature = martlet_temperature()
    var sets = ""
    json.beginObject("processor")
    json.beginArray("instruction_sets")
    for raw in 0..<MARTLET_ISA_COUNT.rawValue {
      let isa = martlet_isa(rawValue: raw)
      guard martlet_kernels_for(isa) != nil else { continue }
      let name = InstructionSet.name(isa)
      json.element(name)
      sets.add((sets.isEmpty ? "" : ", ") + name)
    }
    json.endArray()
    json.field("used", InstructionSet.name(martlet_best_isa()))
    json.endObject()
    json.field("memory_bytes", Int(total))
    json.field("available_bytes", Int(available))
    text.add("processor\n  instruction sets: \(sets); \(InstructionSet.name(martlet_best_isa())) is used\n")
    text.add("memory\n  \(NumberText.bytes(Int(total))), \(NumberText.bytes(Int(available))) available\n")
    guard temperature != Int32.min else { return }
    json.field("temperature_celsius", Double(temperature) / 1000, places: 1)
    text.add("temperature\n  \(NumberText.decimal(Double(temperature) / 1000, places: 1)) degrees Celsius\n")
  }
}
