import MartletConvert

/// One input of the fuzzer: any bytes are converted or refused with lines of text. A trap, a hang, a read outside the
/// bytes, or a converted model that our own loader does not take is a finding.
enum ImporterTarget {
  static func run(_ input: UnsafeRawBufferPointer) {
    do throws(ConversionError) {
      let conversion = try Converter.convert(Array(input), name: "fuzz")
      let summary = conversion.summary
      precondition(summary.plannedPeakBytes >= summary.lowerBoundBytes)
      precondition(conversion.bytes.count == summary.fileBytes)
      #if CANARY
        // Behind the reader, the importer, lowering and the plan. No seed has such a batch: a mutation must make it.
        if summary.inputs.contains(where: { $0.shape.count == 4 && $0.shape[0] > 2 }) {
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
