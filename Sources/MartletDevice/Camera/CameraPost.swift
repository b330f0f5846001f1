import CMartletLinux
import CMartletPlatform

/// What the loop of a pipeline and the thread of a camera tell one another.
///
/// The loop says what it wishes for; the thread says how the camera is, and hands over its newest frame through one
/// slot. Neither waits for the other: each writes its own words, and the slot's word says whose the slot is. All of it
/// lies in memory that both can reach and that stays as long as either of them lives.
struct CameraPost {
  /// A frame on its way, with what brings it into the model's input.
  struct Parcel {
    var frame = martlet_camera_frame()
    var input: Shared<FrameInput>?
    /// When it was handed over.
    var counts = CameraCounts()
  }

  enum News {
    case opened(path: String, format: martlet_camera_format)
    /// Closed; it will be opened again.
    case lost(CameraError)
  }

  /// What became of a frame.
  enum Outcome: UInt64 { case whole, damaged, unseen }

  /// Frames captured from `fromNs` on are wanted; every new wish has another number.
  struct Wish {
    var number: UInt64
    var fromNs: UInt64
  }

  private enum Slot {
    static let empty: UInt64 = 0
    static let ready: UInt64 = 1
    static let lent: UInt64 = 2
    static let back: UInt64 = 3
  }

  /// The loop's words and the thread's on cache lines of their own.
  private enum Word: Int {
    case wish = 8, wishFrom, wantedGeneration
    case outcome = 16, generation, busySince, due, taken, dropped, damaged, reopened
    /// Written by both.
    case slot = 24, hasNews
  }

  let words = SharedWords(count: 32)
  private let parcelPlace = Shared(Parcel())
  private let newsPlace = Shared<News?>(nil)
  /// Written by the loop while the thread has the last one.
  private let target = Shared<FrameInput.Place?>(nil)

  /// When neither side will look at it again.
  func destroy() {
    words.destroy()
    newsPlace.destroy()
    parcelPlace.destroy()
    target.destroy()
  }

  private func load(_ word: Word) -> UInt64 { words[word.rawValue] }
  private func store(_ word: Word, _ value: UInt64) { words[word.rawValue] = value }
  private func exchange(_ expected: UInt64, by desired: UInt64) -> Bool {
    words.exchange(Word.slot.rawValue, expected, by: desired)
  }

  /// Of whoever has the slot.
  var parcel: Parcel { parcelPlace.value }

  // MARK: The loop's side

  /// nil: no frame is wanted.
  func wish(_ wish: Wish?) {
    // The number last: who sees it sees the time too.
    if let wish { store(.wishFrom, wish.fromNs) }
    store(.wish, wish?.number ?? 0)
  }

  /// Whether there is a frame for this generation's model, which is the loop's until it is given back.
  func borrow(for generation: Int) -> Bool {
    load(.generation) == UInt64(generation) && exchange(Slot.ready, by: Slot.lent)
  }

  /// Frames go to another place. The thread takes it at once, or, where a camera's driver holds it, when it comes back;
  /// until then none is borrowed.
  /// - Returns: false while the thread has not taken the one before.
  func move(to place: FrameInput.Place, generation: Int) -> Bool {
    guard load(.wantedGeneration) == load(.generation) else { return false }
    target.value = place
    store(.wantedGeneration, UInt64(generation))
    return true
  }

  /// The thread has to be woken.
  func giveBack(_ outcome: Outcome) {
    store(.outcome, outcome.rawValue)
    store(.slot, Slot.back)
  }

  func takeNews() -> News? {
    guard load(.hasNews) != 0 else { return nil }
    let found = newsPlace.value
    newsPlace.value = nil
    store(.hasNews, 0)
    return found
  }

  func wakeThread() { words.wakeThread() }

  /// Since when the thread has been at work, which may be in a call to the driver; 0: it waits.
  var busySinceNs: UInt64 { load(.busySince) }
  /// When it will do something by itself.
  var dueNs: UInt64 { load(.due) }
  var counts: CameraCounts {
    CameraCounts(
      taken: Int(load(.taken)), dropped: Int(load(.dropped)), damaged: Int(load(.damaged)),
      reopened: Int(load(.reopened)))
  }

  // MARK: The thread's side

  var wish: Wish? {
    let number = load(.wish)
    return number == 0 ? nil : Wish(number: number, fromNs: load(.wishFrom))
  }
  /// A place that the thread has not taken yet.
  var newPlace: (place: FrameInput.Place, generation: UInt64)? {
    let wanted = load(.wantedGeneration)
    guard wanted != load(.generation), let place = target.value else { return nil }
    return (place, wanted)
  }
  func noteTaken(generation: UInt64) { store(.generation, generation) }
  var isEnding: Bool { words[ServiceThread.Word.isEnding] != 0 }
  var isEmpty: Bool { load(.slot) == Slot.empty }

  /// Into the empty slot.
  func handOver(_ parcel: Parcel) {
    parcelPlace.value = parcel
    store(.slot, Slot.ready)
    words.wakeLoop()
  }

  /// Takes a frame back that the loop has not looked at; false: there is none.
  func withdraw() -> Bool { exchange(Slot.ready, by: Slot.empty) }

  /// What became of the frame that the loop has given back; nil: it has not.
  func receive() -> Outcome? {
    guard load(.slot) == Slot.back else { return nil }
    let outcome = Outcome(rawValue: load(.outcome))
    store(.slot, Slot.empty)
    return outcome ?? .unseen
  }

  /// False: the loop has not taken the last news yet; it will wake the thread when it does.
  func tell(_ found: News) -> Bool {
    guard load(.hasNews) == 0 else { return false }
    newsPlace.value = found
    store(.hasNews, 1)
    words.wakeLoop()
    return true
  }

  func note(busySinceNs: UInt64) { store(.busySince, busySinceNs) }
  func note(dueNs: UInt64) { store(.due, dueNs) }
  func note(_ counts: CameraCounts) {
    store(.taken, UInt64(counts.taken))
    store(.dropped, UInt64(counts.dropped))
    store(.damaged, UInt64(counts.damaged))
    store(.reopened, UInt64(counts.reopened))
  }
  func noteEnded() {
    words[ServiceThread.Word.hasEnded] = 1
    words.wakeLoop()
  }
}
