import CMartletKernels
import CMartletLinux
import CMartletPlatform
import Foundation
import Testing

@testable import MartletDevice

/// The pipeline over picture files: what it writes, and what it answers.
@Suite(.serialized)
struct PipelineTests {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)").path
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func pipeline(_ cameras: String, log: String = "every: decision") throws -> Configuration {
    let text = """
      models: {cifar: {file: \(Self.root)/Models/resnet8-cifar10/resnet8-cifar10.martlet}}
      cameras:
      \(cameras)
      log: {file: \(folder)/log, \(log)}
      status: \(folder)/socket

      """
    let path = folder + "/config.yaml"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let check = try ConfigurationCheck(file: path.permanentPath())
    try #require(check.messages.errorCount == 0, "\(check.messages.text(path: path))")
    return check.configuration
  }

  /// Of decisions; events are beside them.
  private var records: [[String: Any]] { get throws { try lines.filter { $0["event"] == nil } } }

  private var lines: [[String: Any]] {
    get throws {
      try String(contentsOfFile: folder + "/log", encoding: .utf8).split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }
  }

  private let pictures = """
      a:
        pictures: \(root)/Tests/Fixtures/pictures
        model: cifar
        rules: [{name: animals, class: [cat, dog], threshold: 0.5, then: [log]}]
    """

  @Test func everyPictureIsDecidedOnce() throws {
    var running = try Pipeline(try pipeline(pictures))
    running.run()
    let found = try records
    #expect(found.map { $0["decision"] as? Int } == (1...found.count).map { $0 })
    #expect(found.allSatisfy { $0["camera"] as? String == "a" && ($0["scores"] as? [Any])?.count == 5 })
    let fired = found.filter { record in
      (record["rules"] as? [[String: Any]])?.contains { $0["fired"] as? Bool == true } ?? false
    }
    #expect(!fired.isEmpty && fired.count < found.count)
    remove(folder)
  }

  /// What is no decision: start, end, and a summary that adds up.
  @Test func eventsAreRecorded() throws {
    var running = try Pipeline(try pipeline(pictures, log: "every: change"))
    running.run()
    let found = try lines
    #expect(found.first?["event"] as? String == "start" && found.last?["event"] as? String == "stop")
    let summary = try #require(found.first { $0["event"] as? String == "summary" })
    let decided = try #require(summary["decided"] as? Int)
    let classes = try #require(summary["classes"] as? [[String: Any]])
    #expect(classes.reduce(0) { $0 + ($1["count"] as? Int ?? 0) } + (summary["unknown"] as? Int ?? 0) == decided)
    #expect(found.last?["decision"] as? Int == decided && summary["camera"] as? String == "a")
    #expect((summary["capture_to_decision_ms"] as? [String: Any])?["p99"] as? Double ?? 0 > 0)
    // Each that is there differs from the one before it that is not, or is the first.
    let kept = try records
    #expect(kept.count > 1 && kept.count < decided && kept.first?["decision"] as? Int == 1)
    let fired = kept.filter { ($0["rules"] as? [[String: Any]])?.first?["fired"] as? Bool == true }.count
    let rules = try #require(summary["rules"] as? [[String: Any]])
    #expect(rules.first?["fired"] as? Int == fired)
    remove(folder)
  }

  @Test func numbersGoOnAfterARestart() throws {
    for _ in 0..<3 {
      var running = try Pipeline(try pipeline(pictures))
      running.run()
    }
    let numbers = try records.map { $0["decision"] as? Int }
    #expect(numbers.count % 3 == 0 && numbers == (1...numbers.count).map { $0 })
    remove(folder)
  }

  @Test func onlyRecordsOfRulesThatFire() throws {
    var running = try Pipeline(try pipeline(pictures, log: "every: rule"))
    running.run()
    let found = try records
    #expect(!found.isEmpty)
    #expect(
      found.allSatisfy { (($0["rules"] as? [[String: Any]])?.first?["fired"] as? Bool) == true })
    remove(folder)
  }

  @Test func aSecondServiceIsRefused() throws {
    let configuration = try pipeline(pictures)
    // Ended before its folder is removed: a log that is gone is begun anew.
    do {
      var first = try Pipeline(configuration)
      #expect(throws: PipelineError.self) { _ = try Pipeline(configuration) }
      _ = first.turn()
    }
    remove(folder)
  }

  /// The clock counts from the machine's start: the watchdog's time may be longer than that.
  @Test func theMachineHasJustStarted() throws {
    setenv("NOTIFY_SOCKET", folder + "/none", 1)
    setenv("WATCHDOG_USEC", String(martlet_now_ns() / 100), 1)
    defer {
      unsetenv("NOTIFY_SOCKET")
      unsetenv("WATCHDOG_USEC")
    }
    var running = try Pipeline(try pipeline(pictures))
    let goesOn = running.turn()
    #expect(goesOn)
    remove(folder)
  }

  /// What is told of pictures before the first of them was taken.
  @Test func picturesAreNotFinishedBeforeTheyBegin() throws {
    var configuration = CameraConfiguration()
    configuration.source = .pictures("pictures", isRepeated: false)
    let camera = try PipelineCamera(configuration, firstRule: 0, nowNs: 0)
    let state = camera.state
    #expect(state == .streaming)
    configuration.source = .device("/dev/video0")
    let device = try PipelineCamera(configuration, firstRule: 0, nowNs: 0)
    let other = device.state
    #expect(other == .opening)
  }

  /// Strange callers get nothing and hold up nobody; whoever asks gets JSON with what was decided.
  @Test func callersOfTheSocket() throws {
    var running = try Pipeline(
      try pipeline(pictures.replacingOccurrences(of: "model:", with: "repeat: true\n    model:")))
    for _ in 0..<5 { _ = running.turn() }
    let strange: [[UInt8]] = [
      [], Array("GET / HTTP/1.0\r\n\r\n".utf8), [0], Array("json".utf8), Array("jsonjson".utf8),
    ]
    var open: [Int32] = []
    for question in strange {
      let caller = connect()
      try #require(caller >= 0)
      question.withUnsafeBytes { if $0.count > 0 { _ = send(caller, $0.baseAddress, $0.count, 0) } }
      open.append(caller)
    }
    let caller = connect()
    _ = Array("json\n".utf8).withUnsafeBytes { send(caller, $0.baseAddress, 5, 0) }
    var answer: [UInt8] = []
    let limit = Date().addingTimeInterval(5)
    var isAnswered = false
    while !isAnswered, Date() < limit {
      let goesOn = running.turn()
      #expect(goesOn)
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = recv(caller, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      if count > 0 { answer += bytes[..<count] }
      isAnswered = count == 0
    }
    let status = try #require(try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any])
    #expect((status["last_decisions"] as? [Any])?.count ?? 0 > 4)
    let camera = try #require((status["cameras"] as? [[String: Any]])?.first)
    #expect(camera["state"] as? String == "streaming" && camera["decided"] as? Int ?? 0 >= 5)
    for caller in open { close(caller) }
    close(caller)
    remove(folder)
  }

  /// Random bytes, in pieces, with and without an end: the pipeline goes on deciding, and answers the next question.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func randomCallers(seed: UInt64) throws {
    var random = seed
    func next(_ limit: UInt64) -> UInt64 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (random >> 33) % limit
    }
    var running = try Pipeline(
      try pipeline(pictures.replacingOccurrences(of: "model:", with: "repeat: true\n    model:"), log: "every: rule"))
    var open: [Int32] = []
    for _ in 0..<150 {
      let caller = connect()
      try #require(caller >= 0)
      for _ in 0..<next(4) {
        // Often the right letters in the wrong order.
        let bytes = (0..<next(40)).map { _ in next(2) == 0 ? Array("json\ntext".utf8)[Int(next(9))] : UInt8(next(256)) }
        _ = bytes.withUnsafeBytes { send(caller, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) }
      }
      if next(3) == 0 { close(caller) } else { open.append(caller) }
      let goesOn = running.turn()
      #expect(goesOn)
      if open.count > 6 { close(open.removeFirst()) }
    }
    for caller in open { close(caller) }
    for _ in 0..<20 { _ = running.turn() }
    let caller = connect()
    _ = Array("text\n".utf8).withUnsafeBytes { send(caller, $0.baseAddress, 5, 0) }
    for _ in 0..<5 { _ = running.turn() }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(caller, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    #expect(count > 0 && String(decoding: bytes[..<max(0, count)], as: UTF8.self).hasPrefix("martlet "))
    close(caller)
    remove(folder)
  }

  private func connect() -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = UInt16(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      for (index, byte) in (folder + "/socket").utf8.enumerated() { bytes[index] = byte }
    }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return result == 0 ? descriptor : -1
  }
}
