/// The exit codes of `sysexits.h` that Martlet's commands use.
public enum ExitCode {
  public static let success: Int32 = 0
  /// EX_USAGE: the command line is wrong.
  public static let usage: Int32 = 64
  /// EX_DATAERR: what a file holds is wrong.
  public static let data: Int32 = 65
  /// EX_NOINPUT: an input file is missing or cannot be read.
  public static let noInput: Int32 = 66
  /// EX_UNAVAILABLE: this machine or this build does not have what was asked for.
  public static let unavailable: Int32 = 69
  /// EX_OSERR: the system refused memory.
  public static let system: Int32 = 71
  /// EX_CANTCREAT: an output file cannot be made.
  public static let cannotCreate: Int32 = 73
  /// EX_IOERR: reading or writing failed half way.
  public static let io: Int32 = 74
  /// EX_TEMPFAIL: somebody else is using it; later it may work.
  public static let temporary: Int32 = 75
  /// EX_NOPERM: the system does not permit it to this user.
  public static let noPermission: Int32 = 77
  /// EX_CONFIG: what the configuration says is wrong.
  public static let configuration: Int32 = 78
  /// As a shell has it: ended by SIGINT, here with what was done so far kept.
  public static let interrupted: Int32 = 130
}
