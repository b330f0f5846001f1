import CMartletLinux
import CMartletPlatform
import Martlet

/// Picture files in place of a camera, in the order of their names.
struct PictureSource: ~Copyable, EventSource {
  /// Among `PipelineCore.cameras`.
  private let index: Int
  private var place: FrameInput.Place
  /// Whose model the pictures go to.
  private var generation = 0
  /// Paths that end with zero, one behind the other.
  private let list: UnsafeMutableBufferPointer<CChar>
  private let count: Int
  private let isRepeated: Bool
  private var at = 0
  private var taken = 0
  private var loader: PictureLoader

  init(path: String, isRepeated: Bool, index: Int, into place: FrameInput.Place) throws(PictureError) {
    var list: UnsafeMutablePointer<CChar>?
    var (bytes, count): (Int, UInt32) = (0, 0)
    let code = path.withPath { martlet_list_pictures($0, &list, &bytes, &count) }
    guard code == 0, let list else { throw PictureError(folder: code) }
    do throws(PictureError) {
      loader = try PictureLoader(
        width: place.target.width, height: place.target.height, channels: place.target.channels)
    } catch {
      martlet_free_list(list)
      throw error
    }
    self.list = UnsafeMutableBufferPointer(start: list, count: bytes)
    self.count = Int(count)
    self.isRepeated = isRepeated
    self.index = index
    self.place = place
  }

  deinit { martlet_free_list(list.baseAddress) }

  var isActive: Bool { count > 0 && (isRepeated || taken < count) }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {}

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    if isActive, core.canDecide(index), core.cameras[index].trigger.wantedFrom(nowNs: nowNs) != nil { return 0 }
    return core.cameras[index].trigger.deadlineNs(nowNs: nowNs) ?? .max
  }

  mutating func service(_ core: inout PipelineCore) {
    let now = martlet_now_ns()
    core.cameras[index].expireTriggers(nowNs: now)
    core.cameras[index].isOpen = isActive
    if core.generation != generation { move(core) }
    guard isActive, core.canDecide(index), core.cameras[index].trigger.wantedFrom(nowNs: now) != nil else { return }
    let path = next()
    let captured = martlet_now_ns()
    do throws(PictureError) {
      // As `martlet classify` does it.
      try loader.load(path: path, into: place.target, policy: place.policy, shorterSide: place.shorterSide)
      core.decide(
        camera: index, .picture(path), sequence: UInt64(taken - 1), capturedNs: captured, takenNs: captured)
    } catch {
      core.cameras[index].counts.damaged += 1
      core.cameras[index].trigger.satisfied(nowNs: now)
      core.cameras[index].tell(path.text + ": " + error.sentence)
    }
    core.cameras[index].isOpen = isActive
  }

  /// Pictures go to another model from now on.
  private mutating func move(_ core: borrowing PipelineCore) {
    do throws(PictureError) {
      let place = try core.place(ofCamera: index)
      loader = try PictureLoader(
        width: place.target.width, height: place.target.height, channels: place.target.channels)
      self.place = place
      generation = core.generation
    } catch {
      core.cameras[index].tell(error.sentence)
    }
  }

  /// The path of the next picture; it stays valid.
  private mutating func next() -> FilePath {
    let path = FilePath(UnsafePointer(UnsafeMutableBufferPointer(rebasing: list[at...]).baseAddress!))
    at += martlet_text_bytes(path.cString) + 1
    if at >= list.count { at = 0 }
    taken += 1
    return path
  }
}
