import CMartletLinux
import Martlet

/// Why a picture could not be read, or not be given to a model.
public struct PictureError: Error {
  public enum Kind: Sendable {
    case missing
    case isDirectory
    /// The system refuses, or it is no file.
    case unreadable
    case empty
    case notAPicture
    /// A kind of picture that is not read: `detail` names it.
    case unsupported
    /// 0 columns or 0 rows.
    case noPixels
    case tooLarge
    /// It has to be held whole, and that is more than the reader's memory.
    case needsMemory
    case endsEarly
    case damaged
    /// The reader's own memory is not to be had.
    case outOfMemory
    /// The part of a frame that is to be used does not lie inside of it.
    case regionOutside
    /// The model's input is no picture.
    case modelTakesNoPicture
  }

  public let kind: Kind
  /// A plain value, so that failing takes no memory; text is made when it is asked for.
  private var failure: martlet_picture_failure

  /// Of the picture, as stored; 0 if not known.
  public var width: Int { Int(failure.width) }
  public var height: Int { Int(failure.height) }
  /// Rows that could be read.
  public var row: Int { Int(failure.row) }
  /// A few words, or empty.
  public var detail: String {
    var text = failure.detail
    return withUnsafeBytes(of: &text) { bytes in
      String(utf8: UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 }))
    }
  }

  public init(_ kind: Kind) {
    self.kind = kind
    failure = martlet_picture_failure()
  }

  /// The system refuses to list the folder that pictures are in.
  init(folder code: Int32) {
    kind = code == Int32(MARTLET_NO_FILE) ? .missing : .unreadable
    failure = martlet_picture_failure()
    failure.error = code
  }

  init(_ failure: martlet_picture_failure) {
    self.failure = failure
    kind =
      switch Int(failure.error) {
      case MARTLET_NO_FILE, MARTLET_NO_FOLDER: .missing
      case MARTLET_IS_FOLDER: .isDirectory
      case MARTLET_PICTURE_EMPTY: .empty
      case MARTLET_PICTURE_NOT_A_PICTURE: .notAPicture
      case MARTLET_PICTURE_UNSUPPORTED: .unsupported
      case MARTLET_PICTURE_NO_PIXELS: .noPixels
      case MARTLET_PICTURE_TOO_LARGE: .tooLarge
      case MARTLET_PICTURE_NEEDS_MEMORY: .needsMemory
      case MARTLET_PICTURE_ENDS_EARLY: .endsEarly
      case MARTLET_PICTURE_DAMAGED: .damaged
      default: .unreadable
      }
  }

  /// What is wrong and what can be done, in one line without the picture's name.
  public var sentence: String {
    switch kind {
    case .missing: "no such file"
    case .isDirectory: "a directory, not a picture"
    case .unreadable: "cannot be read: " + String(cString: martlet_error_text(failure.error))
    case .empty: "an empty file, not a picture"
    case .notAPicture: "not a picture: JPEG, PNG, BMP, PPM or PGM is wanted"
    case .unsupported: "\(detail) is not supported: convert it to JPEG, PNG, BMP, PPM or PGM"
    case .noPixels: "a picture of \(size) pixels has nothing in it"
    case .tooLarge:
      "a picture of \(size) pixels is too large: at most \(MARTLET_PICTURE_MAX_SIDE) a side and "
        + "\(MARTLET_PICTURE_MAX_PIXELS >> 20) million in all"
    case .needsMemory:
      "a picture of \(size) pixels that has to be held whole (progressive or interlaced) needs more memory than is set "
        + "aside: save it as baseline JPEG or as PNG without interlacing"
    case .endsEarly: height > 0 ? "ends early, after \(row) of \(height) rows" : "ends early, inside its header"
    case .damaged: "damaged: \(detail)"
    case .outOfMemory: "no memory for reading pictures"
    case .regionOutside: "the region does not lie inside the frame: name one that does, or none"
    case .modelTakesNoPicture: "the model takes no picture: it has no input of 1 or 3 channels with a pixel table"
    }
  }

  public var exitCode: Int32 {
    switch kind {
    case .missing, .isDirectory, .unreadable: ExitCode.noInput
    case .outOfMemory: ExitCode.system
    default: ExitCode.data
    }
  }

  private var size: String { "\(width)x\(height)" }
}
