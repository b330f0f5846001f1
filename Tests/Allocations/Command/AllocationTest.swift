import CMartletAllocations
import CMartletKernels
import Martlet
import MartletDevice

/// Nothing allocates between the end of load and the thousandth inference; and the counter counts what it should. A
/// language model's turn is `LanguageAllocationTest`'s.
enum AllocationTest {
  static let inferences = 1000

  static func usage() -> Int32 {
    Output.write("usage: martlet-allocations MODEL [THREADS [PICTURE...]]\n", to: .error)
    return ExitCode.usage
  }

  static func run(_ path: UnsafePointer<CChar>, threads: Int, pictures: [FilePath] = []) -> Int32 {
    guard canaries() else { return 1 }
    do throws(FileError) {
      let file = try ModelFile(FilePath(path), command: path)
      do throws(ModelError) {
        if file.task == .language { return try LanguageAllocationTest.run(file, threads: threads) }
        var model = try LoadedModel(file, threads: threads, isa: martlet_best_isa())
        let code = inferences(&model, file)
        if code != 0 || pictures.isEmpty { return code }
        return max(
          PictureAllocationTest.run(&model, pictures), FrameAllocationTest.run(&model, pictures),
          CameraAllocationTest.run(&model, pictures[0]), PipelineAllocationTest.run(file.path, pictures[0]))
      } catch {
        Output.write(file.sentence(for: error) + "\n", to: .error)
        return ExitCode.data
      }
    } catch {
      Output.write(error.sentence + "\n", to: .error)
      return error.exitCode
    }
  }

  private static func inferences(_ model: inout LoadedModel, _ file: borrowing ModelFile) -> Int32 {
    let input = [UInt8](repeating: 77, count: model.engine.byteCount(ofInput: 0))
    var output = [UInt8](repeating: 0, count: model.engine.byteCount(ofOutput: 0))
    var scores = [Score](repeating: Score(index: 0, real: 0), count: 5)
    let isByte = model.engine.tensor(Int(model.engine.manifest.outputs[0].tensor)).type == ElementType.int8.rawValue
    var sum: Int64 = 0
    input.withUnsafeBytes { input in
      output.withUnsafeMutableBytes { output in
        scores.withUnsafeMutableBufferPointer { scores in
          martlet_counting_begin()
          for run in 0..<AllocationTest.inferences {
            model.engine.setInput(0, to: input)
            if run % 2 == 0 {
              model.engine.run(on: model.team)
            } else {
              while !model.engine.step(on: model.team, limit: 100_000) {}
            }
            model.engine.readOutput(0, into: output)
            if isByte { _ = model.engine.topScores(into: scores) }
          }
          refuse(file)
          sum = martlet_counting_end()
        }
      }
    }
    let work = "\(AllocationTest.inferences) inferences at \(model.team.threads) threads"
    Output.write("\(sum) allocator calls in \(work):\(details())\n")
    return sum == 0 ? 0 : 1
  }

  /// An error path: a file that is cut short must be refused without an allocation too.
  private static func refuse(_ file: borrowing ModelFile) {
    let cut = UnsafeRawBufferPointer(rebasing: file.bytes[0..<file.bytes.count / 2])
    do throws(ModelError) {
      _ = try Engine.budget(of: cut, threads: 1)
    } catch {
      return
    }
  }

  static func details() -> String {
    var text = ""
    for index in 0..<Int32(MARTLET_COUNTERS) {
      text += " " + String(cString: martlet_counter_name(index)) + " \(martlet_counter(index))"
    }
    return text
  }

  /// An allocation of Swift's, one inside the C library and a mapping: each must be seen, or the zero means nothing.
  private static func canaries() -> Bool {
    martlet_counting_begin()
    var array: [Int] = []
    for value in 0..<100 { array.append(value) }
    let bySwift = martlet_counting_end()
    martlet_counting_begin()
    martlet_canary_in_libc()
    let byLibc = martlet_counting_end()
    martlet_counting_begin()
    martlet_canary_map()
    let byMap = martlet_counting_end()
    let isSeen = bySwift > 0 && byLibc == 2 && byMap == 1 && array.count == 100
    Output.write(
      "canaries: Swift array \(bySwift), C library \(byLibc), mapping \(byMap)\(isSeen ? "" : ": NOT SEEN")\n")
    return isSeen
  }
}
