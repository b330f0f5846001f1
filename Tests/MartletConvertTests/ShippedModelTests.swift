import Foundation
import Testing

@testable import MartletConvert

/// What lies in Models is what its recipe gives.
@Suite struct ShippedModelTests {
  static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Models")

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: models.appendingPathComponent(path)))
  }

  @Test func resnet8IsItsRecipe() throws {
    let labels = try LabelFile.labels(in: Self.bytes("resnet8-cifar10/labels.txt"), name: "labels.txt")
    let source = try Self.bytes("resnet8-cifar10/resnet8-cifar10.tflite")
    let options = ConversionOptions(labels: labels)
    let conversion = try Converter.convert(source, name: "resnet8-cifar10.tflite", options: options)
    #expect(conversion.bytes == (try Self.bytes("resnet8-cifar10/resnet8-cifar10.martlet")))
    #expect(conversion.summary.plannedPeakBytes == conversion.summary.lowerBoundBytes)
    #expect(conversion.summary.labelCount == 10)
  }
}
