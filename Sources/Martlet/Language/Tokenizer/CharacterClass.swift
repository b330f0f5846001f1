import CMartletUnicode

/// What a tokenizer's pattern asks about a character: `\p{L}`, `\p{N}`, `\s` and so on.
///
/// A set of classes, one bit each. (No OptionSet: its literals are arrays.)
struct CharacterClass: Equatable {
  let rawValue: UInt16

  static var upper: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_UPPER.rawValue) }
  static var lower: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_LOWER.rawValue) }
  static var title: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_TITLE.rawValue) }
  static var modifierLetter: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_MODIFIER_LETTER.rawValue) }
  static var otherLetter: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_OTHER_LETTER.rawValue) }
  static var mark: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_MARK.rawValue) }
  static var number: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_NUMBER.rawValue) }
  static var punctuation: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_PUNCTUATION.rawValue) }
  static var symbol: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_SYMBOL.rawValue) }
  static var space: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_WHITE_SPACE.rawValue) }
  static var other: CharacterClass { CharacterClass(rawValue: 1 << MARTLET_UNICODE_OTHER.rawValue) }

  static var cased: CharacterClass { .upper | .lower | .title }
  static var letter: CharacterClass { .cased | .modifierLetter | .otherLetter }
  /// `[^\s\p{L}\p{N}]`
  static var rest: CharacterClass { .mark | .punctuation | .symbol | .other }

  init(rawValue: UInt16) { self.rawValue = rawValue }

  static func | (a: CharacterClass, b: CharacterClass) -> CharacterClass {
    CharacterClass(rawValue: a.rawValue | b.rawValue)
  }

  func intersects(_ other: CharacterClass) -> Bool { rawValue & other.rawValue != 0 }

  /// The class of a character: one bit.
  @inline(__always)
  init(of code: UInt32) {
    // The most frequent, without a search.
    if code &- 0x61 < 26 {
      self = .lower
    } else if code == 0x20 {
      self = .space
    } else {
      self.init(rawValue: 1 << UInt16(truncatingIfNeeded: martlet_unicode_class_of(code)))
    }
  }
}
