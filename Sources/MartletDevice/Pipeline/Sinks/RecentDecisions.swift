import CMartletLinux

/// The last decisions as their lines were written, in fixed memory, for the status.
struct RecentDecisions: ~Copyable {
  static let capacity = 8
  private let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: capacity * DecisionLine.recommendedBytes, alignment: 8)
  private var counts = InlineArray<8, Int>(repeating: 0)
  private var numbers = InlineArray<8, UInt64>(repeating: 0)
  /// Where what became of the frame goes; -1: none is saved.
  private var savePlaces = InlineArray<8, Int>(repeating: -1)
  private var next = 0

  deinit { memory.deallocate() }

  /// - Parameter record: with its newline.
  mutating func keep(_ record: UnsafeRawBufferPointer, of decision: UInt64, savePlace: Int?) {
    UnsafeMutableRawBufferPointer(rebasing: memory[begin(next)...]).copyMemory(from: record)
    counts[next] = record.count
    numbers[next] = decision
    savePlaces[next] = savePlace ?? -1
    next = (next + 1) % Self.capacity
  }

  private func begin(_ place: Int) -> Int { place * DecisionLine.recommendedBytes }

  /// Oldest first, without their newlines, with what became of their frames: null while that is not known.
  @inline(never)
  private func forEach(_ saved: (UInt64) -> martlet_recorder_saved?, _ body: (UnsafeRawBufferPointer) -> Void) {
    let room = UnsafeMutableRawBufferPointer.allocate(
      byteCount: DecisionLine.recommendedBytes + Int(MARTLET_RECORDER_TEXT_BYTES), alignment: 8)
    defer { room.deallocate() }
    for offset in 0..<Self.capacity {
      let place = (next + offset) % Self.capacity
      guard counts[place] > 0 else { continue }
      let line = UnsafeRawBufferPointer(rebasing: memory[begin(place)..<begin(place) + counts[place] - 1])
      let savePlace = savePlaces[place]
      guard savePlace >= 0 else {
        body(line)
        continue
      }
      room.copyMemory(from: UnsafeRawBufferPointer(rebasing: line[..<savePlace]))
      let into = (room.baseAddress! + savePlace).assumingMemoryBound(to: CChar.self)
      var found = saved(numbers[place]) ?? martlet_recorder_saved()
      let count = martlet_recorder_text(&found, into)
      let rest = UnsafeRawBufferPointer(rebasing: line[savePlace...])
      UnsafeMutableRawBufferPointer(rebasing: room[(savePlace + count)...]).copyMemory(from: rest)
      body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<(line.count + count)]))
    }
  }

  func report(_ json: inout JSONWriter, saved: (UInt64) -> martlet_recorder_saved?) {
    json.beginArray("last_decisions")
    forEach(saved) { json.element(json: $0) }
    json.endArray()
  }

  func report(_ text: inout String, saved: (UInt64) -> martlet_recorder_saved?) {
    text.add("last decisions\n")
    forEach(saved) {
      text.add("  ")
      text.add(String(utf8: $0))
      text.add("\n")
    }
  }
}
