import CMartletLinux
import Martlet

/// Saves the frames of decisions whose rules ask for it.
struct FrameSink: ~Copyable, DecisionSink {
  private let folder: String
  private var store: FrameStore

  /// nil: there is no memory.
  init?(_ configuration: FramesConfiguration) {
    guard let store = FrameStore(configuration) else { return nil }
    folder = configuration.folder
    // It is tried again with the next frames.
    if store.openError != 0 { Output.tell("run: \(folder): \(String(cString: martlet_error_text(store.openError)))") }
    self.store = store
  }

  var lastDecision: UInt64 { store.lastDecision }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    guard camera.fires(.save) else { return }
    var stored = martlet_stored_frame()
    var mapped = martlet_mapped_file()
    switch decision.frame {
    case .camera(let frame, let format):
      (stored.bytes, stored.count, stored.format) = (UnsafeRawPointer(frame.bytes), frame.count, format.fourcc)
      (stored.width, stored.height) = (UInt32(format.width), UInt32(format.height))
      stored.stride = UInt32(format.stride)
      stored.is_bt709 = format.matrix == MARTLET_CAMERA_BT709 ? 1 : 0
      stored.is_full_range = format.is_full_range ? 1 : 0
    case .picture(let path):
      // A picture that is no JPEG is refused by the store.
      if martlet_file_map(path.cString, &mapped) == 0 {
        (stored.bytes, stored.count, stored.format) = (mapped.bytes, mapped.count, FourCC.jpeg.code)
      }
    }
    if case .lost(let code, let isNew) = store.save(stored, decision: decision.number, wallUs: decision.wallUs), isNew {
      Output.tell("run: \(folder): \(String(cString: martlet_error_text(code)))")
    }
    martlet_file_unmap(&mapped)
  }

  func report(_ json: inout JSONWriter) {
    json.field("frames_lost", Int(store.lostCount))
    json.field("frames_bytes", Int(store.byteCount))
  }

  func report(_ text: inout String) {
    if store.lostCount > 0 { text.add("frames: \(Int(store.lostCount)) lost\n") }
  }
}
