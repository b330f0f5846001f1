import CMartletLinux
import CMartletPlatform
import Martlet
import MartletDevice

/// `martlet classify MODEL --camera DEVICE`: what a camera sees.
enum ClassifyCamera {
  static func run(_ arguments: Arguments) throws(CommandError) {
    let path = try arguments.onlyModel()
    let top = try arguments.integer(.top, in: 1...1000, default: 5)
    let policy = try Classify.policy(arguments)
    let settings = try settings(arguments)
    let isWatching = arguments.has(.watch)
    if isWatching && arguments.has(.once) { throw .usage("--once and --watch: give one of them") }
    let isa = try ModelOpener.isa()
    let threads = try arguments.threads()
    let file = try ModelOpener.file(path, verb: "classify")
    var model = try ModelOpener.load(file, threads: threads, isa: isa)
    try Classify.requireScores(model.engine, path)
    var view = View(
      top: top, model: path, hash: file.hash, isJSON: arguments.has(.json), isVerbose: arguments.has(.verbose))
    do throws(CameraError) {
      try look(settings, policy, &model, &view, isWatching)
    } catch {
      throw CommandError(error.sentence, exitCode: error.exitCode)
    }
    if let failure = view.failure { throw failure }
  }

  @inline(never)
  private static func look(
    _ settings: CameraSettings, _ policy: ResizePolicy?, _ model: inout LoadedModel, _ view: inout View,
    _ isWatching: Bool
  ) throws(CameraError) {
    let place: FrameInput.Place
    do throws(PictureError) {
      place = try FrameInput.Place(for: model.engine, policy: policy)
    } catch {
      throw CameraError(.modelTakesNoPicture, view.model.text)
    }
    var stream = CameraStream(settings, into: place)
    try stream.open(nowNs: martlet_now_ns())
    while true {
      let frame = try wait(&stream)
      let taken = martlet_now_ns()
      let isWhole = stream.fill(frame)
      let filled = martlet_now_ns()
      if isWhole { model.engine.run(on: model.team) }
      let done = martlet_now_ns()
      try stream.giveBack(frame, nowNs: done)
      guard isWhole else { continue }
      let isRead = view.show(frame, stream, model, (taken, filled, done))
      if !isRead || !isWatching { return }
    }
  }

  private static func wait(_ stream: inout CameraStream) throws(CameraError) -> martlet_camera_frame {
    while true {
      if let frame = try stream.take(nowNs: martlet_now_ns()) { return frame }
      var entry = pollfd(fd: stream.descriptor, events: Int16(POLLIN | POLLPRI), revents: 0)
      _ = martlet_wait(&entry, 1, stream.deadlineNs)
    }
  }

  private static func settings(_ arguments: Arguments) throws(CommandError) -> CameraSettings {
    var settings = CameraSettings(address: CameraAddress(arguments.text(.camera)))
    let format = arguments.text(.format)
    if !format.isEmpty {
      settings.format.fourcc = FourCC(format)
      if settings.format.fourcc == nil { throw .usage("--format \(format): must be a four-character code like YUYV") }
    }
    settings.format.rate = try arguments.integer(.rate, in: 1...1000, default: 0)
    let size = arguments.text(.size)
    guard !size.isEmpty else { return settings }
    var sides: [Int] = []
    for side in size.parts(at: UInt8(ascii: "x")) {
      if let number = Int(side), number > 0, number <= 32768 { sides.append(number) }
    }
    guard sides.count == 2 else { throw .usage("--size \(size): must be columns and rows like 640x480") }
    (settings.format.width, settings.format.height) = (sides[0], sides[1])
    return settings
  }

  /// What is printed for a frame.
  private struct View {
    let top: Int
    let model: FilePath
    let hash: UInt64
    let isJSON: Bool
    let isVerbose: Bool
    var number: UInt64 = 0
    var dropped = 0
    /// Why nothing more can be written.
    var failure: CommandError?
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 8)

    /// False: nobody reads any more.
    mutating func show(
      _ frame: martlet_camera_frame, _ stream: borrowing CameraStream, _ model: borrowing LoadedModel,
      _ times: (taken: UInt64, filled: UInt64, done: UInt64)
    ) -> Bool {
      var scores = [Score](repeating: Score(index: 0, real: 0), count: top)
      let count = scores.withUnsafeMutableBufferPointer { model.engine.topScores(into: $0) }
      number += 1
      let skipped = stream.counts.dropped - dropped
      dropped = stream.counts.dropped
      if isJSON {
        let line = line(frame, stream, model, scores[..<count], times.done, UInt64(skipped))
        return isRead { () throws(CommandError) in
          try checkOutput(martlet_file_write_all(1, line.baseAddress, line.count))
        }
      }
      var text = "\(stream.path) frame \(Int(frame.sequence))"
      text.add(skipped > 0 ? ", \(skipped) dropped before\n" : "\n")
      text.add(ClassifyReport.lines(scores[..<count], model.engine))
      if isVerbose {
        let format = stream.format
        text.add("  \(FourCC(code: format.fourcc).text) \(Int(format.width))x\(Int(format.height))")
        text.add(stream.isCopying ? ", copied: " : ": ")
        text.add("waited \(ClassifyReport.ms(times.taken - min(times.taken, frame.timestamp_ns))), ")
        text.add("frame \(ClassifyReport.ms(times.filled - times.taken)), ")
        text.add("inference \(ClassifyReport.ms(times.done - times.filled))\n")
      }
      return isRead { () throws(CommandError) in try report(text) }
    }

    private func line(
      _ frame: martlet_camera_frame, _ stream: borrowing CameraStream, _ model: borrowing LoadedModel,
      _ scores: ArraySlice<Score>, _ doneNs: UInt64, _ skipped: UInt64
    ) -> UnsafeRawBufferPointer {
      var line = DecisionLine(into: buffer)
      var (camera, name) = (stream.path, self.model.text)
      camera.withUTF8 {
        line.begin(
          decision: number, camera: UnsafeRawBufferPointer($0), sequence: UInt64(frame.sequence), dropped: skipped)
      }
      line.times(
        capturedNs: frame.timestamp_ns, decidedNs: doneNs, actedNs: 0,
        wallUs: martlet_wall_time_us())
      name.withUTF8 { line.model(UnsafeRawBufferPointer($0), hash: hash) }
      line.beginScores(isUnknown: false)
      let values = RuleScores(model.engine)
      for score in scores {
        line.score(
          label: model.engine.labelCount > score.index
            ? model.engine.label(score.index) : UnsafeRawBufferPointer(start: nil, count: 0),
          index: score.index, score: score.real, raw: values.raw(score.index))
      }
      line.endList()
      return line.end()
    }

    private mutating func isRead(_ write: () throws(CommandError) -> Void) -> Bool {
      do throws(CommandError) {
        try write()
        return true
      } catch {
        failure = error
        return false
      }
    }
  }
}
