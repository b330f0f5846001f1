import CMartletAllocations
import CMartletKernels
import CMartletLinux
import MartletDevice

/// Nothing allocates in the turns of a pipeline: picture, model, rules, record, log with its rotation, saved frames.
enum PipelineAllocationTest {
  static let turns = 500

  static func run(_ model: FilePath, _ picture: FilePath) -> Int32 {
    guard let temporary = folder() else { return 1 }
    defer { martlet_scratch_remove(temporary.cString) }
    let text = """
      models: {m: {file: "\(absolute(model))"}}
      cameras:
        c:
          pictures: "\(absolute(picture))"
          repeat: true
          model: m
          unknown-below: 0.996
          rules: [{name: r, class: unknown, votes: 2 of 3, fire: always, then: [log, save]}]
      log: {file: "\(temporary.text)/log", max-size: 100kB, keep: 2, every: decision, summary: 1s}
      frames: {folder: "\(temporary.text)", max-size: 1MB}

      """
    let path = (temporary.text + "/config").permanentPath()
    var copy = text
    let code = copy.withUTF8 { martlet_file_replace(path.cString, $0.baseAddress, $0.count) }
    guard code == 0 else { return 1 }
    do throws(FileError) {
      let check = try ConfigurationCheck(file: path)
      guard check.messages.errorCount == 0 else {
        Output.write(check.messages.text(path: path.text), to: .error)
        return 1
      }
      do throws(PipelineError) {
        var pipeline = try Pipeline(check.configuration)
        for _ in 0..<10 { _ = pipeline.turn() }
        martlet_counting_begin()
        var turned = 0
        for _ in 0..<turns where pipeline.turn() { turned += 1 }
        let sum = martlet_counting_end()
        Output.write("\(sum) allocator calls in \(turned) turns of a pipeline:\(AllocationTest.details())\n")
        return sum == 0 && turned == turns ? 0 : 1
      } catch {
        Output.write(error.sentence + "\n", to: .error)
        return 1
      }
    } catch {
      Output.write(error.sentence + "\n", to: .error)
      return 1
    }
  }

  private static func folder() -> FilePath? {
    martlet_scratch_folder().map { FilePath($0) }
  }

  private static func absolute(_ path: FilePath) -> String {
    martlet_scratch_absolute(path.cString).map { String(cString: $0) } ?? path.text
  }
}
