import Foundation
import Martlet
import Testing

@testable import MartletDevice

/// Every format and layout, decoded and compared with what is in it.
@Suite struct PictureFormatTests {
  @Test(arguments: [
    "rgb8.png", "rgb16.png", "rgb8_interlaced.png", "rgb24.bmp", "rgb24_topdown.bmp", "rgb32.bmp",
  ])
  func colour(name: String) throws {
    let picture = try Picture(path: name)
    #expect(picture.width == Formula.width && picture.height == Formula.height)
    #expect(picture.values == Formula.map { [$0.red, $0.green, $0.blue] })
  }

  @Test(arguments: ["rgba8.png", "rgba16.png", "rgba32.bmp"])
  func colourWithAlpha(name: String) throws {
    let expected = Formula.map { p in [p.red, p.green, p.blue].map { Formula.over($0, alpha: p.alpha) } }
    #expect(try Picture(path: name).values == expected)
  }

  @Test(arguments: ["grey8.png", "grey16.png"])
  func grey(name: String) throws {
    #expect(try Picture(path: name, channels: 1).values == Formula.map { [$0.red] })
    #expect(try Picture(path: name).values == Formula.map { [$0.red, $0.red, $0.red] })
  }

  @Test func greyOfTwoBits() throws {
    #expect(try Picture(path: "grey2.png", channels: 1).values == Formula.map { [UInt8(($0.x + $0.y) % 4 * 85)] })
  }

  @Test func greyWithAlpha() throws {
    let expected = Formula.map { [Formula.over($0.red, alpha: $0.alpha)] }
    #expect(try Picture(path: "greyalpha8.png", channels: 1).values == expected)
  }

  @Test(arguments: ["palette4.png", "palette8.bmp", "palette4.bmp"])
  func palette(name: String) throws {
    #expect(try Picture(path: name).values == Formula.map { Formula.palette[($0.x + $0.y) % 5] })
  }

  @Test func paletteWithTransparency() throws {
    let alphas: [UInt8] = [255, 128, 0, 255, 255]
    let expected = Formula.map { p in
      let index = (p.x + p.y) % 5
      return Formula.palette[index].map { Formula.over($0, alpha: alphas[index]) }
    }
    #expect(try Picture(path: "palette8_transparent.png").values == expected)
  }

  @Test func orientationOfPNG() throws {
    let picture = try Picture(path: "rgb8_turned.png")
    #expect(picture.width == Formula.height && picture.height == Formula.width)
    // Turned clockwise, the stored top left corner comes to the top right.
    let corner = (Formula.height - 1) * 3
    #expect(Array(picture.values[corner..<corner + 3]) == [0, 0, 40])
  }

  @Test(arguments: ["baseline", "full_chroma", "progressive", "grey"])
  func jpegEqualsPillow(name: String) throws {
    #expect(try Picture(path: name + ".jpg").values == fixture(name + ".rgb"))
  }

  @Test func cmyk() throws {
    let (ours, golden) = (try Picture(path: "cmyk.jpg").values, try fixture("cmyk.rgb"))
    #expect(zip(ours, golden).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test(arguments: 1...8)
  func orientationOfJPEG(value: Int) throws {
    let plain = try Picture(path: "baseline.jpg")
    for isBigEndian in [false, true] {
      let turned = try Picture(turnedJPEG("baseline.jpg", UInt16(value), isBigEndian: isBigEndian))
      let swaps = value >= 5
      #expect(turned.width == (swaps ? plain.height : plain.width))
      for y in 0..<plain.height {
        for x in 0..<plain.width {
          // EXIF: where row 0 and column 0 of what is stored lie on the display.
          let (right, bottom) = (plain.width - 1 - x, plain.height - 1 - y)
          let (shownX, shownY) = [
            (x, y), (right, y), (right, bottom), (x, bottom), (y, x), (bottom, x), (bottom, right), (y, right),
          ][value - 1]
          let (from, to) = ((y * plain.width + x) * 3, (shownY * turned.width + shownX) * 3)
          #expect(plain.values[from..<from + 3].elementsEqual(turned.values[to..<to + 3]))
        }
      }
    }
  }

  @Test func netpbm() throws {
    let pgm = Array("P5 # a comment\n3\t2 #another\n255\n".utf8) + [1, 2, 3, 4, 5, 255]
    #expect(try Picture(pgm, channels: 1).values == [1, 2, 3, 4, 5, 255])
    let ppm = Array("P6\n1 1\n255\n".utf8) + [9, 8, 7]
    #expect(try Picture(ppm).values == [9, 8, 7])
    let deep = Array("P5 2 1 65535\n".utf8) + [0xFF, 0xFF, 0x80, 0x80]
    #expect(try Picture(deep, channels: 1).values == [255, 128])
    let shallow = Array("P5 3 1 15\n".utf8) + [0, 7, 15]
    #expect(try Picture(shallow, channels: 1).values == [0, 119, 255])
  }

  @Test func fileEqualsMemory() throws {
    for name in ["baseline.jpg", "rgb8.png", "rgb24.bmp"] {
      #expect(try Picture(path: name).values == Picture(fixture(name)).values)
    }
  }
}
