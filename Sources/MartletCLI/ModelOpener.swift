import CMartletKernels
import Martlet
import MartletDevice

/// Opens models with the sentences and exit codes of the commands.
enum ModelOpener {
  @inline(never)
  static func file(_ path: FilePath, verb: StaticString) throws(CommandError) -> ModelFile {
    do throws(FileError) {
      let name = UnsafeRawPointer(verb.utf8Start).assumingMemoryBound(to: CChar.self)
      return try ModelFile(path, command: name)
    } catch {
      throw CommandError(error)
    }
  }

  @inline(never)
  static func isa() throws(CommandError) -> martlet_isa {
    do throws(InstructionSet.Failure) {
      return try InstructionSet.chosen()
    } catch {
      throw CommandError(error)
    }
  }

  /// What a file is for decides which verbs can use it.
  @inline(never)
  static func require(language: Bool, _ file: borrowing ModelFile) throws(CommandError) {
    // Without a task the file is damaged, which loading it will say better.
    guard let task = file.task, (task == .language) != language else { return }
    throw CommandError(
      file.path.text
        + (language
          ? ": is no language model; martlet inspect says what it is"
          : ": is a language model; see martlet generate, chat and tokenize"),
      exitCode: ExitCode.data)
  }

  /// To look at, not to run.
  static func described(_ file: borrowing ModelFile, threads: Int) throws(CommandError) -> DescribedModel {
    do throws(ModelError) {
      return try DescribedModel(file, threads: threads)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
  }

  @inline(never)
  static func load(
    _ file: borrowing ModelFile, threads: Int, isa: martlet_isa
  ) throws(CommandError) -> LoadedModel {
    try require(language: false, file)
    do throws(ModelError) {
      return try LoadedModel(file, threads: threads, isa: isa)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
  }

  @inline(never)
  static func generator(
    _ file: borrowing ModelFile, _ options: TextOptions, isa: martlet_isa
  ) throws(CommandError) -> LoadedGenerator {
    try require(language: true, file)
    let wanted = options.generator.language.contextLength, limit: Int
    do throws(ModelError) {
      limit = Int(try LanguageDescription(file: file.bytes).record.contextLength)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
    guard wanted <= limit else {
      throw .usage("--context \(wanted): \(file.path.text) has at most \(limit) positions")
    }
    do throws(ModelError) {
      return try LoadedGenerator(file, options: options.generator, sampling: options.sampling, isa: isa)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
  }
}
