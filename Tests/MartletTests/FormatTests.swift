import CMartletKernels
import Testing

@testable import Martlet

/// The records are the file, byte for byte: a change here is a new version of the format.
struct FormatTests {
  @Test func recordsHaveTheirDocumentedSizes() {
    #expect(MemoryLayout<FileHeader>.size == 32)
    #expect(MemoryLayout<SectionRecord>.size == 32)
    #expect(MemoryLayout<BoundaryRecord>.size == 16)
    #expect(MemoryLayout<ManifestRecord>.size == 284)
    #expect(MemoryLayout<PlanRecord>.size == 24)
    #expect(MemoryLayout<TensorRecord>.size == 64)
    #expect(MemoryLayout<OperatorRecord>.size == 160)
    #expect(MemoryLayout<CascadeRecord>.size == 16)
    #expect(MemoryLayout<martlet_channels>.size == 192)
    #expect(MemoryLayout<LanguageRecord>.size == 192)
    #expect(MemoryLayout<LanguageTensorRecord>.size == 32)
    #expect(MemoryLayout<TokenizerHeader>.size == 116)
    #expect(MemoryLayout<TokenRecord>.size == 12)
    #expect(MemoryLayout<MergeRecord>.size == 12)
  }

  @Test func fieldsLieWhereTheyAlwaysHave() {
    #expect(MemoryLayout<FileHeader>.offset(of: \.fileLength) == 16)
    #expect(MemoryLayout<FileHeader>.offset(of: \.tableHash) == 24)
    #expect(MemoryLayout<SectionRecord>.offset(of: \.hash) == 24)
    #expect(MemoryLayout<ManifestRecord>.offset(of: \.inputs) == 28)
    #expect(MemoryLayout<ManifestRecord>.offset(of: \.outputs) == 156)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.dims) == 4)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.ringRows) == 36)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.offset) == 40)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.nameOffset) == 56)
    #expect(MemoryLayout<OperatorRecord>.offset(of: \.parameters) == OperatorRecord.parametersOffset)
  }

  @Test func everyParameterRecordFitsItsPlace() {
    let room = Int(MARTLET_PARAMETER_WORDS) * 4
    #expect(MemoryLayout<InlineArray<34, Int32>>.size == room)
    #expect(MemoryLayout<martlet_conv2d_params>.size <= room)
    #expect(MemoryLayout<martlet_add_params>.size <= room)
    #expect(MemoryLayout<martlet_prelu_params>.size <= room)
    #expect(MemoryLayout<martlet_copy_params>.size <= room)
  }

  /// Numbers, names and operands are the format; what runs in place and what is folded decides how large an arena is.
  @Test func operatorsAreWhatTheyAlwaysWere() {
    let rows = (0...UInt16(UInt8.max)).compactMap { code -> String? in
      guard let row = martlet_operator_of(code)?.pointee else { return nil }
      let traits = [
        (row.reads_input_0, "first"), (row.reads_input_1, "second"), (row.reads_constant, "constant"),
        (row.runs_in_place, "in place"), (row.is_foldable, "folded"),
      ]
      return (["\(code) \(String(cString: row.name))"] + traits.filter(\.0).map(\.1)).joined(separator: ", ")
    }
    #expect(
      rows == [
        "1 CONV_2D, first, constant",
        "2 DEPTHWISE_CONV_2D, first, constant",
        "3 AVERAGE_POOL_2D, first",
        "4 MAX_POOL_2D, first",
        "5 MEAN, first",
        "6 TABLE, first, constant, in place, folded",
        "7 ADD, first, second, in place, folded",
        "8 MUL, first, second, in place, folded",
        "9 PRELU, first, second, in place, folded",
        "10 SOFTMAX, first, in place",
        "11 COPY, first, folded",
        "12 FILL, folded",
        "13 RESIZE_NEAREST_NEIGHBOR, first",
        "14 RESIZE_BILINEAR, first",
        "15 ARG_MAX, first",
        "16 QUANTIZE, first, folded",
        "17 DEQUANTIZE, first, folded",
        "18 MAXIMUM, first, second, in place, folded",
        "19 MINIMUM, first, second, in place, folded",
      ])
  }

  /// Values of the reference implementation, from the specification's test vectors and `xxhsum`.
  @Test func xxh64() {
    func hash(_ text: StaticString, seed: UInt64 = 0) -> UInt64 {
      XXH64.hash(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), seed: seed)
    }
    #expect(hash("") == 0xEF46_DB37_51D8_E999)
    #expect(hash("a") == 0xD24E_C4F1_A98C_6E5B)
    #expect(hash("abc") == 0x44BC_2CF5_AD77_0999)
    #expect(hash("Nobody inspects the spammish repetition") == 0xFBCE_A83C_8A37_8BF1)
  }
}
