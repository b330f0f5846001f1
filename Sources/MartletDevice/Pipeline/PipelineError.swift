import CMartletLinux

/// Why a pipeline does not start.
public struct PipelineError: Error {
  /// One line: what, where, what to do.
  public var sentence: String
  public var exitCode: Int32

  @inline(never)
  public init(_ sentence: String, exitCode: Int32) {
    self.sentence = sentence
    self.exitCode = exitCode
  }

  static var noMemory: PipelineError { PipelineError("there is no memory", exitCode: ExitCode.system) }

  /// At a line of the configuration.
  @inline(never)
  init(_ configuration: Configuration, line: Int, _ sentence: String, exitCode: Int32) {
    self.init("\(configuration.path):\(line): \(sentence)", exitCode: exitCode)
  }

  /// At a line of the configuration: one of GPIO. A name that is there twice is like one that is not there: chips come
  /// and go while a machine starts, so that it is worth trying again.
  @inline(never)
  init(_ configuration: Configuration, at line: LineConfiguration, _ error: GPIOError) {
    self.init(
      configuration, line: line.line, "line \(line.name): \(error.sentence)",
      exitCode: error.kind == .ambiguous ? ExitCode.noInput : error.exitCode)
  }
}
