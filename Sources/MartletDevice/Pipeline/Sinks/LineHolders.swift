/// Who holds a line that is set while rules hold: a bit for each rule.
struct LineHolders: BitwiseCopyable {
  let isSafeActive: Bool
  private var all: UInt64 = 0
  private var holding: UInt64 = 0
  /// Rules that have not decided yet, or whose camera is away.
  private var unknown: UInt64 = 0

  init(isSafeActive: Bool) { self.isSafeActive = isSafeActive }

  mutating func add(rule: Int) {
    all |= 1 << UInt64(rule)
    unknown = all
  }

  /// What was known of the rules that these go on from.
  mutating func goOn(from old: LineHolders, _ origins: [Int]) {
    for rule in origins.indices where all >> UInt64(rule) & 1 != 0 && origins[rule] >= 0 {
      let origin = UInt64(origins[rule])
      guard old.all >> origin & 1 != 0, old.unknown >> origin & 1 == 0 else { continue }
      note(rule: rule, old.holding >> origin & 1 != 0)
    }
  }

  mutating func note(rule: Int, _ holds: Bool?) {
    let bit: UInt64 = 1 << UInt64(rule)
    holding = holds == true ? holding | bit : holding & ~bit
    unknown = holds == nil ? unknown | bit : unknown & ~bit
  }

  mutating func forget() {
    holding = 0
    unknown = all
  }

  /// Active while a rule holds; while one is not known and none holds, the safe level.
  var level: Bool { holding != 0 || isSafeActive && (unknown != 0 || all == 0) }
}
