import CMartletLinux
import CMartletPlatform
import Martlet

/// New models and rules, and models whose files were written over, as the loop has them.
struct KeeperSource: ~Copyable, EventSource {
  private var keeper = Keeper()
  /// What the keeper is asked for, or was asked for last.
  private var request = KeeperWork.Request.reload
  private var nextTryNs: UInt64 = 0

  /// A file that was written over is tried again so often: it may be on its way.
  private static let pauseNs: UInt64 = 1_000_000_000

  mutating func begin(_ core: inout PipelineCore) {
    keeper.watch(core.models)
    let code = keeper.start()
    if code != 0 { Output.tell("run: models cannot be reloaded: " + String(cString: martlet_error_text(code))) }
  }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    waits.add(keeper.descriptor)
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    keeper.isFree && core.hasOverwrittenModel ? nextTryNs : .max
  }

  mutating func service(_ core: inout PipelineCore) {
    keeper.takeEvent()
    for model in core.models.indices {
      if keeper.isFree, keeper.sawOverwritten(model) { core.models[model].noteOverwritten() }
      core.lookAtModel(model)
    }
    if keeper.hasAnswer { hear(&core) }
    guard keeper.isFree else { return }
    let now = martlet_now_ns()
    if core.reload.isWanted {
      request = .reload
      core.reload.isWanted = false
      core.reload.isRunning = true
    } else if core.hasOverwrittenModel, now >= nextTryNs {
      request = .reopen
    } else {
      return
    }
    nextTryNs = now + Self.pauseNs
    keeper.ask(request, core.configuration)
  }

  private mutating func hear(_ core: inout PipelineCore) {
    let answer = keeper.takeAnswer()
    if let loaded = answer.generation {
      core.adopt(&loaded.value)
      loaded.destroy()
      if request == .reload {
        Output.tell("run: models and rules were taken anew")
        core.reload.finish(nil)
      }
    } else if let error = answer.failure, request == .reload {
      // Of a file on its way there is nothing to say again and again.
      Output.tell("run: not reloaded, all goes on as before: " + error.sentence)
      core.reload.finish(error)
    }
    keeper.watch(core.models)
    keeper.release()
  }
}

/// What was asked for with SIGHUP or `martlet reload`, and what came of it.
struct ReloadState {
  var isWanted = false
  var isRunning = false
  /// How many have ended.
  private(set) var count = 0
  private(set) var succeeded = 0
  /// nil: the last one succeeded, or there was none.
  private(set) var lastError: PipelineError?

  /// Asks for one; the number that `count` has when it has ended.
  mutating func ask() -> Int {
    isWanted = true
    return count + (isRunning ? 2 : 1)
  }

  /// Of the last one, for who asked: 0 or an exit code, and a line.
  var answer: String {
    guard let lastError else { return "0 models and rules were taken\n" }
    var answer = String(lastError.exitCode)
    answer.add(" ")
    answer.add(lastError.sentence)
    answer.add("\n")
    return answer
  }

  mutating func finish(_ error: PipelineError?) {
    isRunning = false
    count += 1
    if error == nil { succeeded += 1 }
    lastError = error
  }
}
