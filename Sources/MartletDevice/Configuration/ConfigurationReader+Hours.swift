// Shift hours.

extension WordList {
  static var days: WordList { WordList("mon tue wed thu fri sat sun") }
}

extension ConfigurationReader {
  mutating func readHours(_ fields: Fields<RuleKey>, _ rule: inout RuleConfiguration) {
    let (hours, days) = (fields[.hours], fields[.days])
    guard hours.isGiven || days.isGiven else { return }
    var told = RuleHours()
    if let (from, to) = value(hours, ConfigurationReader.hours) { (told.from, told.to) = (from, to) }
    if let mask = readDays(days) { told.days = mask }
    rule.hours = told
  }

  /// `mon`, `mon-fri` or a list of such.
  private mutating func readDays(_ field: Field) -> UInt8? {
    guard field.isGiven else { return nil }
    guard isSequence(field.node) else { return value(field, ConfigurationReader.days) }
    var mask: UInt8 = 0
    var item = first(field.node)
    while item >= 0 {
      guard isScalar(item), let days = ConfigurationReader.days(bytes(item)) else { break }
      mask |= days
      item = next(item)
    }
    if mask != 0, item < 0 { return mask }
    wrong(field)
    return nil
  }

  /// From the first to the last, over the end of the week too.
  private static func days(_ text: UnsafeRawBufferPointer) -> UInt8? {
    guard text.count == 3 || text.count == 7 && text[3] == UInt8(ascii: "-"),
      let first = WordList.days.index(of: UnsafeRawBufferPointer(rebasing: text[..<3])),
      let last = WordList.days.index(of: UnsafeRawBufferPointer(rebasing: text[(text.count - 3)...]))
    else { return nil }
    var mask: UInt8 = 0
    var day = first
    while true {
      mask |= 1 << UInt8(day)
      if day == last { return mask }
      day = (day + 1) % 7
    }
  }

  /// `06:00-22:00`, in minutes of a day.
  private static func hours(_ text: UnsafeRawBufferPointer) -> (from: Int, to: Int)? {
    var numbers = InlineArray<4, Int>(repeating: -1)
    var index = 0
    for byte in text {
      if byte >= 0x30, byte <= 0x39, numbers[index] < 10 {
        numbers[index] = max(numbers[index], 0) * 10 + Int(byte - 0x30)
      } else if byte == (index == 1 ? UInt8(ascii: "-") : UInt8(ascii: ":")), index < 3, numbers[index] >= 0 {
        index += 1
      } else if byte != 0x20 {
        return nil
      }
    }
    guard numbers[3] >= 0, numbers[1] < 60, numbers[3] < 60 else { return nil }
    let (from, to) = (numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3])
    guard from < RuleHours.minutesOfDay, to <= RuleHours.minutesOfDay, from != to else { return nil }
    return (from, to == 0 ? RuleHours.minutesOfDay : to)
  }
}

extension RuleHours {
  /// Minutes of a day as "06:30".
  public static func text(_ minutes: Int) -> String {
    var text = String(minutes / 60).padded(to: 2, left: true, with: "0")
    text.add(":")
    text.add(String(minutes % 60).padded(to: 2, left: true, with: "0"))
    return text
  }

  /// "mon, tue"
  public var dayText: String {
    var text = ""
    for day in 0..<7 where days >> UInt8(day) & 1 == 1 {
      if !text.isEmpty { text.add(", ") }
      text.add(WordList.days.word(day) ?? "")
    }
    return text
  }
}
