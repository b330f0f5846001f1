import CMartletLinux
import Foundation
import Martlet
import Testing

@testable import MartletDevice

private func store(_ folder: TemporaryFolder, _ maxBytes: UInt64 = 1 << 20) throws -> FrameStore {
  var frames = FramesConfiguration()
  frames.folder = folder.path
  frames.maxBytes = maxBytes
  return try require(FrameStore(frames))
}

extension FrameStore {
  /// nil, or the errno value. Without a shape the bytes are a JPEG file.
  mutating func save(_ bytes: [UInt8], _ shape: FrameShape? = nil, decision: UInt64) -> Int32? {
    // Exactly as long as it says, so that a sanitizer sees a read past its end.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let frame = FrameContent(bytes: UnsafeRawBufferPointer(copy), shape: shape)
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
        #expect(frames.save(jpeg, decision: UInt64(number)) == nil)
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
    #expect(frames.save(jpeg, decision: 25) == EEXIST)
    #expect(frames.save(jpeg, decision: 26) == nil)
    #expect(frames.count == 5 && folder.names.contains("other.jpg"))
    #expect(frames.save(jpeg + [UInt8](repeating: 1, count: 5000), decision: 27) == EFBIG)
    #expect(frames.lostCount == 2)
  }

  @Test func whatIsNoJPEGIsNotSavedAsOne() throws {
    let folder = TemporaryFolder()
    var frames = try store(folder)
    #expect(frames.save(Array("\u{89}PNG\r\n".utf8), decision: 1) == EINVAL)
    #expect(frames.save([], decision: 1) == EINVAL)
    #expect(folder.names.isEmpty)
  }

  /// A disk that was away has another folder at the same place.
  @Test func aFolderThatWasMadeAnewIsReadAgain() throws {
    let folder = TemporaryFolder()
    mkdir(folder.file("frames"), 0o755)
    var configuration = FramesConfiguration()
    configuration.folder = folder.file("frames")
    configuration.maxBytes = 1 << 20
    var frames = try require(FrameStore(configuration))
    #expect(frames.save(jpeg, decision: 1) == nil)
    unlink(folder.file("frames/" + String(cString: frames.lastName)))
    rmdir(folder.file("frames"))
    #expect(frames.save(jpeg, decision: 2) == ENOENT)
    mkdir(folder.file("frames"), 0o755)
    usleep(1_050_000)
    #expect(frames.save(jpeg, decision: 3) == nil)
    #expect(frames.count == 1)
  }

  /// Every format against the standards in floating point, odd sizes and padded rows included.
  @Test(arguments: PixelMeaning.names) func formats(name: String) throws {
    guard case .direct(let layout) = PixelFormat.of(try #require(FourCC(name))).reading else {
      Issue.record("\(name) is not read directly")
      return
    }
    for (number, (width, height, padding)) in [(8, 6, 0), (7, 5, 0), (8, 5, 6), (7, 6, 10), (1, 1, 0)].enumerated() {
      let matrices = [(ColourMatrix.bt601, 0.299, 0.114), (.bt709, 0.2126, 0.0722), (.bt2020, 0.2627, 0.0593)]
      let (matrix, red, blue) = matrices[number % 3]
      let stride = PixelMeaning.stride(name, width) + padding
      let count = PixelMeaning.count(name, width, height, stride: stride)
      let shape = FrameShape(
        width: width, height: height, layout: layout, stride: stride, matrix: matrix, isFullRange: number % 2 == 1)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
      let folder = TemporaryFolder()
      var frames = try store(folder)
      #expect(frames.save(bytes, shape, decision: 1) == nil)
      #expect(frames.save(Array(bytes.dropLast()), shape, decision: 2) == EINVAL)
      let saved = folder.read(try #require(folder.names.first))
      let header = Array("\(PixelMeaning.isGrey(name) ? "P5" : "P6")\n\(width) \(height)\n255\n".utf8)
      #expect(
        saved.starts(with: header) && saved.count == header.count + width * height * (PixelMeaning.isGrey(name) ? 1 : 3)
      )
      for y in 0..<height {
        for x in 0..<width {
          let pixel = try #require(PixelMeaning.pixel(name, bytes, x, y, height: height, stride: stride))
          let want =
            PixelMeaning.isYCbCr(name)
            ? PixelMeaning.colour(pixel, red: red, blue: blue, isFullRange: shape.isFullRange) : pixel.map(Double.init)
          for (index, value) in want.enumerated() {
            let got = Double(saved[header.count + (y * width + x) * want.count + index])
            #expect(abs(got - value) <= 1.5, "\(name) \(width)x\(height) at \(x),\(y)")
          }
        }
      }
    }
  }

  @Test func whatItCannotSave() throws {
    let folder = TemporaryFolder()
    var frames = try store(folder)
    #expect(frames.save([], decision: 1) == EINVAL)
    for (width, height, stride) in [(0, 5, 3), (5, 5, 14), (70000, 70000, 210_000)] {
      let shape = FrameShape(width: width, height: height, layout: .rgb(), stride: stride)
      #expect(frames.save(jpeg, shape, decision: 1) == EINVAL)
    }
    if case .lost(let code, _) = frames.save(nil, decision: 1, wallUs: 1) { #expect(code == EINVAL) }
    #expect(folder.names.isEmpty && frames.lostCount == 5)
    var gone = FramesConfiguration()
    gone.folder = folder.file("gone")
    do {
      let opened = try require(FrameStore(gone))
      #expect(opened.openError == ENOENT)
    }
  }
}
