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
  public var timeoutNs: UInt64 = 2_000_000_000
  public var trigger = TriggerConfiguration.frames
  /// An index of `Configuration.models`.
  public var model = -1
  /// nil: the model's own.
  public var resize: ResizePolicy?
  public var rules: [RuleConfiguration] = []
  /// A frame whose best score is below is of the class "unknown"; nil: there is no such class.
  public var unknownBelow: Float?
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
  public var value: Int64
  public var line: Int
}

/// When a rule holds, and what then is done. See `RuleState`.
public struct RuleConfiguration: Sendable {
  public enum Fire: Int, Sendable {
    /// In the decision in which the rule begins to hold.
    case once
    /// In every decision in which it holds: each is another part.
    case always
  }

  public var name = ""
  /// The classes' names; "unknown" is in `includesUnknown` only.
  public var classes: [ClassConfiguration] = []
  public var includesUnknown = false
  public var threshold: Float = 0
  /// At most `threshold`; equal to it: no hysteresis.
  public var release: Float = 0
  /// `votes` of the last `window` decisions: 1...64.
  public var votes = 1
  public var window = 1
  /// Unless told: `always` with a line as trigger, else `once`.
  public var fire = Fire.once
  public var actions: [ActionConfiguration] = []
  public var line = 0
}

/// A class that a rule names.
public struct ClassConfiguration: Sendable {
  public var name: String
  /// In the model's scores; -1 until the model is opened (`Configuration.resolveClasses`).
  public var index = -1
  public var line: Int
  public var column: Int
}
