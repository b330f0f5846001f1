import CMartletLinux
import Foundation
import Testing

@testable import MartletDevice

private func record(_ number: Int, padding: Int = 20) -> [UInt8] {
  Array("{\"decision\":\(number),\"x\":\"\(String(repeating: "x", count: padding))\"}\n".utf8)
}

private func configuration(
  _ file: String, maxBytes: UInt64 = 1 << 20, keep: Int = 3, sync: LogConfiguration.Sync = .second,
  maxAgeNs: UInt64 = 0
) -> LogConfiguration {
  var log = LogConfiguration()
  log.file = file
  log.maxBytes = maxBytes
  log.keep = keep
  log.sync = sync
  log.maxAgeNs = maxAgeNs
  return log
}

extension DecisionLog {
  mutating func append(_ bytes: [UInt8]) -> Outcome { bytes.withUnsafeBytes { append($0) } }
}

private func isWritten(_ outcome: DecisionLog.Outcome) -> Bool {
  if case .written = outcome { return true }
  return false
}

@Suite struct DecisionLogTests {
  @Test(arguments: [LogConfiguration.Sync.each, .second, .no]) func rotates(sync: LogConfiguration.Sync) throws {
    let folder = TemporaryFolder()
    var log = try require(DecisionLog(configuration(folder.file("log"), maxBytes: 1000, keep: 2, sync: sync)))
    #expect(log.openError == 0 && log.lastDecision == 0)
    for number in 1...100 { #expect(isWritten(log.append(record(number)))) }
    #expect(folder.names == ["log", "log.1", "log.2"])
    var kept: [UInt8] = []
    for name in ["log.2", "log.1", "log"] {
      #expect(folder.read(name).count <= 1000)
      kept += folder.read(name)
    }
    let first = 100 - kept.split(separator: 10).count + 1
    #expect(first > 1 && kept == (first...100).flatMap { record($0) })
  }

  @Test func withoutOldFilesItBeginsAnew() throws {
    let folder = TemporaryFolder()
    var log = try require(DecisionLog(configuration(folder.file("log"), maxBytes: 1000, keep: 0)))
    for number in 1...100 { #expect(isWritten(log.append(record(number)))) }
    #expect(folder.names == ["log"] && folder.read("log").count <= 1000)
    #expect(folder.read("log").suffix(record(100).count) == record(100)[...])
  }

  /// What does not begin as a log does is somebody else's, and stays as it is: also where a rotation would put a file.
  @Test(arguments: [
    "a,b\n1,2", "MARTLET\0model", "{\"a\":1}\n", "{\"decision\":x", "{\"event\":\"click\",\"x\":1}\n", "\n",
    "{\"log\":\"something else\"}\n", " {\"decision\":1}\n",
  ])
  func somebodyElsesFile(_ content: String) throws {
    let folder = TemporaryFolder()
    folder.write("log", Array(content.utf8))
    do {
      var log = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(log.openError == Int32(MARTLET_LOG_FOREIGN) && martlet_log_look(folder.file("log")) == log.openError)
      guard case .lost(let code, _) = log.append(record(1)) else { throw NothingThere() }
      #expect(code == Int32(MARTLET_LOG_FOREIGN))
    }
    #expect(folder.read("log") == Array(content.utf8) && folder.names == ["log"])
    folder.write("other.2", Array(content.utf8))
    do {
      var log = try require(DecisionLog(configuration(folder.file("other"), maxBytes: 1000, keep: 2)))
      for number in 1...20 { #expect(isWritten(log.append(record(number)))) }
      guard case .lost = log.append(record(21, padding: 1900)) else { throw NothingThere() }
    }
    #expect(folder.read("other.2") == Array(content.utf8) && folder.names == ["log", "other", "other.2"])
  }

  /// What a log of this version or the one before can begin with, whole or torn, is none.
  @Test(arguments: [
    "", "{", "{\"deci", "{\"decision\":12,\"camera\":\"a\"}\n", "{\"event\":\"camera-lost\",\"decision\":0,\"time\"",
    "{\"event\":\"sta", "{\"log\":\"records were lost\",\"lost\":3,\"reason\":\"x\"}\n",
    "{\"log\":\"a torn end was cut off\",\"bytes\":3}\n", "{\"dec\0\0\0\0", "\0\0\0",
  ])
  func aLogOfOurs(_ content: String) throws {
    let folder = TemporaryFolder()
    folder.write("log", Array(content.utf8))
    #expect(martlet_log_look(folder.file("log")) == 0)
    var log = try require(DecisionLog(configuration(folder.file("log"))))
    #expect(log.openError == 0 && isWritten(log.append(record(13))))
  }

  @Test func aFileThatSomebodyRemovedOrMovedIsMadeAnew() throws {
    let folder = TemporaryFolder()
    var log = try require(DecisionLog(configuration(folder.file("log"))))
    #expect(isWritten(log.append(record(1))))
    unlink(folder.file("log"))
    usleep(1_050_000)
    #expect(isWritten(log.append(record(2))) && folder.read("log") == record(2))
    rename(folder.file("log"), folder.file("log.old"))
    folder.write("log", [])
    usleep(1_050_000)
    #expect(isWritten(log.append(record(3))))
    #expect(folder.read("log") == record(3) && folder.read("log.old") == record(2))
    // Cut in its place: what it can hold is counted anew.
    truncate(folder.file("log"), 0)
    usleep(1_050_000)
    #expect(isWritten(log.append(record(4))) && folder.read("log") == record(4))
    // Another one's file in its place.
    rename(folder.file("log"), folder.file("log.old"))
    folder.write("log", Array("a,b\n".utf8))
    usleep(1_050_000)
    guard case .lost = log.append(record(5)) else { throw NothingThere() }
    #expect(folder.read("log") == Array("a,b\n".utf8))
  }

  @Test func numbersGoOnBehindEvents() throws {
    let folder = TemporaryFolder()
    let events = [("start", 3), ("camera-lost", 7), ("stop", 12)].map {
      "{\"event\":\"\($0.0)\",\"decision\":\($0.1),\"time\":\"2026-11-27T23:20:22.123456Z\"}\n"
    }
    folder.write("log", Array(events.joined().utf8) + record(5))
    do {
      let opened = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(opened.lastDecision == 12)
    }
    folder.write("log", Array("{\"event\":\"x\",\"y\":1,\"decision\":99,\"z\":2}\n".utf8))
    do {
      let opened = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(opened.lastDecision == 0)
    }
  }

  /// A day in each of three old files and the current one.
  @Test func oldRecordsGo() throws {
    let folder = TemporaryFolder()
    let day: UInt64 = 86_400_000_000_000
    let told = configuration(folder.file("log"), maxAgeNs: 4 * day)
    func dated(_ number: Int, hoursAgo: Double) -> [UInt8] {
      var text = [CChar](repeating: 0, count: 28)
      _ = martlet_wall_time_text(martlet_wall_time_us() - UInt64(hoursAgo * 3.6e9), &text)
      let time = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return Array("{\"decision\":\(number),\"time\":\"\(time)\"}\n".utf8)
    }
    func age(_ name: String, hours: Double) {
      let then = Date().addingTimeInterval(-hours * 3600)
      try! FileManager.default.setAttributes([.modificationDate: then], ofItemAtPath: folder.file(name))
    }
    folder.write("log.3", dated(1, hoursAgo: 120))
    folder.write("log.2", dated(2, hoursAgo: 90))
    folder.write("log.1", dated(3, hoursAgo: 60))
    age("log.3", hours: 97)
    age("log.2", hours: 70)
    age("log.1", hours: 40)
    folder.write("log", dated(4, hoursAgo: 25))
    do {
      var log = try require(DecisionLog(told))
      #expect(isWritten(log.append(dated(5, hoursAgo: 0))))
    }
    #expect(folder.names == ["log", "log.1", "log.2", "log.3"])
    #expect(folder.lines("log").count == 2 && folder.lines("log.1")[0].hasPrefix("{\"decision\":4,"))
    #expect(folder.lines("log.3")[0].hasPrefix("{\"decision\":2,"))
    age("log.3", hours: 97)
    folder.write("log.2", Array("a,b\n".utf8))
    age("log.2", hours: 1000)
    do {
      var log = try require(DecisionLog(told))
      #expect(isWritten(log.append(dated(6, hoursAgo: 0))))
    }
    // Somebody else's stays.
    #expect(folder.names == ["log", "log.1", "log.2"] && folder.lines("log").count == 3)
  }

  /// A power cut leaves any prefix of the file, and behind it zeros or nothing.
  @Test func repairsWhatAPowerCutLeaves() throws {
    let whole = (1...50).flatMap { record($0, padding: $0) }
    for _ in 0..<300 {
      let folder = TemporaryFolder()
      let cut = Int.random(in: 0...whole.count)
      let zeros = [0, 0, 1, 100, 5000, 70000].randomElement()!
      folder.write("log", Array(whole[..<cut]) + [UInt8](repeating: 0, count: zeros))
      let end = (whole[..<cut].lastIndex(of: 10) ?? -1) + 1
      let count = whole[..<end].count { $0 == 10 }
      do {
        var log = try require(DecisionLog(configuration(folder.file("log"))))
        #expect(log.openError == 0 && log.cutBytes == UInt64(cut - end + zeros) && log.lastDecision == UInt64(count))
        #expect(isWritten(log.append(record(count + 1))))
      }
      var lines = folder.lines("log")
      #expect(lines.removeLast() == "")
      if cut - end + zeros > 0 {
        #expect(lines.remove(at: count) == "{\"log\":\"a torn end was cut off\",\"bytes\":\(cut - end + zeros)}")
      }
      #expect(lines.count == count + 1)
      for (index, line) in lines.enumerated() { #expect(line.hasPrefix("{\"decision\":\(index + 1),")) }
    }
  }

  @Test func zerosBeyondTheWindowAndInTheMiddle() throws {
    let folder = TemporaryFolder()
    folder.write("log", record(1) + record(2) + [UInt8](repeating: 0, count: 5 << 20))
    do {
      let opened = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(opened.lastDecision == 2)
    }
    #expect(folder.read("log").starts(with: record(1) + record(2) + Array("{\"log\"".utf8)))
    folder.write("log", record(1) + [0, 0, 0, 10] + record(3))
    do {
      let opened = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(opened.lastDecision == 1)
    }
    #expect(!folder.read("log").contains(0))
  }

  @Test func numbersGoOnBehindARotation() throws {
    let folder = TemporaryFolder()
    folder.write("log.1", record(41) + record(42))
    folder.write("log", [])
    do {
      let opened = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(opened.lastDecision == 42)
    }
  }

  @Test func onlyOneMayWrite() throws {
    let folder = TemporaryFolder()
    let first = try require(DecisionLog(configuration(folder.file("log"))))
    do {
      let opened = try require(DecisionLog(configuration(folder.file("log"))))
      #expect(opened.openError == EBUSY)
    }
    #expect(first.openError == 0)
  }

  @Test func aFolderThatComesLater() async throws {
    let folder = TemporaryFolder()
    var log = try require(DecisionLog(configuration(folder.file("later/log"))))
    #expect(log.openError == ENOENT)
    for _ in 0..<3 {
      guard case .lost(let code, let isNew) = log.append(record(1)) else { throw NothingThere() }
      #expect(code == ENOENT && !isNew)
    }
    try FileManager.default.createDirectory(atPath: folder.file("later"), withIntermediateDirectories: true)
    usleep(1_100_000)
    guard case .recovered(let lost) = log.append(record(4)) else { throw NothingThere() }
    #expect(lost == 3 && log.lostCount == 3)
    let lines = folder.lines("later/log")
    #expect(lines[0] == "{\"log\":\"records were lost\",\"lost\":3,\"reason\":\"No such file or directory\"}")
    #expect(lines[1].hasPrefix("{\"decision\":4,") && lines.count == 3)
  }

  /// A file system of 64 KB: needs root, as in the virtual device; elsewhere there is nothing to mount.
  @Test(.enabled(if: geteuid() == 0)) func aFullDisk() throws {
    let folder = TemporaryFolder()
    guard shell("mount -t tmpfs -o size=64k tmpfs \(folder.path)") else { return }
    defer { _ = shell("umount -l \(folder.path)") }
    var log = try require(DecisionLog(configuration(folder.file("log"), sync: .no)))
    folder.write("other", [UInt8](repeating: 1, count: 40000))
    var lost = 0
    var told = 0
    for number in 1...300 {
      if case .lost(let code, let isNew) = log.append(record(number, padding: 100)) {
        #expect(code == ENOSPC)
        lost += 1
        told += isNew ? 1 : 0
      }
    }
    #expect(lost > 0 && told == 1 && log.lostCount == UInt64(lost))
    #expect(folder.read("log").last == 10)
    try FileManager.default.removeItem(atPath: folder.file("other"))
    guard case .recovered(let count) = log.append(record(301)) else { throw NothingThere() }
    #expect(count == UInt64(lost))
    for line in folder.lines("log").dropLast() {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }
}

func shell(_ command: String) -> Bool {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", command + " 2>/dev/null"]
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}
