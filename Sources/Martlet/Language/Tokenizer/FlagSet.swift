/// A set of flags, as bits of an integer in a record. (No OptionSet: its literals are arrays, which the core may not
/// have.)
public protocol FlagSet: Equatable, Sendable, BitwiseCopyable {
  associatedtype RawValue: FixedWidthInteger
  var rawValue: RawValue { get set }
  init(rawValue: RawValue)
}

extension FlagSet {
  /// The empty set.
  public init() { self.init(rawValue: 0) }

  /// Whether all of `flags` are in the set.
  @inline(__always)
  public func contains(_ flags: Self) -> Bool { rawValue & flags.rawValue == flags.rawValue }

  public mutating func insert(_ flags: Self) { rawValue |= flags.rawValue }

  public mutating func remove(_ flags: Self) { rawValue &= ~flags.rawValue }

  public static func | (a: Self, b: Self) -> Self { Self(rawValue: a.rawValue | b.rawValue) }
}
