/// What a model says about itself in TensorFlow Lite's metadata: labels, and how pixels are normalized.
struct ModelMetadata {
  var labels: [String] = []
  var mean: [Float]?
  var standardDeviation: [Float]?

  init(_ model: TFLiteModel, name: String) throws(ConversionError) {
  }
}
