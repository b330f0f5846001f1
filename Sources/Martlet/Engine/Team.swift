import CMartletKernels
import CMartletPlatform

/// A fixed team of threads: made once, kept until the end, asleep while there is nothing to do.
///
/// The caller is the team's first thread. A job is a kernel and a range of units; every thread has its share of them
/// and then takes from the others', so a thread that the system does not run holds nobody up: the caller waits only for
/// those that have begun. Waiting is a short bounded spin and then a futex, so an idle team uses no processor time.
public struct Team: ~Copyable {
  /// 1...64, the caller included.
  public let threads: Int
  private let state: TeamState

  /// Bytes of the region that `init` needs.
  public static func byteCount(threads: Int) -> Int {
    TeamState.headerBytes + max(1, threads) * TeamState.threadBytes
  }

  /// Starts `threads - 1` workers in `region` (64-byte aligned, `byteCount(threads:)` bytes, zeroed). Where the system
  /// refuses a thread, the team is as large as it could be made. `pinned` ties thread i to processor i.
  public init(threads: Int, region: UnsafeMutableRawBufferPointer, pinned: Bool = false) {
    let wanted = min(max(threads, 1), 64)
    precondition(wanted == 1 || region.count >= Team.byteCount(threads: wanted))
    state = TeamState(base: region.baseAddress)
    var started = 1
    while started < wanted {
      let worker = state.worker(started)
      worker.pointee = TeamWorker(state: state, index: started)
      let error = martlet_thread_start(
        &worker.pointee.thread, { Team.workerMain($0) }, worker, pinned ? Int32(started) : -1)
      if error != 0 { break }
      started += 1
    }
    self.threads = started
  }

  deinit {
    guard threads > 1 else { return }
    state.stop()
    for i in 1..<threads { martlet_thread_join(&state.worker(i).pointee.thread) }
  }

  /// Runs units [first, last) of `job` and returns when all are done.
  func run(_ job: borrowing Job, first: Int32, last: Int32) {
    guard threads > 1, last - first > 1 else {
      job.run(first, last, thread: 0)
      return
    }
    state.open(copy job, first: first, last: last, threads: threads)
    state.claimUnits(thread: 0)
    state.close()
  }

  private static func workerMain(_ context: UnsafeMutableRawPointer?) {
    guard let worker = context?.assumingMemoryBound(to: TeamWorker.self) else { return }
    worker.pointee.state.work(thread: worker.pointee.index)
  }
}

/// A kernel with all that it needs, and the scratch memory of each thread.
struct Job {
  var kernel: martlet_kernel
  var parameters: UnsafeRawPointer
  /// Nil for a kernel that reads nothing but its parameters.
  var buffers: UnsafePointer<martlet_buffers>?
  var scratch: UnsafeMutableRawPointer
  var scratchStride: Int

  func run(_ first: Int32, _ last: Int32, thread: Int) {
    kernel(parameters, buffers, first, last, scratch + thread * scratchStride)
  }
}

struct TeamWorker {
  var thread = martlet_thread()
  let state: TeamState
  let index: Int

  init(state: TeamState, index: Int) {
    self.state = state
    self.index = index
  }
}
