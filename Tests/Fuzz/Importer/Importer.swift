import MartletConvert

/// Any byte string is converted or refused with lines of text; a trap, a hang or a read outside the bytes is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzImporter(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  do throws(ConversionError) {
    let conversion = try Converter.convert(bytes, name: "fuzz")
    // What is written has been validated by the loader; its plan must be sound by its own numbers.
    precondition(conversion.summary.plannedPeakBytes >= conversion.summary.lowerBoundBytes)
    precondition(conversion.bytes.count == conversion.summary.fileBytes)
    #if CANARY
      // A fault behind the reader, the importer, lowering and the plan: no seed takes this path, a mutation must.
      if conversion.summary.operators == 1, conversion.summary.inputs[0].shape.first == 3 { fatalError("canary") }
    #endif
  } catch {
    precondition(error.lines.allSatisfy { $0.hasPrefix("fuzz: ") && !$0.contains("\n") } && !error.lines.isEmpty)
    // What our own loader refuses, beyond an operator that is too large, would be a fault of the converter.
    precondition(!error.lines[0].contains("the device would refuse the model"), error.lines[0])
  }
  return 0
}
