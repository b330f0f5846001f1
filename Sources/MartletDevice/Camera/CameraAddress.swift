import CMartletLinux

/// Which camera it is, whatever number its node has.
public struct CameraIdentity: Sendable {
  public let driver: String
  public let card: String
  /// Where it is plugged in.
  public let bus: String
  /// Of its USB device; often empty.
  public let serial: String

  init(_ info: martlet_camera_info) {
    driver = FixedText.string(info.driver)
    card = FixedText.string(info.card)
    bus = FixedText.string(info.bus)
    serial = FixedText.string(info.serial)
  }

  /// The same camera plugged in again: by its serial number where it has one, else by the place.
  func isSame(as other: CameraIdentity) -> Bool {
    guard card.isSame(as: other.card), driver.isSame(as: other.driver) else { return false }
    return serial.isEmpty && other.serial.isEmpty ? bus.isSame(as: other.bus) : serial.isSame(as: other.serial)
  }
}

/// How a person names a camera.
public enum CameraAddress: Sendable {
  /// /dev/video0, or a link to it.
  case path(String)
  case bus(String)
  case serial(String)
  /// The name that its driver gives.
  case name(String)

  /// As on a command line: a path, a number of a node, a bus like usb-0000:01:00.0-1.2, or a name.
  public init(_ text: String) {
    if text.utf8.first == UInt8(ascii: "/") {
      self = .path(text)
    } else if !text.isEmpty, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
      self = .path("/dev/video" + text)
    } else if text.utf8.contains(UInt8(ascii: ":")) {
      self = .bus(text)
    } else {
      self = .name(text)
    }
  }

  public var text: String {
    switch self {
    case .path(let text), .bus(let text), .serial(let text), .name(let text): text
    }
  }

  private func fits(_ identity: CameraIdentity) -> Bool {
    switch self {
    case .path: false
    case .bus(let bus): identity.bus.isSame(as: bus)
    case .serial(let serial): identity.serial.isSame(as: serial)
    case .name(let name): identity.card.isSame(as: name)
    }
  }

  /// Opens it.
  ///
  /// - Parameter known: what it was when it was last open. Then a camera that is found at a path must be that one, and
  ///   if it is not, the one that is wherever it is plugged in now.
  public func open(
    known: CameraIdentity? = nil, system: CameraSystem = .kernel
  ) throws(CameraError) -> Camera {
    var failure: CameraError?
    if case .path(let path) = self {
      do throws(CameraError) {
        let camera = try Camera(path: path, system: system)
        guard let known, !camera.identity.isSame(as: known) else { return camera }
      } catch {
        guard known != nil else { throw error }
        failure = error
      }
    }
    var count = 0
    var index: Int32 = 0
    while let path = Self.node(index, system) {
      index += 1
      do throws(CameraError) {
        let camera = try Camera(path: path, system: system)
        count += 1
        if fits(camera.identity) { return camera }
        if let known, camera.identity.isSame(as: known) { return camera }
      } catch {
        // One that is busy or not ours may still be the one that is meant.
        if error.kind == .busy || error.kind == .denied { failure = failure ?? error }
      }
    }
    if let failure { throw failure }
    throw CameraError(count == 0 && known == nil ? .noCamera : .missing, text)
  }

  /// The path of the index-th video node.
  public static func node(_ index: Int32, _ system: CameraSystem = .kernel) -> String? {
    var path: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    let isThere = withUnsafeMutableBytes(of: &path) { bytes in
      martlet_camera_node(system.tables.baseAddress, index, bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
    return isThere ? FixedText.string(path) : nil
  }
}
