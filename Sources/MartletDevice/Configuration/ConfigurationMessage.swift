/// What is wrong with a configuration, or may be.
public struct ConfigurationMessage: Sendable {
  /// Of the configuration file, from 1.
  public var line: Int
  public var column: Int
  public var isWarning: Bool
  /// What is wrong, and what is allowed.
  public var sentence: String

  /// `FILE:LINE:COLUMN: sentence`
  @inline(never)
  public func text(path: String) -> String {
    var text = path
    text.add(":")
    text.add(String(line))
    text.add(":")
    text.add(String(column))
    text.add(isWarning ? ": warning: " : ": ")
    text.add(sentence)
    return text
  }
}

/// Where something stands in the configuration file, from 1.
public struct ConfigurationPlace: BitwiseCopyable, Sendable {
  public var line = 0
  public var column = 0
}

/// Messages, sorted by where they belong; a configuration can have no more than so many.
public struct ConfigurationMessages: Sendable {
  public static let maxErrors = 50

  public private(set) var list: [ConfigurationMessage] = []
  public private(set) var errorCount = 0
  private var warningCount = 0
  /// Errors of files and folders that are not there, but may be later.
  private var missingCount = 0
  /// Errors of model files: one may be on its way.
  private var damagedCount = 0

  public init() {}

  /// - Parameters:
  ///   - line: from 1, and so is `column`.
  ///   - isMissing: a file or folder is not there: a disk may be late.
  ///   - isDamaged: a model file is not whole: it may be on its way.
  @inline(never)
  public mutating func add(
    _ line: Int, _ column: Int, _ sentence: String, isWarning: Bool = false, isMissing: Bool = false,
    isDamaged: Bool = false
  ) {
    if isMissing { missingCount += 1 }
    if isDamaged { damagedCount += 1 }
    if isWarning {
      guard warningCount < ConfigurationMessages.maxErrors else { return }
      warningCount += 1
    } else {
      errorCount += 1
      guard errorCount <= ConfigurationMessages.maxErrors else { return }
    }
    list.append(ConfigurationMessage(line: line, column: column, isWarning: isWarning, sentence: sentence))
  }

  public mutating func add(_ place: ConfigurationPlace, _ sentence: String, isWarning: Bool = false) {
    add(place.line, place.column, sentence, isWarning: isWarning)
  }

  /// Of `sysexits.h`, if there are errors: 66 if nothing is wrong but files and folders that are not there, 65 if also
  /// a model file is damaged, else 78.
  public var exitCode: Int32 {
    guard missingCount + damagedCount == errorCount else { return ExitCode.configuration }
    return damagedCount > 0 ? ExitCode.data : ExitCode.noInput
  }

  /// By line and column; what belongs to the same place stays in its order.
  public mutating func sort() {
    for index in 0..<list.count {
      let moving = list[index]
      var place = index
      while place > 0, isBehind(list[place - 1], moving) {
        list[place] = list[place - 1]
        place -= 1
      }
      list[place] = moving
    }
  }

  private func isBehind(_ a: ConfigurationMessage, _ b: ConfigurationMessage) -> Bool {
    a.line != b.line ? a.line > b.line : a.column > b.column
  }

  /// A line for each, and one more if there are more errors than are listed.
  public func text(path: String) -> String {
    var text = ""
    for message in list {
      text.add(message.text(path: path))
      text.add("\n")
    }
    if errorCount > ConfigurationMessages.maxErrors {
      text.add("\(path): \(errorCount - ConfigurationMessages.maxErrors) more errors\n")
    }
    return text
  }

  /// A text of the file, in quotes: at most 60 bytes of it, control characters spelled out.
  @inline(never)
  public static func quoted(_ bytes: UnsafeRawBufferPointer) -> String {
    var count = min(bytes.count, 60)
    // Not inside a character.
    while count > 0, count < bytes.count, bytes[count] & 0xC0 == 0x80 { count -= 1 }
    var text = "\""
    text.add(String(visible: UnsafeRawBufferPointer(rebasing: bytes[..<count])))
    text.add(count < bytes.count ? "...\"" : "\"")
    return text
  }
}
