import MartletConvert

/// One input of the fuzzer: any bytes are imported, run in float, quantized on one range and written, or refused with
/// lines of text. A trap, a hang, a read outside the bytes, or a file that our own loader does not take is a finding.
enum ONNXTarget {
  static func run(_ input: UnsafeRawBufferPointer) {
    do throws(ConversionError) {
      let conversion = try Quantizer.quantizeBlindly(Array(input), name: "fuzz")
      precondition(conversion.bytes.count == conversion.summary.fileBytes)
      #if CANARY
        // Behind the messages, the importer, the passes and the plan. No seed has such a batch: a mutation must make
        // it.
        if conversion.summary.inputs.contains(where: { $0.shape.count == 4 && $0.shape[0] > 2 }) {
          fatalError("the planted bug was found")
        }
      #endif
    } catch {
      precondition(!error.lines.isEmpty)
      precondition(error.lines.allSatisfy { $0.hasPrefix("fuzz: ") && !$0.contains("\n") }, error.lines[0])
      precondition(!error.lines[0].contains("the device would refuse the model"), error.lines[0])
    }
  }
}
