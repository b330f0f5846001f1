import CMartletLinux
import Foundation
import Testing

@testable import MartletDevice

private func record(_ number: Int, padding: Int = 20) -> [UInt8] {
  Array("{\"decision\":\(number),\"x\":\"\(String(repeating: "x", count: padding))\"}\n".utf8)
}

private func configuration(
  _ file: String, maxBytes: UInt64 = 1 << 20, keep: Int = 3, sync: LogConfiguration.Sync = .second
) -> LogConfiguration {
  var log = LogConfiguration()
  log.file = file
  log.maxBytes = maxBytes
  log.keep = keep
  log.sync = sync
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

  @Test func aFileThatSomebodyRemovedIsMadeAnew() throws {
    let folder = TemporaryFolder()
    var log = try require(DecisionLog(configuration(folder.file("log"), maxBytes: 1000, keep: 2)))
    #expect(isWritten(log.append(record(1))))
    unlink(folder.file("log"))
    for number in 2...100 { #expect(isWritten(log.append(record(number)))) }
    #expect(folder.read("log").suffix(record(100).count) == record(100)[...])
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
