import CMartletLinux

/// A camera that cannot be used, or not as asked.
public struct CameraError: Error {
  public enum Kind: Sendable {
    /// This machine has no camera at all.
    case noCamera
    /// None answers to that address.
    case missing
    /// The node captures no video.
    case notCamera
    case busy
    case denied
    /// Unplugged, or its driver is gone.
    case gone
    /// It has no such format, size or rate: `detail` says what it has.
    case refused
    /// A control that it does not have, or a value out of its range: `detail`.
    case control
    /// No frame for too long.
    case silent
    /// Nothing but damaged frames for too long.
    case damaged
    /// A call to its driver does not come back.
    case hung
    /// Its pixels need libv4l, which is not there.
    case noConverter
    /// Nobody here can read its formats: `detail`.
    case unreadable
    /// It is a part of a camera that libcamera sets up: `detail` names its driver.
    case pipeline
    /// More than one camera answers to that address: `detail`.
    case ambiguous
    /// Its frames are no input for the model.
    case modelTakesNoPicture
    /// Anything else: `code`.
    case system
  }

  public var kind: Kind
  /// The address or path that it was asked for by.
  public var place: String
  public var detail: String
  /// An errno value, or 0.
  public var code: Int32

  @inline(never)
  public init(_ kind: Kind, _ place: String, detail: String = "", code: Int32 = 0) {
    self.kind = kind
    self.place = place
    self.detail = detail
    self.code = code
  }

  /// What an errno value means while a camera is opened or started.
  init(code: Int32, _ place: String, detail: String = "") {
    let kind: Kind
    switch martlet_camera_failure_of(code) {
    case MARTLET_CAMERA_GONE: kind = .gone
    case MARTLET_CAMERA_MISSING: kind = .missing
    case MARTLET_CAMERA_BUSY: kind = .busy
    case MARTLET_CAMERA_DENIED: kind = .denied
    case MARTLET_CAMERA_NO_CAMERA: kind = .notCamera
    case MARTLET_CAMERA_NO_PIPELINE: kind = .pipeline
    case MARTLET_CAMERA_UNREADABLE:
      self.init(.unreadable, place, detail: "gives frames whose planes lie apart, which Martlet does not read")
      return
    default: kind = .system
    }
    self.init(kind, place, detail: detail, code: code)
  }

  /// One line: which camera, what is wrong, what to do.
  public var sentence: String {
    place + ": " + reason
  }

  /// Without the camera.
  public var reason: String {
    switch kind {
    case .noCamera: "there is no camera on this machine (no /dev/video* that captures)"
    case .missing: "there is no such camera; martlet devices lists those that are there"
    case .notCamera: "is no camera that streams video; martlet devices lists those that are there"
    case .busy: "is used by another program"
    case .denied: "may not be opened: the user must be in the group video"
    case .gone: "is gone: unplugged, or its driver ended"
    case .refused: "cannot give that: " + detail
    case .control: detail
    case .silent: "delivers no frames"
    case .damaged: "delivers only damaged frames"
    case .hung: "hangs: its driver does not answer"
    case .unreadable: detail
    case .pipeline:
      "is a part of a camera that libcamera sets up (driver \(detail)) and gives no picture by itself: let a program of "
        + "libcamera's write into a v4l2loopback device, and name that one"
    case .ambiguous: "more than one camera is called that: " + detail + "; martlet devices says what tells them apart"
    case .noConverter: "gives " + detail + ", which needs libv4lconvert.so.0 (package libv4lconvert0)"
    case .modelTakesNoPicture: "the model takes no picture; see martlet inspect"
    case .system: String(cString: martlet_error_text(code))
    }
  }

  public var exitCode: Int32 {
    switch kind {
    case .noCamera, .missing, .notCamera: ExitCode.noInput
    case .denied: ExitCode.noPermission
    case .busy: ExitCode.temporary
    case .modelTakesNoPicture: ExitCode.data
    case .refused, .control, .noConverter, .unreadable, .pipeline, .ambiguous: ExitCode.unavailable
    case .gone, .silent, .damaged, .hung, .system: ExitCode.io
    }
  }
}
