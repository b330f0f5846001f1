/// The sets of characters that DeepSeek's pre-tokenizers spell out.
enum DeepSeekSets {
  /// `[一-龥ࠀ-一가-퟿]`
  static func isIdeograph(_ code: UInt32) -> Bool {
    (code >= 0x0800 && code <= 0x9FA5) || (code >= 0xAC00 && code <= 0xD7FF)
  }

  /// `[!-/:-~！-／：-～‘-‟　-。]`
  static func isMark(_ code: UInt32) -> Bool {
    switch code {
    case 0x21...0x2F, 0x3A...0x7E, 0xFF01...0xFF0F, 0xFF1A...0xFF5E, 0x2018...0x201F, 0x3000...0x3002: true
    default: false
    }
  }

  /// Upper, lower and title case letters, without the ranges of them that the published set leaves out.
  static func isCasedLetter(_ code: UInt32) -> Bool {
    guard CharacterClass.cased.intersects(CharacterClass(of: code)) else { return false }
    switch code {
    case 0x0560...0x0588, 0x10C7...0x10FF, 0x1C80...0x1C8A, 0x2D00...0x2D2D, 0xA790...0xAB6F, 0x10570...0x105BC,
      0x10D50...0x10D85, 0x16E40...0x16E7F, 0x1D400...0x1DFFF:
      return false
    default: return true
    }
  }
}
