import Testing

@testable import Martlet

/// Fitting, turning and channels.
@Suite struct VisionGeometryTests {
  @Test func crops() {
    let wide = ResizeGeometry(width: 1280, height: 720, targetWidth: 224, targetHeight: 224, policy: .crop)
    #expect(wide.source == PixelBox(x: 280, y: 0, width: 720, height: 720))
    #expect(wide.target == PixelBox(x: 0, y: 0, width: 224, height: 224))
    let tall = ResizeGeometry(width: 101, height: 400, targetWidth: 30, targetHeight: 20, policy: .crop)
    #expect(tall.source == PixelBox(x: 0, y: 166, width: 101, height: 67))
    let sliver = ResizeGeometry(width: 32768, height: 1, targetWidth: 1, targetHeight: 32768, policy: .crop)
    #expect(sliver.source == PixelBox(x: 16383, y: 0, width: 1, height: 1))
  }

  @Test func letterboxes() {
    let wide = ResizeGeometry(width: 1280, height: 720, targetWidth: 224, targetHeight: 224, policy: .letterbox)
    #expect(wide.source == PixelBox(x: 0, y: 0, width: 1280, height: 720))
    #expect(wide.target == PixelBox(x: 0, y: 49, width: 224, height: 126))
    let line = ResizeGeometry(width: 32768, height: 1, targetWidth: 10, targetHeight: 10, policy: .letterbox)
    #expect(line.target == PixelBox(x: 0, y: 4, width: 10, height: 1))
  }

  @Test func cropEqualsResizingTheCutOutPart() {
    let picture = TestPicture.formula(width: 50, height: 20)
    var cut: [UInt8] = []
    for y in 0..<20 { cut += picture.bytes[(y * 50 + 15) * 3..<(y * 50 + 35) * 3] }
    let expected = resized(TestPicture(width: 20, height: 20, bytes: cut), to: 8, 8)
    #expect(resized(picture, to: 8, 8, policy: .crop) == expected)
  }

  @Test func letterboxPutsMidGreyAround() {
    let picture = TestPicture.formula(width: 40, height: 20)
    let inner = resized(picture, to: 16, 8)
    let grey = [UInt8](repeating: 128, count: 4 * 16 * 3)
    #expect(resized(picture, to: 16, 16, policy: .letterbox) == grey + inner + grey)
  }

  @Test(arguments: 1...8)
  func turns(value: Int) {
    let orientation = Orientation(rawValue: UInt8(value))!
    let shown = TestPicture.formula(width: 31, height: 18)
    let stored = shown.stored(as: orientation)
    #expect(resized(stored, to: 31, 18, orientation: orientation) == shown.bytes)
    for policy in [ResizePolicy.stretch, .crop, .letterbox] {
      let turned = resized(stored, to: 12, 15, policy: policy, orientation: orientation)
      // Transposed rasters pass their axes in the other order: the rounding in between differs.
      let limit = orientation.swapsAxes ? 1 : 0
      #expect(largestDifference(turned, resized(shown, to: 12, 15, policy: policy)) <= limit)
    }
  }

  /// What EXIF says of each value, spelt out for a 2x1 picture: A B.
  @Test func turnsTheRightWay() {
    func shown(_ value: UInt8) -> [UInt8] {
      let orientation = Orientation(rawValue: value)!
      let picture = TestPicture(width: 2, height: 1, format: .grey, bytes: [10, 20])
      let (width, height) = orientation.swapsAxes ? (1, 2) : (2, 1)
      return resized(picture, to: width, height, channels: 1, orientation: orientation)
    }
    #expect(shown(1) == [10, 20] && shown(2) == [20, 10] && shown(3) == [20, 10] && shown(4) == [10, 20])
    // Clockwise, the left end comes to the top.
    #expect(shown(5) == [10, 20] && shown(6) == [10, 20] && shown(7) == [20, 10] && shown(8) == [20, 10])
  }

  @Test func mixesChannels() {
    let rgb = TestPicture(width: 1, height: 1, bytes: [200, 100, 50])
    // (19595 * 200 + 38470 * 100 + 7471 * 50 + 32768) >> 16
    #expect(resized(rgb, to: 1, 1, channels: 1) == [124])
    #expect(resized(rgb, to: 1, 1, isBlueFirst: true) == [50, 100, 200])
    let grey = TestPicture(width: 1, height: 1, format: .grey, bytes: [77])
    #expect(resized(grey, to: 1, 1) == [77, 77, 77])
    let clear = TestPicture(width: 3, height: 1, format: .rgba, bytes: [9, 8, 7, 0, 9, 8, 7, 255, 0, 255, 100, 51])
    #expect(resized(clear, to: 3, 1) == [128, 128, 128, 9, 8, 7, 102, 153, 122])
    let greyAlpha = TestPicture(width: 2, height: 1, format: .greyAlpha, bytes: [9, 0, 9, 255])
    #expect(resized(greyAlpha, to: 2, 1, channels: 1) == [128, 9])
  }

  @Test func appliesEachChannelsTable() {
    let table = (0..<768).map { Int8(truncatingIfNeeded: ($0 & 255) / 2 + $0 / 256) }
    let picture = TestPicture(width: 1, height: 1, bytes: [10, 20, 30])
    #expect(resized(picture, to: 1, 1, table: table) == [5, 11, 17])
    #expect(resized(picture, to: 1, 1, isBlueFirst: true, table: table) == [17, 11, 5])
    let tall = TestPicture(width: 1, height: 3, bytes: [10, 20, 30, 10, 20, 30, 10, 20, 30])
    #expect(resized(tall, to: 3, 3, policy: .letterbox, table: table)[0..<6] == [64, 65, 66, 5, 11, 17])
  }
}
