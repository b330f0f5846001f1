import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// A model to look at: what an engine says, in memory for the tables alone.
@Suite struct ModelDescriptionTests {
  private static func bytes(of file: [UInt8]) throws -> Int {
    let copy = TestMemory(copying: file)
    return try ModelDescription.byteCount(of: UnsafeRawBufferPointer(rebasing: copy.bytes[..<file.count]))
  }

  private static func offset(of kind: SectionKind, in file: [UInt8]) throws -> Int {
    try #require(TestFile.section(kind, in: file)).lowerBound
  }

  @Test func saysWhatTheEngineSays() throws {
    let test = try TestEngine(threads: 3)
    let count = try Self.bytes(of: shippedModel)
    let region = TestMemory(count + 64)
    let description = try ModelDescription(
      file: UnsafeRawBufferPointer(rebasing: test.file.bytes[..<shippedModel.count]),
      region: .init(rebasing: region.bytes[..<count]), threads: 3)
    #expect(description.budget == test.engine.budget)
    #expect(description.tensorCount == test.engine.tensorCount)
    for index in 0..<description.tensorCount {
      #expect(description.name(ofTensor: index).elementsEqual(test.engine.name(ofTensor: index)))
      #expect(description.tensor(index).offset == test.engine.tensor(index).offset)
    }
    #expect(description.operatorCount == test.engine.operatorCount)
    for index in 0..<description.operatorCount {
      #expect(
        description.multiplyAccumulates(ofOperator: index) == test.engine.multiplyAccumulates(ofOperator: index))
    }
    #expect(description.labelCount == 10)
    for index in 0..<10 { #expect(description.label(index).elementsEqual(test.engine.label(index))) }
    #expect(description.byteCount(ofInput: 0) == 32 * 32 * 3)
    #expect(description.provenance.elementsEqual(test.engine.provenance))
    // No byte behind the tables was touched.
    #expect(region.bytes[count...].allSatisfy { $0 == 0xA5 })
  }

  /// The tables are copied: the file may change under the description.
  @Test func keepsWhatWasValidated() throws {
    let file = TestMemory(copying: shippedModel)
    let count = try Self.bytes(of: shippedModel)
    let region = TestMemory(count)
    let description = try ModelDescription(
      file: UnsafeRawBufferPointer(rebasing: file.bytes[..<shippedModel.count]),
      region: .init(rebasing: region.bytes[..<count]), threads: 1)
    let before = (0..<10).map { description.label($0).count }
    for kind in [SectionKind.tensors, .operators] {
      let start = try Self.offset(of: kind, in: shippedModel)
      file.bytes[start..<start + 256].initializeElements(repeating: 0xFF)
    }
    let start = try Self.offset(of: .labels, in: shippedModel)
    file.bytes[start..<start + 44].initializeElements(repeating: 0xFF)
    #expect((0..<10).map { description.label($0).count } == before)
    #expect(description.tensor(0).rank <= 6 && Opcode(code: description.operatorRecord(0).opcode) != nil)
  }

  /// A plan of a gigabyte costs a description nothing.
  @Test func isNoLargerForALargerArena() throws {
    let usual = try Self.bytes(of: shippedModel)
    #expect(usual < shippedModel.count / 4)
    let plan = try Self.offset(of: .plan, in: shippedModel)
    let copy = TestMemory(copying: shippedModel)
    copy.bytes.storeBytes(of: UInt64(1 << 30), toByteOffset: plan, as: UInt64.self)
    let view = UnsafeMutableRawBufferPointer(rebasing: copy.bytes[..<shippedModel.count])
    FileRepair.repairHashes(view)
    #expect(try ModelDescription.byteCount(of: UnsafeRawBufferPointer(view)) == usual)
    let region = TestMemory(usual)
    let description = try ModelDescription(
      file: UnsafeRawBufferPointer(view), region: .init(rebasing: region.bytes[..<usual]), threads: 1)
    #expect(description.budget.arenaBytes > 1 << 30)
  }
}

extension UnsafeMutableRawBufferPointer.SubSequence {
  fileprivate func initializeElements(repeating byte: UInt8) {
    UnsafeMutableRawBufferPointer(rebasing: self).initializeMemory(as: UInt8.self, repeating: byte)
  }
}
