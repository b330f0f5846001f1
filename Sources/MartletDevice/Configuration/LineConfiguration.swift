/// A GPIO line, with what it is for.
public struct LineConfiguration: Sendable {
  public enum Direction: Int, Sendable { case input, output }
  public enum Edge: Int, Sendable { case rising, falling, both }
  public enum Bias: Int, Sendable { case asIs, disabled, pullUp, pullDown }
  public enum Drive: Int, Sendable { case pushPull, openDrain, openSource }

  /// What the configuration calls it.
  public var name = ""
  /// A chip's name or label; nil: the line is looked for by its name on all chips.
  public var chip: String?
  /// The line's offset on the chip; -1: `lineName` names it, as `GPIOLineAddress` has it.
  public var offset = -1
  public var lineName = ""
  public var direction = Direction.output
  public var isActiveLow = false
  public var bias = Bias.asIs
  /// Of an output.
  public var drive = Drive.pushPull
  /// The level of an output at start, on error and at exit.
  public var isSafeActive = false
  /// Of an input: the edges that are events. With `isActiveLow`, rising is to the active level.
  public var edge = Edge.rising
  /// Of an input; 0: none.
  public var debounceNs: UInt64 = 0
  public var line = 0
  /// Of the value that says which line it is.
  public var place = ConfigurationPlace()
}

enum LineKey: Int, MappingKey {
  case line, direction, activeLow, bias, drive, safe, edge, debounce

  static var mapping: ConfigurationMapping { .line }

  var row: ConfigurationKey {
    switch self {
    case .line:
      .init(
        "line", .text(limit: 255), .required("CHIP:NUMBER, or the line's own name"),
        "a chip's name or label and the line's number on it, or the line's own name; name:NAME if that has a colon")
    case .direction:
      .init("direction", .choice(WordList("input output")), .required("input or output"), "what the line is used as")
    case .activeLow:
      .init("active-low", .flag, .value("false"), "whether the low voltage is the active level")
    case .bias:
      .init(
        "bias", .choice(WordList("as-is disabled pull-up pull-down")), .value("as-is"),
        "the line's resistor, where the chip has one")
    case .drive:
      .init(
        "drive", .choice(WordList("push-pull open-drain open-source")), .value("push-pull"), only: .output,
        "how the line is driven")
    case .safe:
      .init(
        "safe", .choice(WordList("inactive active")), .value("inactive"), only: .output,
        "the level at start, on an error and at exit")
    case .edge:
      .init("edge", .choice(WordList("rising falling both")), .value("rising"), only: .input, "which edges are events")
    case .debounce:
      .init(
        "debounce", .time("0s", "1s"), .value("0s"), only: .input, "a level counts when it stayed for so long")
    }
  }
}

extension ConfigurationReader {
  mutating func readLine(_ key: Node, _ node: Node) {
    var line = LineConfiguration()
    line.name = name(key)
    line.line = self.line(key)
    lineNames.append(line.name)
    defer { configuration.lines.append(line) }
    guard let fields = fields(node, LineKey.self) else { return }
    line.place = place(fields[.line])
    if let place = text(fields[.line]) { readPlace(fields[.line].node, place, &line) }
    guard let direction: LineConfiguration.Direction = choice(fields[.direction]) else { return }
    line.direction = direction
    line.isActiveLow = flag(fields[.activeLow])
    line.bias = choice(fields[.bias]) ?? line.bias
    refuse(fields, of: direction == .input ? .output : .input)
    line.drive = choice(fields[.drive]) ?? line.drive
    line.isSafeActive = position(fields[.safe]) == 1
    line.edge = choice(fields[.edge]) ?? line.edge
    line.debounceNs = time(fields[.debounce]) ?? line.debounceNs
  }

  /// A line by its name, which must be of that direction.
  @inline(never)
  mutating func line(_ field: Field, _ direction: LineConfiguration.Direction) -> Int? {
    guard let index = reference(field, lineNames) else { return nil }
    usedLines[index] = true
    let line = configuration.lines[index]
    if line.direction.rawValue != direction.rawValue {
      wrong(field.node, direction == .input ? "an input; this line is an output" : "an output; this line is an input")
    }
    return index
  }
}
