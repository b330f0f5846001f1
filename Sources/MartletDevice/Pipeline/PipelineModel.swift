import CMartletKernels
import Martlet

/// A model of a pipeline, shared by the cameras that name it.
struct PipelineModel: ~Copyable {
  let configuration: ModelConfiguration
  /// UTF-8 of its name, for records.
  let name: UnsafeRawBufferPointer
  let file: ModelFile
  var loaded: LoadedModel
  var scores: RuleScores
  let hash: UInt64

  init(_ configuration: ModelConfiguration, in pipeline: Configuration) throws(PipelineError) {
    self.configuration = configuration
    name = configuration.name.permanentBytes()
    // Not given back: messages name the file as long as the process lives.
    let path = configuration.file.permanentPath()
    let command: StaticString = "run"
    let file: ModelFile
    do throws(FileError) {
      file = try ModelFile(path, command: UnsafeRawPointer(command.utf8Start).assumingMemoryBound(to: CChar.self))
    } catch {
      throw PipelineError(pipeline, line: configuration.line, error.sentence, exitCode: error.exitCode)
    }
    let isa: martlet_isa
    do throws(InstructionSet.Failure) {
      isa = try InstructionSet.chosen()
    } catch {
      throw PipelineError(error.sentence, exitCode: error.exitCode)
    }
    do throws(ModelError) {
      loaded = try LoadedModel(file, threads: configuration.threads, isa: isa)
    } catch {
      throw PipelineError(pipeline, line: configuration.line, file.sentence(for: error), exitCode: ExitCode.data)
    }
    hash = file.hash
    scores = RuleScores(loaded.engine)
    self.file = consume file
  }

  /// Where a camera's frames go.
  func place(_ resize: ResizePolicy?) throws(PictureError) -> FrameInput.Place {
    try FrameInput.Place(for: loaded.engine, policy: resize)
  }

  mutating func run() { loaded.engine.run(on: loaded.team) }
}
