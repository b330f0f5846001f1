import Foundation
import Martlet
import Testing

@testable import MartletDevice

/// What is no picture, or not a whole one: an error of the right kind, and never a trap.
@Suite struct PictureHostileTests {
  static let files = [
    "baseline.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "rgb8.png", "rgba16.png", "palette4.png",
    "rgb8_interlaced.png", "rgb8_turned.png", "rgb24.bmp", "rgb24_topdown.bmp", "rgba32.bmp", "palette8.bmp",
  ]

  @Test(arguments: files)
  func cutAtEveryLength(name: String) throws {
    let whole = try fixture(name)
    for length in 0..<whole.count {
      let kind = kindOfFailure(Array(whole[0..<length]))
      switch length {
      case 0: #expect(kind == .empty)
      case 1..<8: #expect(kind == .notAPicture || kind == .endsEarly)
      default: #expect(kind == .endsEarly, "\(name) cut at \(length)")
      }
    }
    #expect(kindOfFailure(whole) == nil)
  }

  @Test func cutNetpbm() {
    let whole = Array("P6\n2 2\n255\n".utf8) + [UInt8](repeating: 7, count: 12)
    for length in 3..<whole.count { #expect(kindOfFailure(Array(whole[0..<length])) == .endsEarly) }
    #expect(kindOfFailure(whole) == nil)
  }

  /// Any error or any picture will do.
  @Test(arguments: files)
  func changedBytes(name: String) throws {
    var generator = SystemRandomNumberGenerator()
    let whole = try fixture(name)
    for index in whole.indices {
      var changed = whole
      changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      _ = kindOfFailure(changed)
      changed[index] = [0, 255, 127, 128].randomElement()!
      _ = kindOfFailure(changed)
    }
  }

  @Test func sizes() throws {
    for (width, height, kind) in [
      (0, 5, PictureError.Kind.noPixels), (5, 0, .noPixels), (65535, 65535, .tooLarge), (32769, 1, .tooLarge),
      (32768, 32768, .tooLarge),
    ] {
      for bytes in [
        try jpeg(width, height), try png(width, height), try bmp(width, height),
        Array("P6 \(width) \(height) 255\n".utf8) + [0, 0, 0],
      ] {
        let error = failure(bytes)
        #expect(error?.kind == kind && error?.width == width && error?.height == height)
        #expect(error?.sentence.contains("\(width)x\(height)") == true)
      }
    }
    let far = Array("P5 99999999999999999999999999999 1 255\n".utf8)
    #expect(kindOfFailure(far) == .tooLarge)
  }

  @Test func otherKindsAreNamed() {
    for (start, name) in [("GIF89a", "GIF"), ("RIFF\0\0\0\0WEBPVP8 ", "WebP"), ("II*\0\u{8}\0\0\0", "TIFF")] {
      let error = failure(Array(start.utf8) + [UInt8](repeating: 0, count: 64))
      #expect(error?.kind == .unsupported && error?.sentence.contains(name) == true)
    }
    #expect(kindOfFailure(Array("P3 1 1 255 1 2 3\n".utf8)) == .unsupported)
    #expect(kindOfFailure(Array("Hello, I am a text file.\n".utf8)) == .notAPicture)
    #expect(kindOfFailure(Array("P4K stock\n".utf8)) == .notAPicture)
  }

  @Test func paths() throws {
    func kind(_ path: String) -> PictureError.Kind? {
      do throws(PictureError) {
        _ = try Picture(path: path)
        return nil
      } catch { return error.kind }
    }
    #expect(kind("/no/such/file.jpg") == .missing)
    #expect(kind(fixturePath("")) == .isDirectory)
    #expect(kind("/dev/null") == .unreadable)
    #expect(kind("/proc/self/mem") == .unreadable)
  }

  @Test func aReaderGoesOnAfterAnError() throws {
    var reader = try PictureReader(memoryBytes: 0)
    let (good, bad) = (try fixture("baseline.jpg"), try Array(fixture("rgb8.png")[0..<200]))
    for _ in 0..<3 {
      for bytes in [good, bad, Array(good[0..<300]), try fixture("progressive.jpg")] {
        bytes.withUnsafeBytes { bytes in
          do throws(PictureError) {
            let shape = try reader.open(bytes: bytes)
            for _ in 0..<shape.height { _ = try reader.readRow() }
          } catch {
            #expect(error.kind == .endsEarly)
            return
          }
          #expect(bytes.count == good.count || bytes.count == 769)
        }
      }
    }
  }

  @Test func heldWholeWithinLimits() throws {
    // 8000 x 8000 progressive: 3 x 128 MB of coefficients before a single one is read.
    var bytes = try jpeg(8000, 8000, base: "progressive.jpg")
    #expect(kindOfFailure(bytes) == .needsMemory)
    bytes = try png(12000, 12000, base: "rgb8_interlaced.png")
    #expect(kindOfFailure(bytes) == .needsMemory)
  }

  // MARK: - Files with another size than their pixels

  private func jpeg(_ width: Int, _ height: Int, base: String = "baseline.jpg") throws -> [UInt8] {
    var bytes = try fixture(base)
    let frame = bytes.indices.first { bytes[$0] == 0xFF && (bytes[$0 + 1] == 0xC0 || bytes[$0 + 1] == 0xC2) }!
    for (offset, value) in [(5, height), (7, width)] {
      bytes[frame + offset] = UInt8(value >> 8)
      bytes[frame + offset + 1] = UInt8(value & 255)
    }
    return bytes
  }

  private func png(_ width: Int, _ height: Int, base: String = "rgb8.png") throws -> [UInt8] {
    var bytes = try fixture(base)
    for (offset, value) in [(16, width), (20, height)] {
      for i in 0..<4 { bytes[offset + i] = UInt8(truncatingIfNeeded: value >> (24 - 8 * i)) }
    }
    let crc = crc32(bytes[12..<29])
    for i in 0..<4 { bytes[29 + i] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * UInt32(i))) }
    return bytes
  }

  private func bmp(_ width: Int, _ height: Int) throws -> [UInt8] {
    var bytes = try fixture("rgb24.bmp")
    for (offset, value) in [(18, width), (22, height)] {
      for i in 0..<4 { bytes[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    }
    return bytes
  }

  private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }

  private func failure(_ bytes: [UInt8]) -> PictureError? {
    do throws(PictureError) {
      _ = try Picture(bytes)
      return nil
    } catch { return error }
  }

  private func kindOfFailure(_ bytes: [UInt8]) -> PictureError.Kind? { failure(bytes)?.kind }
}
