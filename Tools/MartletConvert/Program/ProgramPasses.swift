import CMartletKernels
import Martlet

/// Rewritings of the device program that change no bit of its results.
enum ProgramPasses {
  static func run(_ program: inout Program) {
  }
}
