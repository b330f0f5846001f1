import Martlet

/// Where frames come from, when they are decided on, and what follows.
public struct CameraConfiguration: Sendable {
  public enum Source: Sendable {
    /// A device file, like /dev/video0.
    case device(String)
    /// The port, as the driver has it: usb-0000:01:00.0-1.2.
    case bus(String)
    /// A USB serial number.
    case serial(String)
    /// The name that the driver gives: "HD Webcam".
    case name(String)
    /// A folder of pictures, or one picture; over again or once.
    case pictures(String, isRepeated: Bool)
  }

  public var name = ""
  public var source = Source.device("")
  /// nil: chosen by the least work.
  public var format: FourCC?
  /// 0: chosen.
  public var width = 0
  public var height = 0
  /// Frames per second; 0: the driver's.
  public var rate: Double = 0
  /// Of the frame as it is stored; nil: all of it.
  public var region: RegionConfiguration?
  /// Clockwise, after the region is cut out: 0, 90, 180 or 270.
  public var rotation = 0
  /// Left to right, after the rotation.
  public var isMirrored = false
  public var controls: [ControlConfiguration] = []
  /// Without a frame for so long the camera is opened anew.
  public var timeoutNs: UInt64 = 0
  public var trigger = TriggerConfiguration.frames
  /// An index of `Configuration.models`.
  public var model = -1
  /// nil: the model's own.
  public var resize: ResizePolicy?
  public var rules: [RuleConfiguration] = []
  /// A frame whose best score is below is of the class "unknown"; nil: there is no such class.
  public var unknownBelow: Float?
  public var unknownBelowPlace = ConfigurationPlace()
  /// Of the source's value.
  public var sourcePlace = ConfigurationPlace()
  public var line = 0
}

/// A rectangle of pixels.
public struct RegionConfiguration: Sendable {
  public var x = 0
  public var y = 0
  public var width = 0
  public var height = 0
}

/// A V4L2 control by its name, as `v4l2-ctl -l` has it.
public struct ControlConfiguration: Sendable {
  public var name: String
  /// A number, on or off, or the name of a menu's entry.
  public var value: String
  public var line: Int
}

enum CameraKey: Int, MappingKey {
  case device, bus, serial, name, pictures, `repeat`, format, size, rate, region, rotate, mirror, controls, timeout
  case trigger, model, resize, rules, unknownBelow

  static var mapping: ConfigurationMapping { .camera }

  var row: ConfigurationKey {
    switch self {
    case .device: .init("device", .path, .alternative, "a device file, like /dev/video0")
    case .bus: .init("bus", .text(limit: 255), .alternative, "the port that the camera is plugged into")
    case .serial: .init("serial", .text(limit: 255), .alternative, "a USB serial number")
    case .name: .init("name", .text(limit: 255), .alternative, "the camera's name, as its driver has it")
    case .pictures: .init("pictures", .path, .alternative, "a folder or one picture in place of a camera")
    case .repeat: .init("repeat", .flag, .value("false"), only: .pictures, "pictures over again")
    case .format:
      .init(
        "format",
        .form(
          "auto or CODE",
          must: "auto or a four-character code like YUYV, MJPG, NV12, GREY (martlet devices lists a camera's)"),
        .value("auto"), only: .device, "a four-character code; auto takes what is the least work")
    case .size:
      .init(
        "size",
        .form(
          "WIDTHxHEIGHT", limit: 65535, unit: "pixels", must: "a width and height in pixels, like 1280x720"),
        .meaning("the least that covers the model's input and has 480 rows"), only: .device, "of the camera's frames")
    case .rate:
      .init(
        "rate", .number(1, 1000, unit: "frames per second"), .meaning("the driver's"), only: .device,
        "how many frames the camera delivers")
    case .region:
      .init(
        "region",
        .form(
          "X,Y,WIDTH,HEIGHT", limit: 65535, unit: "pixels",
          must: "x,y,width,height in pixels, like 100,50,640,480"),
        .meaning("all of the frame"), only: .device, "the part of the frame that is looked at")
    case .rotate:
      .init(
        "rotate", .choice(WordList("0 90 180 270")), .value("0"), only: .device,
        "degrees clockwise, of what is looked at")
    case .mirror: .init("mirror", .flag, .value("false"), only: .device, "left to right, after the rotation")
    case .controls:
      .init(
        "controls",
        .form(
          "NAME: VALUE", limit: Configuration.maxControls, must: "a mapping of names and values, like {gain: 20}"),
        .meaning("none"), only: .device, "exposure, gain and others: numbers, on or off, menus by name")
    case .timeout:
      .init(
        "timeout", .time("100ms", "1h"), .value("2s"), only: .device,
        "without a frame for so long the camera is opened anew")
    case .trigger:
      .init(
        "trigger",
        .either("frames", .trigger, must: "frames, or a mapping: every: 500ms, or line: NAME (and delay: 20ms)"),
        .value("frames"), "when a frame is decided on: every frame, the newest one each time, or what the mapping says")
    case .model: .init("model", .name(of: "model"), .required(), "what computes the scores of a frame")
    case .resize:
      .init(
        "resize", .choice(WordList("stretch crop letterbox")), .meaning("the model's own"),
        "how a frame becomes the model's input")
    case .rules:
      .init(
        "rules", .list(.rule, limit: Configuration.maxRules), .meaning("none"),
        "what follows from the scores; the limit is that of all cameras together")
    case .unknownBelow:
      .init(
        "unknown-below", .number(0, 1000), .meaning("none"),
        "a frame whose best score is lower is of the class unknown and of no other")
    }
  }
}

extension ConfigurationReader {
  mutating func readCamera(_ key: Node, _ node: Node) {
    var camera = CameraConfiguration()
    camera.name = name(key)
    camera.line = line(key)
    defer { configuration.cameras.append(camera) }
    guard let fields = fields(node, CameraKey.self) else { return }
    readSource(key, fields, &camera)
    camera.format = format(fields[.format])
    readSize(fields[.size], &camera)
    readRate(fields[.rate], &camera)
    readRegion(fields[.region], &camera)
    camera.rotation = (position(fields[.rotate]) ?? 0) * 90
    camera.isMirrored = flag(fields[.mirror])
    readControls(fields[.controls], &camera)
    camera.timeoutNs = time(fields[.timeout]) ?? camera.timeoutNs
    readTrigger(fields[.trigger], &camera)
    if let model = reference(fields[.model], modelNames) {
      camera.model = model
      usedModels[model] = true
    }
    camera.resize = position(fields[.resize]).flatMap { ResizePolicy(rawValue: UInt32($0)) }
    camera.unknownBelow = number(fields[.unknownBelow]).map { Float($0) }
    camera.unknownBelowPlace = place(fields[.unknownBelow])
    let rules = fields[.rules].node
    if rules >= 0 { readRules(fields[.rules], &camera) }
    if rules < 0 || isSequence(rules) && first(rules) < 0 {
      warn(key, "camera %v has no rules: its decisions are only logged")
    }
  }
}
