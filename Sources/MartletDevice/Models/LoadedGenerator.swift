import CMartletKernels
import CMartletLinux
import CMartletPlatform
import Martlet

/// A language model ready to run: the mapped file, its generator in an arena of exactly the announced size, and a team.
public struct LoadedGenerator: ~Copyable {
  public var generator: TextGenerator
  public let team: Team
  public let isa: martlet_isa
  private let arena: MappedMemory

  /// Nothing but this allocates on the way to a text.
  ///
  /// - Parameter file: must outlive the generator.
  public init(
    _ file: borrowing ModelFile, options: GeneratorOptions, sampling: SamplingOptions = SamplingOptions(),
    isa: martlet_isa
  ) throws(ModelError) {
    let budget = try TextGenerator.budget(of: file.bytes, options: options)
    let size = budget.threads
    // Never unmapped, as in LoadedModel.
    let bytes = size > 1 ? Team.byteCount(threads: size) : 0
    let region = bytes > 0 ? martlet_map_memory(bytes) : nil
    let team = Team(
      threads: region == nil ? 1 : size,
      region: UnsafeMutableRawBufferPointer(start: region, count: region == nil ? 0 : bytes))
    // Before the arena is touched, so that the peak is the weights, the arena and little else: the libraries for
    // pictures and lines have no part in a text.
    martlet_forget_start()
    let arena = try MappedMemory(byteCount: budget.arenaBytes)
    generator = try TextGenerator(
      file: file.bytes, region: arena.bytes, options: options, sampling: sampling, isa: isa)
    self.arena = arena
    self.isa = isa
    self.team = team
  }
}

extension ModelFile {
  /// What the file is for; nil if it has no manifest that can be read.
  public var task: ModelTask? { try? ModelTask(file: bytes) }
}
