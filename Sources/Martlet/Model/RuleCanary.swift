#if CANARY
  /// Takes one rule of the operators' validator out, to see that a test misses it: the fuzzer's own build only.
  ///
  /// Rules count from 0 in the order in which an operator meets them; whoever asks sets `met` to 0 before.
  public enum RuleCanary {
    /// The rule to take out; -1 for none.
    nonisolated(unsafe) public static var taken = -1
    /// How many rules were met.
    nonisolated(unsafe) public static var met = 0
    /// Whether the rule that was taken out would have refused something.
    nonisolated(unsafe) public static var isBroken = false

    /// The field of the rule that was taken out.
    nonisolated(unsafe) public static var field: StaticString = ""

    static func takesOut(_ field: StaticString, _ holds: Bool) -> Bool {
      met += 1
      guard met - 1 == taken else { return false }
      if !holds { isBroken = true }
      self.field = field
      return true
    }
  }
#endif
