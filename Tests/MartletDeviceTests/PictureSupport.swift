import Foundation
import Martlet

@testable import MartletDevice

/// The picture of Tests/Fixtures/make_pictures.py.
enum Formula {
  static let width = 21
  static let height = 14
  static let palette: [[UInt8]] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [200, 100, 50]]

  struct Pixel {
    var x, y: Int
    var red: UInt8 { UInt8(truncatingIfNeeded: x * 12 + y) }
    var green: UInt8 { UInt8(truncatingIfNeeded: x * 5 + y * 17) }
    var blue: UInt8 { UInt8(truncatingIfNeeded: x * y + 40) }
    var alpha: UInt8 { UInt8(truncatingIfNeeded: 255 - x * 11) }
  }

  static func map(_ transform: (Pixel) -> [UInt8]) -> [UInt8] {
    (0..<height).flatMap { y in (0..<width).flatMap { x in transform(Pixel(x: x, y: y)) } }
  }

  static func over(_ value: UInt8, alpha: UInt8) -> UInt8 {
    let (value, alpha) = (Int(value), Int(alpha))
    let sum: Int = value * alpha + 128 * (255 - alpha)
    return UInt8((sum + 127) / 255)
  }
}

func fixturePath(_ name: String) -> String {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  return folder.appendingPathComponent("Fixtures/pictures/\(name)").path
}

func fixture(_ name: String) throws -> [UInt8] {
  try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath(name))))
}

extension Picture {
  /// A fixture, or any file if the path is absolute.
  init(path: String, channels: Int = 3) throws(PictureError) {
    let whole = path.hasPrefix("/") ? path : fixturePath(path)
    let cString = strdup(whole)!
    defer { free(cString) }
    try self.init(path: FilePath(cString), channels: channels)
  }

  /// A file's bytes.
  init(_ bytes: [UInt8], channels: Int = 3) throws(PictureError) {
    // Exactly as long as it says, so that a sanitizer sees a read past its end.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try self.init(bytes: UnsafeRawBufferPointer(copy), channels: channels)
  }
}

/// A JPEG fixture with an EXIF segment after its first marker.
func turnedJPEG(_ name: String, _ orientation: UInt16, isBigEndian: Bool = false) throws -> [UInt8] {
  func number(_ value: UInt32, _ bytes: Int) -> [UInt8] {
    let little = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    return isBigEndian ? little.reversed() : little
  }
  var tiff: [UInt8] = Array((isBigEndian ? "MM" : "II").utf8)
  let header: [(UInt32, Int)] = [(42, 2), (8, 4), (2, 2)]
  let width: [(UInt32, Int)] = [(0x0100, 2), (3, 2), (1, 4), (21, 2), (0, 2)]
  let turn: [(UInt32, Int)] = [(0x0112, 2), (3, 2), (1, 4), (UInt32(orientation), 2), (0, 2)]
  for (value, bytes) in header + width + turn + [(0, 4)] { tiff += number(value, bytes) }
  let body = Array("Exif\0\0".utf8) + tiff
  let length = body.count + 2
  let base = try fixture(name)
  let marker: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)]
  return Array(base[0..<2]) + marker + body + Array(base[2...])
}
