/// Rewritings of a float graph that change its results by rounding at most, before it is measured or quantized.
enum FloatPasses {
  static func run(_ graph: inout Graph) {
    Passes.removeDeadNodes(&graph)
    AffineFolding.run(&graph)
    PadFusion.run(&graph)
    ScalarFusion.run(&graph)
    // What a fusion has joined may be affine again.
    AffineFolding.run(&graph)
    Passes.removeDeadNodes(&graph)
  }
}
