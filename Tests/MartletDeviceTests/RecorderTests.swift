import CMartletLinux
import CMartletPlatform
import Foundation
import Testing

@testable import MartletDevice

private let jpeg: [UInt8] = [0xFF, 0xD8] + [UInt8](repeating: 7, count: 996) + [0xFF, 0xD9]

/// A log and a store in one folder, in the hands of a recorder.
private func recorder(_ folder: TemporaryFolder, frameBytes: UInt64 = 1 << 20, frames: String? = nil) throws -> Recorder
{
  var log = LogConfiguration()
  log.file = folder.file("log")
  log.maxBytes = 1 << 24
  log.sync = .each
  var store = FramesConfiguration()
  store.folder = frames ?? folder.path
  store.maxBytes = 1 << 20
  var logs = FixedArray<DecisionLog>(capacity: 1)
  logs.append(try require(DecisionLog(log)))
  var stores = FixedArray<FrameStore>(capacity: 1)
  stores.append(try require(FrameStore(store)))
  return try require(Recorder(logs: logs, stores: stores, frameBytes: frameBytes))
}

extension Recorder {
  fileprivate func put(_ number: Int, saves bytes: [UInt8]? = nil) {
    let before = "{\"decision\":\(number),\"actions\":[{\"save\":"
    let text = bytes == nil ? "{\"decision\":\(number)}\n" : before + "}]}\n"
    Array(text.utf8).withUnsafeBytes { record in
      guard let bytes else { return put(record) }
      bytes.withUnsafeBytes { bytes in
        let frame = FrameContent(bytes: bytes, shape: nil).stored
        put(record, place: before.utf8.count, frame: frame, decision: UInt64(number), wallUs: 1_795_821_622_123_456)
      }
    }
  }
}

@Suite struct RecorderTests {
  /// A record tells what became of its frame, and nothing else.
  @Test func aRecordClaimsOnlyWhatWasDone() throws {
    let folder = TemporaryFolder()
    do {
      let recorder = try recorder(folder)
      recorder.put(1)
      recorder.put(2, saves: jpeg)
      recorder.put(3, saves: [1, 2, 3])
      recorder.put(4)
      recorder.wait(untilNs: martlet_now_ns() + 5_000_000_000)
      let (second, third, fourth) = (recorder.saved(2), recorder.saved(3), recorder.saved(4))
      let saved = try #require(second)
      #expect(saved.error == 0 && FixedText.string(saved.name) == "000000000002-20261127T232022.123456Z.jpg")
      #expect(third?.error == Int32(MARTLET_FRAME_NOT_WHOLE) && fourth == nil)
      let state = recorder.state
      #expect(state.frames_lost == 1 && state.records_lost == 0 && state.frames_bytes == 1000 && state.waiting == 0)
      #expect(state.frames_error == Int32(MARTLET_FRAME_NOT_WHOLE) && state.log_error == 0)
    }
    #expect(
      folder.lines("log") == [
        "{\"decision\":1}",
        "{\"decision\":2,\"actions\":[{\"save\":\"000000000002-20261127T232022.123456Z.jpg\"}]}",
        "{\"decision\":3,\"actions\":[{\"save\":false,\"error\":\"the frame is not whole\"}]}",
        "{\"decision\":4}", "",
      ])
    #expect(folder.read("000000000002-20261127T232022.123456Z.jpg") == jpeg)
  }

  /// A disk that does not answer: nobody waits for it, what has no room is counted, and told when it answers again.
  @Test func aDiskThatHangs() throws {
    let folder = TemporaryFolder()
    let began = martlet_now_ns()
    var lines: [String] = []
    do {
      let recorder = try recorder(folder, frameBytes: 0)
      let hung = try HungFile(folder.file(".1.part"))
      let picture = TemporaryFolder()
      picture.write("1.jpg", jpeg)
      let frame = DecisionFrame.picture(picture.file("1.jpg").permanentPath()).stored
      Array("{\"decision\":1,\"x\":}\n".utf8).withUnsafeBytes {
        recorder.put($0, place: 18, frame: frame, decision: 1, wallUs: 1)
      }
      usleep(50_000)
      for number in 2...20000 { recorder.put(number) }
      recorder.put(20001, saves: jpeg)
      let state = recorder.state
      #expect(state.waiting > 1000 && state.records_lost > 0 && state.asked_ns > 0 && state.frames_lost == 1)
      #expect(martlet_now_ns() - began < 1_000_000_000)
      hung.answer()
      recorder.wait(untilNs: martlet_now_ns() + 20_000_000_000)
      recorder.put(30000)
      recorder.wait(untilNs: martlet_now_ns() + 5_000_000_000)
      let after = recorder.state
      #expect(after.records_lost == state.records_lost && after.waiting == 0)
    }
    lines = folder.lines("log")
    let note = try #require(lines.first { $0.contains("records were lost") })
    let told = try #require(try JSONSerialization.jsonObject(with: Data(note.utf8)) as? [String: Any])
    let numbers = lines.compactMap { $0.firstMatch(of: /^\{"decision":(\d+)/).flatMap { Int($0.1) } }
    #expect(numbers == numbers.sorted() && numbers.last == 30000)
    #expect(numbers.count + (told["lost"] as? Int ?? 0) == 20002)
  }

  /// Pieces of any size, in and out in any order of the two ends: none is lost, changed or mixed.
  @Test func theQueueKeepsWhatItHolds() throws {
    let folder = TemporaryFolder()
    var wanted: [String] = []
    do {
      let recorder = try recorder(folder, frameBytes: 0)
      for number in 1...3000 {
        let text = "{\"decision\":\(number),\"x\":\"\(String(repeating: "x", count: Int.random(in: 0...8000)))\"}"
        wanted.append(text)
        Array((text + "\n").utf8).withUnsafeBytes { recorder.put($0) }
        if number % 60 == 0 { recorder.wait(untilNs: martlet_now_ns() + 10_000_000_000) }
      }
      recorder.wait(untilNs: martlet_now_ns() + 10_000_000_000)
      let state = recorder.state
      #expect(state.records_lost == 0)
    }
    #expect(folder.lines("log").dropLast().elementsEqual(wanted))
  }

  @Test func messagesAreHeldBack() {
    var limit = MessageLimit()
    #expect(limit.pass(nowNs: 5) == 0)
    for _ in 0..<10 { #expect(limit.pass(nowNs: 1_000_000_000) == nil) }
    #expect(limit.pass(7, nowNs: 1_000_000_000) == 10)
    #expect(limit.pass(7, nowNs: 60_999_999_999) == nil)
    #expect(limit.pass(7, nowNs: 61_000_000_000) == 1 && limit.takeHeldBack() == 0)
  }
}

/// A file that nobody else can open before it answers, as one on a disk that hangs: it has a lease.
private final class HungFile {
  private let descriptor: Int32

  init(_ path: String) throws {
    // What the kernel tells whoever has a lease that is asked for.
    signal(SIGIO, SIG_IGN)
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0 && fcntl(descriptor, 1024, F_WRLCK) == 0)
  }

  func answer() { _ = fcntl(descriptor, 1024, F_UNLCK) }
  deinit { close(descriptor) }
}
