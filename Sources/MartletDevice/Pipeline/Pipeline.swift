import CMartletLinux
import CMartletPlatform

/// Cameras, models, rules and lines at work: what `martlet run` does, in one loop that waits for whatever comes first.
/// Each camera has a thread of its own, where its driver may hang; nothing that the loop calls does.
///
/// A frame goes from the driver's buffer into the model's input, through the model, to the rules, to the lines, into
/// the log, and its buffer back to the driver. On this way nothing allocates. Errors of cameras, lines and disks are
/// told on standard error once, and the pipeline goes on with what it still has.
///
/// `Sources` say what it waits for, `PipelineCore` what a frame leads to, `PipelineCore.Sinks` where that goes.
public struct Pipeline: ~Copyable {
  /// In the order in which they are asked; those of a kind in the configuration's.
  private typealias Sources = Both<
    SignalSource,
    Both<
      HoursSource,
      Both<
        KeeperSource,
        Both<FixedArray<InputSource>, Both<StatusServer, Both<FixedArray<CameraSource>, FixedArray<PictureSource>>>>
      >
    >
  >

  private var sources: Sources
  private var core: PipelineCore
  private var waits: WaitSet
  private var notifier = martlet_notifier()
  private var nextSignNs: UInt64
  /// The last to go.
  private let signals: Signals

  /// Takes lines (outputs go to their safe level), loads models, looks for pictures, opens log, socket and store, in
  /// this order: what one that runs already has is found before anything of it is touched. Cameras are opened by `run`,
  /// and may come later.
  ///
  /// - Parameter configuration: without errors, classes resolved.
  public init(_ configuration: Configuration) throws(PipelineError) {
    // Where this throws, they stay open: a process that does not start can be ended all the same.
    let descriptor = try Signals.open()
    let now = martlet_now_ns()
    let lines = try LineSink(configuration)
    let inputs = try InputSource.all(configuration)
    var generation = try Generation(configuration, verifies: false)
    var cameras = FixedArray<CameraSource>(capacity: configuration.cameras.count)
    var pictures = FixedArray<PictureSource>(capacity: configuration.cameras.count)
    for index in configuration.cameras.indices {
      let camera = configuration.cameras[index]
      do throws(PictureError) {
        let place = try generation.models[camera.model].place(camera.resize)
        if let settings = camera.settings {
          cameras.append(CameraSource(CameraStream(settings, into: place), index: index, camera))
        } else if case .pictures(let path, let isRepeated) = camera.source {
          pictures.append(try PictureSource(path: path, isRepeated: isRepeated, index: index, into: place))
        }
      } catch {
        throw PipelineError(
          configuration, line: camera.line, "camera \(camera.name): \(error.sentence)", exitCode: error.exitCode)
      }
    }
    let log = try LogSink.all(configuration)
    let server = try StatusServer(configuration)
    core = try PipelineCore(configuration, models: generation.takeModels(), lines: lines, log: log, nowNs: now)
    let signals = Signals(taking: descriptor)
    let sources = Both(
      SignalSource(signals),
      Both(HoursSource(), Both(KeeperSource(), Both(inputs, Both(server, Both(cameras, pictures))))))
    waits = WaitSet(capacity: sources.descriptorCapacity)
    self.sources = sources
    self.signals = signals
    nextSignNs = martlet_now_ns()
    martlet_notifier_open(&notifier)
  }

  // Written out, so that another module of the Embedded build can call it: that of a part is not visible there.
  deinit {}

  /// Works until SIGTERM or SIGINT, or until every source has come to its end. Then every output has its safe
  /// level.
  public mutating func run() {
    begin()
    notify("READY=1\nSTATUS=running\n")
    while turn() {}
    notify("STOPPING=1\n")
    core.close()
    sources.end(nowNs: martlet_now_ns())
  }

  /// Before the first turn: what the sources do elsewhere begins.
  mutating func begin() { sources.begin(&core) }

  /// Does what is due, and waits for what comes next; false when it is time to end.
  public mutating func turn() -> Bool {
    sources.service(&core)
    guard !core.isEnding, sources.isActive else { return false }
    waits.removeAll()
    let now = martlet_now_ns()
    sources.addDescriptors(to: &waits, nowNs: now, core)
    let deadline = sources.deadlineNs(nowNs: now, core)
    waits.wait(untilNs: notifier.watchdog_ns > 0 ? min(deadline, nextSignNs) : deadline)
    giveSignOfLife()
    return true
  }

  /// The watchdog is fed while every source is where it should be: its deadlines are kept.
  private mutating func giveSignOfLife() {
    guard notifier.watchdog_ns > 0 else { return }
    let now = martlet_now_ns()
    // The clock counts from the machine's start, which may be just now.
    let patience = min(now, notifier.watchdog_ns / 4)
    guard now >= nextSignNs, !sources.isOverdue(before: now - patience, core) else { return }
    nextSignNs = now + notifier.watchdog_ns / 3
    notify("WATCHDOG=1\n")
  }

  private func notify(_ text: StaticString) {
    var notifier = notifier
    let bytes = UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    martlet_notify(&notifier, bytes, text.utf8CodeUnitCount)
  }
}
