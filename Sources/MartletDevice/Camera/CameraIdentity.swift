import CMartletLinux

/// Which camera it is, whatever number its node has.
public struct CameraIdentity: Sendable {
  public let driver: String
  public let card: String
  /// Where it is plugged in.
  public let bus: String
  /// Of its USB device; often empty.
  public let serial: String
  /// Which of its device's streams.
  public let stream: CameraStreamNumber

  init(_ info: martlet_camera_info) {
    driver = FixedText.string(info.driver)
    card = FixedText.string(info.card)
    bus = FixedText.string(info.bus)
    serial = FixedText.string(info.serial)
    stream = CameraStreamNumber(interface: Int(info.interface), index: Int(info.index))
  }

  /// Of the same kind.
  func isLike(_ other: CameraIdentity) -> Bool { card.isSame(as: other.card) && driver.isSame(as: other.driver) }

  /// The same stream of the same camera plugged in again: by its serial number where it has one, else by the place.
  func isSame(as other: CameraIdentity) -> Bool {
    guard isLike(other), stream == other.stream else { return false }
    return serial.isEmpty && other.serial.isEmpty ? bus.isSame(as: other.bus) : serial.isSame(as: other.serial)
  }
}

/// Which of the streams of one device: its USB interface, and its number among the nodes of that; -1 where there is no
/// such number. The links of /dev/v4l/by-path are made of them: `...:1.0-video-index0`.
public struct CameraStreamNumber: Equatable, Sendable {
  public var interface: Int
  public var index: Int

  static func < (one: CameraStreamNumber, other: CameraStreamNumber) -> Bool {
    one.interface != other.interface ? one.interface < other.interface : one.index < other.index
  }

  /// As it follows the place of a camera.
  public var text: String { index < 0 ? "" : (interface < 0 ? "" : ":1.\(interface)") + "-video-index\(index)" }

  /// What a text ends with, and the rest; -1 for what it does not say. Nil: it ends with nothing of the kind.
  static func atEnd(of text: String) -> (rest: String, number: CameraStreamNumber)? {
    var text = text
    return text.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      var end = bytes.count
      guard let index = number(bytes, &end), drop("-video-index", bytes, &end) else { return nil }
      var rest = end
      var interface = -1
      // The number of the configuration, which has one digit and is not 0, and that of the interface.
      if let found = number(bytes, &rest), drop(".", bytes, &rest), let configuration = number(bytes, &rest),
        configuration >= 1, configuration <= 9, drop(":", bytes, &rest)
      {
        (end, interface) = (rest, found)
      }
      return (
        String(utf8: UnsafeRawBufferPointer(rebasing: bytes[..<end])),
        CameraStreamNumber(interface: interface, index: index)
      )
    }
  }

  /// Up to three digits before `end`, which moves.
  private static func number(_ bytes: UnsafeRawBufferPointer, _ end: inout Int) -> Int? {
    var (number, place, count) = (0, 1, 0)
    while count < 3, end > count, bytes[end - count - 1] >= 0x30, bytes[end - count - 1] <= 0x39 {
      number += place * Int(bytes[end - count - 1] - 0x30)
      place *= 10
      count += 1
    }
    end -= count
    return count > 0 ? number : nil
  }

  private static func drop(_ word: StaticString, _ bytes: UnsafeRawBufferPointer, _ end: inout Int) -> Bool {
    let start = end - word.utf8CodeUnitCount
    guard start >= 0, UnsafeRawBufferPointer(rebasing: bytes[start..<end]).isSame(as: word) else { return false }
    end = start
    return true
  }
}
