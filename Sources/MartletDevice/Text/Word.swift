import Martlet

/// A word of the command line, compared byte by byte: String's == would bring Unicode's tables into the device build.
public struct Word {
  private let cString: UnsafePointer<CChar>

  public init(_ cString: UnsafePointer<CChar>) {
    self.cString = cString
  }

  public var text: String { String(cString: cString) }

  public static func == (word: Word, other: StaticString) -> Bool {
    other.withUTF8Buffer { bytes in
      for (index, byte) in bytes.enumerated() where UInt8(bitPattern: word.cString[index]) != byte { return false }
      return word.cString[bytes.count] == 0
    }
  }
}

extension ModelTables where Self: ~Copyable {
  /// The lines `key: value` that say where the model came from.
  public var provenanceLines: [String] {
    provenance.lines
  }
}
