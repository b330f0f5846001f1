import CMartletKernels
import Martlet
import MartletDevice

/// Opening a model with the sentences and exit codes of the commands.
enum Opening {
  static func file(_ path: FilePath, verb: StaticString) throws(CommandError) -> ModelFile {
    do throws(FileError) {
      let name = UnsafeRawPointer(verb.utf8Start).assumingMemoryBound(to: CChar.self)
      return try ModelFile(path, command: name)
    } catch {
      throw CommandError(error)
    }
  }

  static func isa() throws(CommandError) -> martlet_isa {
    do throws(InstructionSet.Failure) {
      return try InstructionSet.chosen()
    } catch {
      throw CommandError(error)
    }
  }

  /// - Parameter team: threads that are really started, if other than `threads`.
  static func load(
    _ file: borrowing ModelFile, threads: Int, team: Int? = nil, isa: martlet_isa
  ) throws(CommandError) -> LoadedModel {
    do throws(ModelError) {
      return try LoadedModel(file, threads: threads, team: team ?? threads, isa: isa)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
  }

  static func generator(
    _ file: borrowing ModelFile, _ options: TextOptions, isa: martlet_isa
  ) throws(CommandError) -> LoadedGenerator {
    guard file.task != .classification, file.task != .tensors else {
      throw CommandError(
        "\(file.path.text): is no language model; martlet inspect says what it is", exitCode: ExitCode.data)
    }
    do throws(ModelError) {
      return try LoadedGenerator(file, options: options.generator, sampling: options.sampling, isa: isa)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
  }
}
