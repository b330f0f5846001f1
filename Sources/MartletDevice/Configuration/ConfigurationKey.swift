/// What a configuration can say under one key of a mapping: a row of the table that reading, messages, `martlet check
/// --keys` and the test of the manual share.
public struct ConfigurationKey {
  /// What its value is.
  enum Kind {
    /// So many bytes, without control characters.
    case text(limit: Int)
    case path
    /// A path that must fit the address of a socket.
    case socketPath
    case flag
    case integer(Int, Int)
    case number(Int, Int, unit: StaticString = "")
    /// The bounds as a configuration has them: "100ms".
    case time(StaticString, StaticString)
    /// The bounds as a configuration has them: "64KiB".
    case size(StaticString, StaticString)
    /// One of the words, in the order of the enum that is read.
    case choice(WordList)
    /// That of a model or a line.
    case name(of: StaticString)
    case mapping(ConfigurationMapping)
    /// A mapping of at most so many names, each with a mapping.
    case named(ConfigurationMapping, limit: Int)
    /// At most so many mappings; some lists have single words beside them.
    case list(ConfigurationMapping, limit: Int)
    /// The word, or a mapping; `must` as below.
    case either(StaticString, ConfigurationMapping, must: StaticString)
    /// Whatever else: how it is written, the greatest number in it (0: none), their unit, and what it must be, as
    /// messages have it, where %s is "at most LIMIT".
    case form(StaticString, limit: Int = 0, unit: StaticString = "", must: StaticString)
  }

  /// What counts where a configuration does not have the key.
  enum Absence {
    /// The value, as a configuration would have it.
    case value(StaticString)
    /// What cannot be written as a value.
    case meaning(StaticString)
    /// An error, whose message ends with the hint, if there is one.
    case required(StaticString = "")
    /// The same, where the reader finds that it is needed.
    case conditional(StaticString = "")
    /// An error unless another key of this kind is there in its mapping.
    case alternative
  }

  /// What alone can have the key.
  enum Owner {
    case device, pictures, output, input, edge, pulse, file, label

    var name: StaticString {
      switch self {
      case .device: "a camera device"
      case .pictures: "pictures"
      case .output: "an output"
      case .input: "an input"
      case .edge: "a line"
      case .pulse: "a pulse"
      case .file: "a file"
      case .label: "classes other than unknown"
      }
    }

    /// Of the key of something else. (See `ConfigurationReader.error` for %n.)
    var refusal: StaticString {
      switch self {
      case .device: "%n: only a device has it, and pictures are none"
      case .pictures: "%n: only pictures can be repeated"
      case .output: "%n: only an output has it"
      case .input: "%n: only an input has it"
      case .edge: "%n: only with a line: it counts from the line's edge"
      case .pulse: "%n: only a pulse has it"
      case .file: "%n: has no meaning for standard output"
      case .label: "%n: has no meaning for unknown, which unknown-below decides"
      }
    }
  }

  public let name: StaticString
  let kind: Kind
  let absence: Absence
  let owner: Owner?
  /// One line.
  public let help: StaticString

  init(_ name: StaticString, _ kind: Kind, _ absence: Absence, only owner: Owner? = nil, _ help: StaticString) {
    self.name = name
    self.kind = kind
    self.absence = absence
    self.owner = owner
    self.help = help
  }
}
