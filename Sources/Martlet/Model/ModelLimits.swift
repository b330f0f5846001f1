/// What one model may ask of the machine. A file of a few hundred bytes can name any size and any amount of work, so
/// both are bounded when the file is loaded, before anything is allocated or computed; `martlet inspect` prints how
/// much of each limit a model uses.
public enum ModelLimits {
  /// Scratch of one thread, in bytes: 64 MiB.
  public static let scratchBytes = 64 << 20

  /// The planned arena (tensors, or the cache and buffers of a language model) without scratch, in bytes: 4 GiB.
  public static let arenaBytes = 4 << 30

  /// Multiply-adds and element steps of one inference (a frame or a token): 10^13.
  public static let work: Int64 = 10_000_000_000_000
}
