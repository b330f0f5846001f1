import CMartletLinux

/// Owns outputs and pulses them: active at once in the caller's thread, inactive again on time by a thread of its own,
/// whatever the caller computes meanwhile. When it goes, every output is set to its safe level and released.
///
/// Nothing here allocates after `add`, unless it throws.
public struct GPIOActuator: ~Copyable {
  public struct Statistics: Sendable {
    public var pulses: UInt64
    /// Pulses that made a running one longer.
    public var extensions: UInt64
    /// From the moment at which a pulse should have ended until the line was inactive: the worst.
    public var maxLateNs: UInt64
    public var lastLateNs: UInt64
    /// Calls on the line that failed, and the errno value of the last.
    public var failures: UInt64
    public var lastError: Int32
    public var isActive: Bool
    /// The last call failed.
    public var isFailing: Bool
  }

  /// For a signal handler: `martlet_actuator_abandon(handle)`.
  public let handle: OpaquePointer
  private let memory: UnsafeMutableRawBufferPointer
  private var lines: FixedArray<GPIOOutput>
  /// Outputs that were added; their numbers are 0..<count.
  public var count: Int { lines.count }

  /// - Parameter capacity: how many outputs at most, 1...64.
  public init(capacity: Int = Int(MARTLET_ACTUATOR_MAX_OUTPUTS)) throws(GPIOError) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: martlet_actuator_bytes(Int32(clamping: capacity)), alignment: 64)
    var handle: OpaquePointer?
    let error = martlet_actuator_start(memory.baseAddress, Int32(clamping: capacity), &handle)
    guard error == 0, let handle else {
      memory.deallocate()
      throw GPIOError(error, address: "")
    }
    self.handle = handle
    self.memory = memory
    lines = FixedArray(capacity: capacity)
  }

  deinit {
    // First the thread, then the lines that it uses.
    martlet_actuator_unguard(handle)
    martlet_actuator_stop(handle)
    memory.deallocate()
  }

  /// If the process ends by a fault, every output goes to its safe level first.
  public func guardAgainstFaults() { martlet_actuator_guard(handle) }

  /// Whether pulses end by a thread with real-time priority.
  public var isRealTime: Bool { martlet_actuator_is_real_time(handle) }

  /// Takes the output over and sets it to its safe level; returns its number. An active safe level is held: pulses have
  /// an effect only after `set(_, false)`.
  public mutating func add(_ output: consuming GPIOOutput, safeLevel: Bool = false) throws(GPIOError) -> Int {
    var index: Int32 = 0
    let error = martlet_actuator_add(
      handle, { martlet_gpio_set($0?.assumingMemoryBound(to: martlet_gpio_line.self), $1) },
      output.line.record.baseAddress, safeLevel ? 1 : 0, &index)
    guard error == 0 else { throw GPIOError(error, address: output.address.text) }
    lines.append(output)
    return Int(index)
  }

  /// Active now and inactive `durationNs` later, at the earliest. While a pulse runs, another one can only make it
  /// longer; an output that is held active stays active. Returns when the line was active (CLOCK_MONOTONIC, ns).
  @discardableResult
  public func pulse(_ index: Int, durationNs: UInt64) throws(GPIOError) -> UInt64 {
    var acted: UInt64 = 0
    try check(martlet_actuator_pulse(handle, Int32(clamping: index), durationNs, &acted), index)
    return acted
  }

  /// The same from `startNs` on, by the actuator's thread. At most 32 pulses of an output lie ahead; 0 is returned
  /// while the start does.
  public func pulse(_ index: Int, durationNs: UInt64, startNs: UInt64) throws(GPIOError) -> UInt64 {
    try check(martlet_actuator_pulse_at(handle, Int32(clamping: index), startNs, durationNs), index)
    return 0
  }

  /// Holds a level until told otherwise; a pulse that runs is over.
  public func set(_ index: Int, _ level: Bool) throws(GPIOError) {
    try check(martlet_actuator_set(handle, Int32(clamping: index), level ? 1 : 0), index)
  }

  /// Every output to its safe level: on an error, and before the end. All are tried; if some fail the thread goes on
  /// trying, and the first one's error is thrown.
  public func setAllSafe() throws(GPIOError) {
    let error = martlet_actuator_safe_all(handle)
    guard error != 0 else { return }
    let index = (0..<count).first { statistics($0).lastError == error } ?? -1
    try check(error, index)
  }

  /// Whether the output's chip was there when it was last used.
  public func checkIsThere(_ index: Int) throws(GPIOError) {
    let error = statistics(index).lastError
    if error == Int32(MARTLET_GONE) { try check(error, index) }
  }

  /// Whether the last call on the output worked; if not, the thread goes on trying.
  public func checkWorks(_ index: Int) throws(GPIOError) {
    let found = statistics(index)
    if found.isFailing { try check(found.lastError, index) }
  }

  /// Why an output's last call failed.
  func failure(_ index: Int) -> GPIOError { GPIOError(statistics(index).lastError, address: lines[index].address.text) }

  /// Counts how often an output's calls began to fail, or to work again.
  func changes() -> UInt64 { martlet_actuator_changes(handle) }

  public func isPulsing(_ index: Int) -> Bool { martlet_actuator_is_pulsing(handle, Int32(clamping: index)) }

  public func statistics(_ index: Int) -> Statistics {
    var found = martlet_actuator_statistics()
    martlet_actuator_statistics_of(handle, Int32(clamping: index), &found)
    return Statistics(
      pulses: found.pulses, extensions: found.extensions, maxLateNs: found.max_late_ns, lastLateNs: found.last_late_ns,
      failures: found.failures, lastError: found.last_error, isActive: found.level != 0, isFailing: found.is_failing)
  }

  @inline(never)
  private func check(_ error: Int32, _ index: Int) throws(GPIOError) {
    guard error != 0 else { return }
    let isThere = index >= 0 && index < count
    throw GPIOError(error, address: isThere ? lines[index].address.text : "output \(index)")
  }
}
