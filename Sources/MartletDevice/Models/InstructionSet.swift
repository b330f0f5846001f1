import Martlet
import CMartletKernels
import CMartletPlatform

/// Which kernels a command runs.
public enum InstructionSet {
  public enum Failure: Error {
    /// MARTLET_ISA has a name that no build knows.
    case unknown(String)
    /// Known, but not in this build or not in this processor.
    case unavailable(String)

    public var sentence: String {
      switch self {
      case .unknown(let name):
        "MARTLET_ISA=\(name): there is no such instruction set; scalar, avx2, avx512vnni, neon, dotprod, i8mm are known"
      case .unavailable(let name):
        "MARTLET_ISA=\(name): this processor or this build does not have it; scalar always works"
      }
    }
    public var exitCode: Int32 {
      switch self {
      case .unknown: ExitCode.usage
      case .unavailable: ExitCode.unavailable
      }
    }
  }

  /// What the environment variable MARTLET_ISA asks for; without it the best of this processor.
  public static func chosen() throws(Failure) -> martlet_isa {
    guard let wanted = martlet_environment("MARTLET_ISA") else { return martlet_best_isa() }
    // A build knows only its own architecture's names.
    let word = Word(wanted)
    let isElsewhere =
      word == "avx2" || word == "avx512vnni" || word == "neon" || word == "dotprod" || word == "i8mm"
    let isa = martlet_isa_named(wanted)
    if isa == MARTLET_ISA_COUNT && !isElsewhere { throw .unknown(word.text) }
    if isa == MARTLET_ISA_COUNT || martlet_kernels_for(isa) == nil { throw .unavailable(word.text) }
    return isa
  }

  /// Its name, as MARTLET_ISA takes it.
  public static func name(_ isa: martlet_isa) -> String {
    martlet_kernels_for(isa).map { String(cString: $0.pointee.name) } ?? "none"
  }
}
