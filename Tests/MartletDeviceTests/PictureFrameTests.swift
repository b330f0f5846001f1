import CMartletLinux
import Foundation
import Martlet
import Testing

@testable import MartletDevice

/// A camera's JPEG frames: scaled, without Huffman tables, cut short, padded.
@Suite struct PictureFrameTests {
  static let samplings = ["1x1", "2x1", "1x2", "2x2", "4x1"].map { "sampling_\($0).jpg" }

  /// The tensor as pixel values, or why there is none.
  private func load(
    _ bytes: [UInt8], _ loader: inout PictureLoader, width: Int = 20, height: Int = 15, channels: Int = 3,
    region: PixelBox? = nil, orientation: Orientation = .upright, eighths: Int? = nil
  ) -> Result<[UInt8], PictureError> {
    let values = UnsafeMutablePointer<Int8>.allocate(capacity: width * height * channels)
    defer { values.deallocate() }
    let table = (0..<768).map { Int8(truncatingIfNeeded: $0 & 255) }
    // Exactly as long as it says, so that a sanitizer sees a read past its end.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return table.withUnsafeBufferPointer { table in
      let target = PictureTarget(
        width: width, height: height, channels: channels, values: values, table: table.baseAddress!)
      do throws(PictureError) {
        try loader.load(
          frame: UnsafeRawBufferPointer(copy), into: target, policy: .stretch, region: region,
          orientation: orientation, eighths: eighths)
      } catch {
        return .failure(error)
      }
      return .success(UnsafeBufferPointer(start: values, count: width * height * channels).map(UInt8.init(bitPattern:)))
    }
  }

  private func mean(_ a: [UInt8], _ b: [UInt8]) -> Double {
    let differences = zip(a, b).map { abs(Int($0) - Int($1)) }
    return Double(differences.reduce(0, +)) / Double(a.count)
  }

  /// Pillow's decoding of these files is what `Picture` is tested against.
  @Test(arguments: samplings + ["full_chroma.jpg", "grey.jpg"])
  func resemblesTheFile(name: String) throws {
    let bytes = try fixture(name)
    for channels in [1, 3] {
      var loader = try PictureLoader(width: 20, height: 15, channels: channels)
      let file = try bytes.withUnsafeBytes { try Picture(bytes: $0, width: 20, height: 15, channels: channels).values }
      let frame = try load(bytes, &loader, channels: channels, eighths: 8).get()
      // Chroma is repeated where a file's is interpolated; luma and full chroma differ in roundings alone, as long as
      // all pixels lie within red, green, blue: those of full_chroma do not.
      let isExact = channels == 1 || name.contains("1x1") || name.contains("full") || name.contains("grey")
      #expect(mean(file, frame) <= (isExact ? 0.6 : 1.5), "\(name), \(channels) channels")
      let largest = zip(file, frame).map { abs(Int($0) - Int($1)) }.max()!
      if isExact && !name.contains("full") { #expect(largest <= 3, "\(name), \(channels) channels: \(largest)") }
    }
  }

  /// Smaller decodes of whole blocks resemble the full one.
  @Test(arguments: samplings)
  func scaledResemblesFull(name: String) throws {
    let bytes = try fixture(name)
    let box = PixelBox(x: 0, y: 0, width: 56, height: 40)
    var loader = try PictureLoader(width: 7, height: 5, channels: 3)
    let full = try load(bytes, &loader, width: 7, height: 5, region: box, eighths: 8).get()
    for (eighths, limit) in [(1, 7.0), (2, 3), (4, 1.5)] {
      let scaled = try load(bytes, &loader, width: 7, height: 5, region: box, eighths: eighths).get()
      #expect(mean(full, scaled) <= limit, "\(name) in \(eighths) eighths: \(mean(full, scaled))")
    }
    let least = try load(bytes, &loader, width: 7, height: 5, region: box).get()
    #expect(try least == load(bytes, &loader, width: 7, height: 5, region: box, eighths: 1).get())
  }

  /// UVC cameras leave the standard tables out. Others' tables, decoded before, must not stay.
  @Test func withoutHuffmanTables() throws {
    for name in ["sampling_2x2.jpg", "sampling_2x1.jpg", "baseline.jpg", "grey.jpg"] {
      let bytes = try fixture(name)
      let bare = without(bytes, marker: 0xC4)
      #expect(bare.count < bytes.count - 20)
      var loader = try PictureLoader(width: 20, height: 15, channels: 3)
      let wanted = try load(bytes, &loader).get()
      #expect(try load(bare, &loader).get() == wanted)
      // A progressive file has tables of its own.
      _ = try load(fixture("progressive.jpg"), &loader).get()
      #expect(try load(bare, &loader).get() == wanted)
      var fresh = try PictureLoader(width: 20, height: 15, channels: 3)
      #expect(try load(bare, &fresh).get() == wanted)
    }
  }

  /// Quantization has no standard tables: a frame without is damaged, whatever was decoded before.
  @Test func withoutQuantizationTables() throws {
    let bytes = try fixture("sampling_2x1.jpg")
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    _ = try load(bytes, &loader).get()
    #expect(kind(load(without(bytes, marker: 0xDB), &loader)) == .damaged)
  }

  @Test(arguments: ["sampling_2x1.jpg", "grey.jpg", "progressive.jpg"])
  func cutAtEveryLength(name: String) throws {
    let whole = try fixture(name)
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    let wanted = try load(whole, &loader).get()
    for length in 0..<whole.count {
      let found = kind(load(Array(whole[0..<length]), &loader))
      #expect(found == (length == 0 ? .empty : length < 3 ? .notAPicture : .endsEarly), "cut at \(length)")
    }
    #expect(try load(whole, &loader).get() == wanted)
    for padding in [[UInt8](repeating: 0, count: 4096), [0xFF, 0xD8, 0xFF, 0xE0], [UInt8](repeating: 0xFF, count: 9)] {
      #expect(try load(whole + padding, &loader).get() == wanted)
    }
    // A hole in the middle: what follows is there.
    let scan = whole.count * 2 / 3
    if name == "sampling_2x1.jpg" {
      #expect(kind(load(Array(whole[0..<scan] + whole[(whole.count - 2)...]), &loader)) == .damaged)
    }
  }

  /// Any error or any picture will do.
  @Test(arguments: samplings)
  func changedBytes(name: String) throws {
    var generator = SystemRandomNumberGenerator()
    let whole = try fixture(name)
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    for index in whole.indices {
      var changed = whole
      changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      _ = load(changed, &loader)
    }
  }

  @Test func whatIsNoFrame() throws {
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    #expect(kind(load(try fixture("rgb8.png"), &loader)) == .notAPicture)
    #expect(kind(load(try fixture("cmyk.jpg"), &loader)) == .unsupported)
  }

  @Test func regions() throws {
    let bytes = try fixture("sampling_2x2.jpg")
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    let whole = try load(bytes, &loader).get()
    #expect(try load(bytes, &loader, region: PixelBox(x: 0, y: 0, width: 61, height: 45)).get() == whole)
    for box in [
      PixelBox(x: 0, y: 0, width: 62, height: 45), PixelBox(x: 61, y: 0, width: 1, height: 1),
      PixelBox(x: -1, y: 0, width: 9, height: 9), PixelBox(x: 0, y: 0, width: 0, height: 9),
    ] {
      #expect(kind(load(bytes, &loader, region: box)) == .regionOutside)
    }
    // Its own pixels, none of those around it.
    let box = PixelBox(x: 21, y: 17, width: 20, height: 15)
    let part = try load(bytes, &loader, region: box).get()
    let file = try bytes.withUnsafeBytes { try Picture(bytes: $0).values }
    var cut: [UInt8] = []
    for y in 17..<32 { cut += file[(y * 61 + 21) * 3..<(y * 61 + 41) * 3] }
    #expect(mean(part, cut) <= 1.5)
  }

  @Test func orientations() throws {
    let bytes = try fixture("sampling_2x1.jpg")
    var loader = try PictureLoader(width: 20, height: 15, channels: 3)
    let upright = try load(bytes, &loader).get()
    let turned = try load(bytes, &loader, orientation: .upsideDown).get()
    let pixels = (0..<300).reversed().flatMap { upright[3 * $0..<3 * $0 + 3] }
    #expect(turned == pixels)
    // The file's own word does not count for a camera.
    #expect(try load(turnedJPEG("sampling_2x1.jpg", 6), &loader).get() == upright)
  }

  /// On a photo, the frame's way against converting each pixel and resizing: the largest and the mean difference.
  @Test func photoInYUYV() throws {
    let root = URL(fileURLWithPath: fixturePath("")).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let photo = try Picture(path: root.appendingPathComponent("Models/photos/cat.jpg").path)
    let (width, height) = (photo.width / 2 * 2, photo.height)
    var frame: [UInt8] = []
    var rgb: [UInt8] = []
    for y in 0..<height {
      for x in stride(from: 0, to: width, by: 2) {
        let at = 3 * (y * photo.width + x)
        let pair = yuyv(of: Array(photo.values[at..<at + 6]))
        frame += pair
        for luma in [pair[0], pair[2]] { rgb += colour(luma, pair[1], pair[3]) }
      }
    }
    let header = Array("P6 \(width) \(height) 255\n".utf8)
    let wanted = try (header + rgb).withUnsafeBytes { try Picture(bytes: $0, width: 224, height: 224).values }
    let shape = FrameShape(width: width, height: height, layout: .packed(), stride: 2 * width, isFullRange: true)
    let found = try resized(shape, frame, to: 224, 224)
    let largest = zip(wanted, found).map { abs(Int($0) - Int($1)) }.max()!
    #expect(mean(wanted, found) <= 0.3 && largest <= 6, "mean \(mean(wanted, found)), largest \(largest)")
  }

  /// Full range BT.601, of two pixels.
  private func yuyv(of rgb: [UInt8]) -> [UInt8] {
    func luma(_ at: Int) -> Double {
      let red = 0.299 * Double(rgb[at]), green = 0.587 * Double(rgb[at + 1])
      return red + green + 0.114 * Double(rgb[at + 2])
    }
    let middle: Double = (luma(0) + luma(3)) / 2
    let red: Double = (Double(rgb[0]) + Double(rgb[3])) / 2
    let blue: Double = (Double(rgb[2]) + Double(rgb[5])) / 2
    return [byte(luma(0)), byte((blue - middle) / 1.772 + 128), byte(luma(3)), byte((red - middle) / 1.402 + 128)]
  }

  private func colour(_ y: UInt8, _ cb: UInt8, _ cr: UInt8) -> [UInt8] {
    let red: Double = 1.402 * (Double(cr) - 128)
    let blue: Double = 1.772 * (Double(cb) - 128)
    let green: Double = (0.299 * red + 0.114 * blue) / 0.587
    return [byte(Double(y) + red), byte(Double(y) - green), byte(Double(y) + blue)]
  }

  private func byte(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }

  private func resized(_ shape: FrameShape, _ frame: [UInt8], to width: Int, _ height: Int) throws -> [UInt8] {
    let regionBytes = FrameResizer.byteCount(of: shape, policy: .stretch, width: width, height: height, channels: 3)
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: regionBytes, alignment: 64)
    defer { region.deallocate() }
    var values = [Int8](repeating: 0, count: width * height * 3)
    let table = (0..<768).map { Int8(truncatingIfNeeded: $0 & 255) }
    values.withUnsafeMutableBufferPointer { values in
      table.withUnsafeBufferPointer { table in
        var resizer = FrameResizer(
          frame: shape, policy: .stretch,
          target: PictureTarget(
            width: width, height: height, channels: 3, values: values.baseAddress!, table: table.baseAddress!),
          region: region)
        let isDone = frame.withUnsafeBytes { resizer.run($0) }
        #expect(isDone)
      }
    }
    return values.map(UInt8.init(bitPattern:))
  }

  private func kind(_ result: Result<[UInt8], PictureError>) -> PictureError.Kind? {
    if case .failure(let error) = result { return error.kind }
    return nil
  }

  /// The file without its segments of one kind.
  private func without(_ bytes: [UInt8], marker: UInt8) -> [UInt8] {
    var result = Array(bytes[0..<2])
    var index = 2
    while bytes[index + 1] != 0xDA {
      let end = index + 2 + (Int(bytes[index + 2]) << 8) + Int(bytes[index + 3])
      if bytes[index + 1] != marker { result += bytes[index..<end] }
      index = end
    }
    return result + bytes[index...]
  }
}
