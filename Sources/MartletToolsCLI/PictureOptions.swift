import ArgumentParser
import Foundation
import Martlet
import MartletConvert

enum Resize: String, ExpressibleByArgument, CaseIterable {
  case stretch, crop, letterbox

  var policy: ResizePolicy {
    switch self {
    case .stretch: .stretch
    case .crop: .crop
    case .letterbox: .letterbox
    }
  }
}

extension Normalization.Preset: ExpressibleByArgument {}
extension InputLayout: ExpressibleByArgument {}
extension RangeMethod: ExpressibleByArgument {}
extension Equalization: ExpressibleByArgument {}

/// How pictures become the input of a model.
struct PictureOptions: ParsableArguments {
  @Option(help: "What is subtracted from a pixel (0...255): one number, or three separated by commas.")
  var mean: String?

  @Option(help: "What the difference is divided by: one number, or three separated by commas.")
  var std: String?

  @Option(help: "Mean and std together: imagenet (torchvision, timm), tf (-1...1), raw (0...255) or unit (0...1).")
  var preset: Normalization.Preset?

  @Option(help: "How a picture is fitted to the input: stretch, crop (unless told) or letterbox.")
  var resize: Resize?

  @Option(
    help: ArgumentHelp(
      "With crop: scale the shorter side to N pixels, then cut out the centre; 0 takes the largest centre. "
        + "Unless told 8/7 of the input for float models (256 for 224), 0 for the others.", valueName: "N"))
  var shorterSide: Int?

  @Option(help: "How an ONNX model's input is laid out: auto, nchw or nhwc.")
  var layout: InputLayout = .auto

  @Option(help: "The input's shape where an ONNX model leaves it open, such as 1,3,224,224.")
  var shape: String?

  func options() throws -> ConversionOptions {
    var mean = try numbers(mean, "--mean")
    var std = try numbers(std, "--std")
    if let preset {
      guard mean == nil, std == nil else {
        throw ConversionError(.badRequest, "--preset goes without --mean and --std")
      }
      (mean, std) = (preset.normalization.mean, preset.normalization.standardDeviation)
    }
    if let shorterSide, !(0...32768).contains(shorterSide) {
      throw ConversionError(.badRequest, "--shorter-side \(shorterSide) is not in 0...32768")
    }
    var options = ConversionOptions(
      mean: mean, standardDeviation: std, resize: resize?.policy, shorterSide: shorterSide)
    options.layout = layout
    if let shape {
      let sizes = shape.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      let found = sizes.compactMap { $0 }
      guard found.count == sizes.count, found.allSatisfy({ $0 > 0 && $0 <= 1 << 20 }) else {
        throw ConversionError(.badRequest, "--shape '\(shape)' is not a list of sizes such as 1,3,224,224")
      }
      options.inputShape = found
    }
    return options
  }

  private func numbers(_ text: String?, _ option: String) throws -> [Float]? {
    guard let text else { return nil }
    let values = text.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
    let numbers = values.compactMap { $0 }
    guard numbers.count == values.count, numbers.count == 1 || numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
      throw ConversionError(.badRequest, "\(option) '\(text)' is not one number or three separated by commas")
    }
    return numbers
  }
}

extension Evaluation.Source {
  /// A model file, with its folder for what it keeps beside itself.
  init(path: String) throws {
    let url = URL(fileURLWithPath: path)
    self.init(
      bytes: try FileAccess.read(path), name: url.lastPathComponent, directory: url.deletingLastPathComponent().path)
  }
}
