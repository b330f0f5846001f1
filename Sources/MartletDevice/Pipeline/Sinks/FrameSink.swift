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
    var content: FrameContent?
    var mapped = martlet_mapped_file()
    switch decision.frame {
    case .camera(let frame):
      content = frame
    case .picture(let path):
      // A picture that is no JPEG is refused by the store.
      if martlet_file_map(path.cString, &mapped) == 0 {
        content = FrameContent(bytes: UnsafeRawBufferPointer(start: mapped.bytes, count: mapped.count), shape: nil)
      }
    }
    if case .lost(let code, let isNew) = store.save(content, decision: decision.number, wallUs: decision.wallUs), isNew
    {
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
