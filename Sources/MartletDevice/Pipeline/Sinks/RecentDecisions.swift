/// The last decisions as their lines were written, in fixed memory, for the status.
struct RecentDecisions: ~Copyable, DecisionSink {
  static let capacity = 8
  private let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: capacity * DecisionLine.recommendedBytes, alignment: 8)
  private var counts = InlineArray<8, Int>(repeating: 0)
  private var next = 0

  deinit { memory.deallocate() }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    UnsafeMutableRawBufferPointer(rebasing: memory[begin(next)...]).copyMemory(from: decision.record)
    counts[next] = decision.record.count
    next = (next + 1) % Self.capacity
  }

  private func begin(_ place: Int) -> Int { place * DecisionLine.recommendedBytes }

  /// Oldest first, without their newlines.
  private func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
    for offset in 0..<Self.capacity {
      let place = (next + offset) % Self.capacity
      guard counts[place] > 0 else { continue }
      body(UnsafeRawBufferPointer(rebasing: memory[begin(place)..<begin(place) + counts[place] - 1]))
    }
  }

  func report(_ json: inout JSONWriter) {
    json.beginArray("last_decisions")
    forEach { json.element(json: $0) }
    json.endArray()
  }

  func report(_ text: inout String) {
    text.add("last decisions\n")
    forEach {
      text.add("  ")
      text.add(String(utf8: $0))
      text.add("\n")
    }
  }
}
