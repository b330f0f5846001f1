import CMartletKernels
import CMartletLinux
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
  private let watch: FileWatch
  /// Somebody wrote into the file that it computes with: what it says means nothing, and its hash is not true any more.
  private(set) var isOverwritten = false

  /// - Parameter verifies: whether all of the file is checked, weights too.
  init(
    _ configuration: ModelConfiguration, in pipeline: Configuration, verifies: Bool = false
  ) throws(PipelineError) {
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
    let watch = FileWatch(path)
    let isa: martlet_isa
    do throws(InstructionSet.Failure) {
      isa = try InstructionSet.chosen()
    } catch {
      throw PipelineError(error.sentence, exitCode: error.exitCode)
    }
    do throws(ModelError) {
      if verifies { try Engine.verify(file: file.bytes) }
      loaded = try LoadedModel(file, threads: configuration.threads, isa: isa)
    } catch {
      throw PipelineError(pipeline, line: configuration.line, file.sentence(for: error), exitCode: ExitCode.data)
    }
    hash = file.hash
    scores = RuleScores(loaded.engine)
    self.file = consume file
    self.watch = consume watch
  }

  /// Where a camera's frames go.
  func place(_ resize: ResizePolicy?) throws(PictureError) -> FrameInput.Place {
    try FrameInput.Place(for: loaded.engine, policy: resize)
  }

  /// False: the file was written to before or meanwhile, and the scores mean nothing.
  mutating func run() -> Bool {
    loaded.engine.run(on: loaded.team)
    lookAtFile()
    return !isOverwritten
  }

  /// Notes whether the file was written to; never waits.
  mutating func lookAtFile() {
    if watch.isWritten() { isOverwritten = true }
  }

  /// Somebody else saw it.
  mutating func noteOverwritten() { isOverwritten = true }
}

/// Whether somebody writes into a file. Where the system has no watch left, nobody does as far as this knows: `Keeper`
/// looks too.
struct FileWatch: ~Copyable {
  private let descriptor: Int32

  init(_ path: FilePath) {
    var descriptor: Int32 = -1
    self.descriptor = martlet_watch_open(path.cString, &descriptor) == 0 ? descriptor : -1
  }

  deinit { if descriptor >= 0 { martlet_watch_close(descriptor) } }

  /// Since it was asked last.
  func isWritten() -> Bool { descriptor >= 0 && martlet_watch_take(descriptor) }
}
