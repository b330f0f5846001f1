import CMartletLinux
import Foundation
import Testing

@testable import MartletDevice

private func fourCC(_ text: String) -> UInt32 {
  text.utf8.enumerated().reduce(0) { $0 | UInt32($1.element) << UInt32(8 * $1.offset) }
}

private func store(_ folder: TemporaryFolder, _ maxBytes: UInt64 = 1 << 20) throws -> FrameStore {
  var frames = FramesConfiguration()
  frames.folder = folder.path
  frames.maxBytes = maxBytes
  return try require(FrameStore(frames))
}

extension FrameStore {
  /// nil, or the errno value.
  mutating func save(
    _ bytes: [UInt8], _ format: String, _ width: Int = 0, _ height: Int = 0, stride: Int = 0, decision: UInt64
  ) -> Int32? {
    // Exactly as long as it says, so that a sanitizer sees a read past its end.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let frame = martlet_stored_frame(
      bytes: copy.baseAddress, count: bytes.count, format: fourCC(format), width: UInt32(width),
      height: UInt32(height), stride: UInt32(stride), is_bt709: 0, is_full_range: 0)
    if case .lost(let code, _) = save(frame, decision: decision, wallUs: 1_795_821_622_123_456) { return code }
    return nil
  }
}

private let jpeg: [UInt8] = [0xFF, 0xD8] + [UInt8](repeating: 7, count: 996) + [0xFF, 0xD9]

@Suite struct FrameStoreTests {
  @Test func oldestGoFirstAndAFolderIsTakenStockOf() throws {
    let folder = TemporaryFolder()
    do {
      var frames = try store(folder, 10_500)
      for number in 1...25 {
        #expect(frames.save(jpeg, "MJPG", decision: UInt64(number)) == nil)
        #expect(frames.byteCount == UInt64(folder.names.reduce(0) { $0 + folder.read($1).count }))
      }
      #expect(frames.count == 10 && frames.lastDecision == 25)
      #expect(String(cString: frames.lastName) == "000000000025-20261127T232022.123456Z.jpg")
    }
    #expect(folder.names.first == "000000000016-20261127T232022.123456Z.jpg" && folder.names.count == 10)
    #expect(folder.read(folder.names[0]) == jpeg)
    folder.write("other.jpg", jpeg)
    folder.write(".26.part", jpeg)
    folder.write("000000000026-20261127T232022.123456Z.jpg", [])
    folder.write("000000000027-20261127T232022.123456Z.jpg", [UInt8](repeating: 0, count: 4096))
    folder.write("000000000028-20261127T232022.123456Z.ppm", Array("P6\n4 4\n255\n12345".utf8))
    var frames = try store(folder, 5_500)
    #expect(frames.count == 5 && frames.lastDecision == 25 && folder.names.count == 6)
    #expect(folder.names.last == "other.jpg")
    #expect(frames.save(jpeg, "MJPG", decision: 25) == EEXIST)
    #expect(frames.save(jpeg, "MJPG", decision: 26) == nil)
    #expect(frames.count == 5 && folder.names.contains("other.jpg"))
    #expect(frames.save(jpeg + [UInt8](repeating: 1, count: 5000), "MJPG", decision: 27) == EFBIG)
    #expect(frames.lostCount == 2)
  }

  @Test func whatIsNoJPEGIsNotSavedAsOne() throws {
    let folder = TemporaryFolder()
    var frames = try store(folder)
    #expect(frames.save(Array("\u{89}PNG\r\n".utf8), "MJPG", decision: 1) == EINVAL)
    #expect(frames.save([], "MJPG", decision: 1) == EINVAL)
    #expect(folder.names.isEmpty)
  }

  /// A disk that was away has another folder at the same place.
  @Test func aFolderThatWasMadeAnewIsReadAgain() throws {
    let folder = TemporaryFolder()
    mkdir(folder.file("frames"), 0o755)
    var configuration = FramesConfiguration()
    configuration.folder = folder.file("frames")
    var frames = try require(FrameStore(configuration))
    #expect(frames.save(jpeg, "MJPG", decision: 1) == nil)
    unlink(folder.file("frames/" + String(cString: frames.lastName)))
    rmdir(folder.file("frames"))
    #expect(frames.save(jpeg, "MJPG", decision: 2) == ENOENT)
    mkdir(folder.file("frames"), 0o755)
    usleep(1_050_000)
    #expect(frames.save(jpeg, "MJPG", decision: 3) == nil)
    #expect(frames.count == 1)
  }

  /// Every format against BT.601 in floating point, odd sizes and padded rows included.
  @Test(arguments: ["RGB3", "BGR3", "AB24", "XR24", "GREY", "YUYV", "UYVY", "NV12", "NV21", "YU12"])
  func formats(name: String) throws {
    for (width, height, padding) in [(8, 6, 0), (7, 5, 0), (8, 5, 6), (7, 6, 10)] {
      let folder = TemporaryFolder()
      var frames = try store(folder)
      var bytes = (0..<8 * (width + padding) * (height + 2)).map { _ in UInt8.random(in: 0...255) }
      let pixelBytes = ["RGB3": 3, "BGR3": 3, "AB24": 4, "XR24": 4, "YUYV": 2, "UYVY": 2][name] ?? 1
      let half = (width + 1) / 2
      let even = name == "YUYV" || name == "UYVY" ? 2 * half : width
      let isPlanar = name.hasPrefix("NV") || name == "YU12"
      let stride = isPlanar ? 2 * half + padding : even * pixelBytes + padding
      let told = isPlanar || padding > 0 ? stride : 0
      let chroma = stride * height
      var needed = stride * (height - 1) + even * pixelBytes
      if name.hasPrefix("NV") { needed = chroma + stride * ((height + 1) / 2 - 1) + 2 * half }
      if name == "YU12" { needed = chroma + stride / 2 * (2 * ((height + 1) / 2) - 1) + half }
      bytes = Array(bytes[..<needed])
      #expect(frames.save(bytes, name, width, height, stride: told, decision: 1) == nil)
      #expect(frames.save(Array(bytes.dropLast()), name, width, height, stride: told, decision: 2) == EINVAL)
      let saved = folder.read(folder.names[0])
      let header = Array("\(name == "GREY" ? "P5" : "P6")\n\(width) \(height)\n255\n".utf8)
      #expect(saved.starts(with: header) && saved.count == header.count + width * height * (name == "GREY" ? 1 : 3))
      for y in 0..<height {
        for x in 0..<width {
          let at = y * stride + x * pixelBytes
          let second = chroma + stride / 2 * ((height + 1) / 2)
          let want: [Double]
          switch name {
          case "GREY": want = [Double(bytes[at])]
          case "RGB3", "AB24": want = [0, 1, 2].map { Double(bytes[at + $0]) }
          case "BGR3", "XR24": want = [2, 1, 0].map { Double(bytes[at + $0]) }
          case "YUYV":
            let pair = y * stride + x / 2 * 4
            want = colour(bytes[pair + x % 2 * 2], bytes[pair + 1], bytes[pair + 3])
          case "UYVY":
            let pair = y * stride + x / 2 * 4
            want = colour(bytes[pair + 1 + x % 2 * 2], bytes[pair], bytes[pair + 2])
          case "NV12", "NV21":
            let pair = chroma + y / 2 * stride + x / 2 * 2
            let (u, v) = name == "NV12" ? (bytes[pair], bytes[pair + 1]) : (bytes[pair + 1], bytes[pair])
            want = colour(bytes[at], u, v)
          default:
            let place = y / 2 * (stride / 2) + x / 2
            want = colour(bytes[at], bytes[chroma + place], bytes[second + place])
          }
          for (index, value) in want.enumerated() {
            let got = Double(saved[header.count + (y * width + x) * want.count + index])
            #expect(abs(got - value) <= 1.5, "\(name) \(width)x\(height) at \(x),\(y)")
          }
        }
      }
    }
  }

  private func colour(_ y: UInt8, _ u: UInt8, _ v: UInt8) -> [Double] {
    let (y, u, v) = ((Double(y) - 16) * 255 / 219, (Double(u) - 128) * 255 / 224, (Double(v) - 128) * 255 / 224)
    return [y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u].map { min(max($0, 0), 255) }
  }

  @Test func whatItCannotSave() throws {
    let folder = TemporaryFolder()
    var frames = try store(folder)
    #expect(frames.save(jpeg, "H264", decision: 1) == ENOTSUP)
    #expect(frames.save([], "MJPG", decision: 1) == EINVAL)
    #expect(frames.save(jpeg, "RGB3", 0, 5, decision: 1) == EINVAL)
    #expect(frames.save(jpeg, "RGB3", 70000, 70000, decision: 1) == EINVAL)
    #expect(folder.names.isEmpty)
    var gone = FramesConfiguration()
    gone.folder = folder.file("gone")
    do {
      let opened = try require(FrameStore(gone))
      #expect(opened.openError == ENOENT)
    }
  }
}
