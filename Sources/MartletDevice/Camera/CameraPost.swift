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
    var input: UnsafeMutablePointer<FrameInput>?
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
    static let empty: UInt32 = 0
    static let ready: UInt32 = 1
    static let lent: UInt32 = 2
    static let back: UInt32 = 3
  }

  /// The slot's and the news' words are the first two of 32 bits; the words of 64 bits follow, the loop's on one cache
  /// line, the thread's on another.
  private enum Word: Int {
    case wish = 8, wishFrom, isEnding, wantedGeneration
    case outcome = 16, hasEnded, generation, busySince, due, taken, dropped, damaged, reopened
  }

  private let base: UnsafeMutableRawPointer
  private let parcelPlace: UnsafeMutablePointer<Parcel>
  private let newsPlace: UnsafeMutablePointer<News?>
  /// Written by the loop while the thread has the last one.
  private let target: UnsafeMutablePointer<FrameInput.Place?>
  /// Raised by the one, waited for by the other.
  let toLoop: Int32
  let toThread: Int32
  /// 0, or why there is nothing that wakes.
  let openError: Int32

  init() {
    var (toLoop, toThread): (Int32, Int32) = (-1, -1)
    var code = martlet_event_open(&toLoop)
    if code == 0 { code = martlet_event_open(&toThread) }
    (self.toLoop, self.toThread, openError) = (toLoop, toThread, code)
    base = .allocate(byteCount: 256, alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
    parcelPlace = .allocate(capacity: 1)
    parcelPlace.initialize(to: Parcel())
    newsPlace = .allocate(capacity: 1)
    newsPlace.initialize(to: nil)
    target = .allocate(capacity: 1)
    target.initialize(to: nil)
  }

  /// When neither side will look at it again.
  func destroy() {
    if toLoop >= 0 { martlet_event_close(toLoop) }
    if toThread >= 0 { martlet_event_close(toThread) }
    newsPlace.deinitialize(count: 1)
    newsPlace.deallocate()
    target.deallocate()
    parcelPlace.deallocate()
    base.deallocate()
  }

  private var slot: UnsafeMutablePointer<UInt32> { base.assumingMemoryBound(to: UInt32.self) }
  /// 1: there is news.
  private var news: UnsafeMutablePointer<UInt32> { slot + 1 }

  private func load(_ word: Word) -> UInt64 {
    martlet_load_acquire_64(base.assumingMemoryBound(to: UInt64.self) + word.rawValue)
  }
  private func store(_ word: Word, _ value: UInt64) {
    martlet_store_release_64(base.assumingMemoryBound(to: UInt64.self) + word.rawValue, value)
  }

  /// Of whoever has the slot.
  var parcel: Parcel { parcelPlace.pointee }

  // MARK: The loop's side

  /// nil: no frame is wanted.
  func wish(_ wish: Wish?) {
    // The number last: who sees it sees the time too.
    if let wish { store(.wishFrom, wish.fromNs) }
    store(.wish, wish?.number ?? 0)
  }

  /// Whether there is a frame for this generation's model, which is the loop's until it is given back.
  func borrow(for generation: Int) -> Bool {
    load(.generation) == UInt64(generation) && martlet_compare_exchange(slot, Slot.ready, Slot.lent)
  }

  /// Frames go to another place. The thread takes it at once, or, where a camera's driver holds it, when it comes back;
  /// until then none is borrowed.
  /// - Returns: false while the thread has not taken the one before.
  func move(to place: FrameInput.Place, generation: Int) -> Bool {
    guard load(.wantedGeneration) == load(.generation) else { return false }
    target.pointee = place
    store(.wantedGeneration, UInt64(generation))
    return true
  }

  /// The thread has to be woken.
  func giveBack(_ outcome: Outcome) {
    store(.outcome, outcome.rawValue)
    martlet_store_release(slot, Slot.back)
  }

  func takeNews() -> News? {
    guard martlet_load_acquire(news) != 0 else { return nil }
    let found = newsPlace.pointee
    newsPlace.pointee = nil
    martlet_store_release(news, 0)
    return found
  }

  func end() {
    store(.isEnding, 1)
    wakeThread()
  }

  func wakeThread() { martlet_event_raise(toThread) }

  /// Since when the thread has been at work, which may be in a call to the driver; 0: it waits.
  var busySinceNs: UInt64 { load(.busySince) }
  /// When it will do something by itself.
  var dueNs: UInt64 { load(.due) }
  var hasEnded: Bool { load(.hasEnded) != 0 }
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
    guard wanted != load(.generation), let place = target.pointee else { return nil }
    return (place, wanted)
  }
  func noteTaken(generation: UInt64) { store(.generation, generation) }
  var isEnding: Bool { load(.isEnding) != 0 }
  var isEmpty: Bool { martlet_load_acquire(slot) == Slot.empty }

  /// Into the empty slot.
  func handOver(_ parcel: Parcel) {
    parcelPlace.pointee = parcel
    martlet_store_release(slot, Slot.ready)
    martlet_event_raise(toLoop)
  }

  /// Takes a frame back that the loop has not looked at; false: there is none.
  func withdraw() -> Bool { martlet_compare_exchange(slot, Slot.ready, Slot.empty) }

  /// What became of the frame that the loop has given back; nil: it has not.
  func receive() -> Outcome? {
    guard martlet_load_acquire(slot) == Slot.back else { return nil }
    martlet_store_release(slot, Slot.empty)
    return Outcome(rawValue: load(.outcome)) ?? .unseen
  }

  /// False: the loop has not taken the last news yet; it will wake the thread when it does.
  func tell(_ found: News) -> Bool {
    guard martlet_load_acquire(news) == 0 else { return false }
    newsPlace.pointee = found
    martlet_store_release(news, 1)
    martlet_event_raise(toLoop)
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
    store(.hasEnded, 1)
    martlet_event_raise(toLoop)
  }
}
