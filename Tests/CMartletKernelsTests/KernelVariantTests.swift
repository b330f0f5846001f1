import CMartletKernelCases
import CMartletKernels
import Testing

/// Every variant that this processor can run gives the scalar kernels' bits, and the comparison itself can fail.
/// The cases are shared with `martlet-selftest`, which runs them where Swift Testing cannot.
struct KernelVariantTests {
  static let available = (0..<MARTLET_ISA_COUNT.rawValue).filter {
    martlet_kernels_for(martlet_isa(rawValue: $0)) != nil
  }

  @Test(arguments: available, 0..<martlet_cases_count())
  func equalsScalar(isa: UInt32, group: Int32) {
    let outcome = martlet_cases_run(group, martlet_isa(rawValue: isa))
    #expect(outcome.passed > 0)
    #expect(outcome.failed == 0, "\(String(cString: outcome.subject))")
  }

  @Test(arguments: 0..<martlet_cases_count())
  func noticesOneWrongByte(group: Int32) {
    let outcome = martlet_cases_run_sabotaged(group)
    #expect(outcome.passed > 0)
    #expect(outcome.failed == 0, "\(String(cString: outcome.subject))")
  }

  @Test func everyOperatorHasCases() {
    #expect(martlet_cases_missing().map { String(cString: $0) } == nil)
  }

  /// An instruction set without one of the kernels would only be noticed by the first model that needs it.
  @Test(arguments: available)
  func everyTableIsComplete(isa: UInt32) {
    let table = UnsafeRawPointer(martlet_kernels_for(martlet_isa(rawValue: isa))!)
    for word in 0..<MemoryLayout<martlet_kernel_table>.size / 8 {
      #expect(table.load(fromByteOffset: word * 8, as: UInt.self) != 0, "entry \(word)")
    }
  }

  @Test func namesAndTablesAgree() {
    for isa in Self.available {
      let table = martlet_kernels_for(martlet_isa(rawValue: isa))!
      #expect(martlet_isa_named(table.pointee.name).rawValue == isa)
    }
    #expect(martlet_isa_named("no such set") == MARTLET_ISA_COUNT)
    #expect(Self.available.contains(martlet_best_isa().rawValue))
  }

  /// The largest of 8,193 equal scores has a probability of 1/8193: the lowest value there is. In 32 bits their sum
  /// begins again at 0, and every class had the highest.
  @Test(arguments: available, [511, 513, 8191, 8192, 8193, 20_000])
  func softmaxOverManyEqualScores(isa: UInt32, depth: Int) {
    let input = [Int8](repeating: 7, count: depth)
    var output = [Int8](repeating: 1, count: depth)
    var scratch = [Int32](repeating: 0, count: 1024)
    var parameters = martlet_softmax_params(
      rows: 1, depth: Int32(depth), beta_multiplier: 1_717_986_918, beta_left_shift: 23, diff_min: -124)
    #expect(martlet_softmax_workload(&parameters).scratch_bytes <= 4096)
    let kernel = martlet_kernels_for(martlet_isa(rawValue: isa))!.pointee.softmax!
    input.withUnsafeBytes { input in
      output.withUnsafeMutableBytes { output in
        scratch.withUnsafeMutableBytes { scratch in
          var buffers = martlet_buffers()
          buffers.input.0 = input.baseAddress
          buffers.output = output.baseAddress
          kernel(&parameters, &buffers, 0, martlet_softmax_workload(&parameters).units, scratch.baseAddress)
        }
      }
    }
    let expected = Int8(Int((256.0 / Double(depth)).rounded()) - 128)
    #expect(output.allSatisfy { $0 == expected })
  }
}
