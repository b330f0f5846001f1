import CMartletLinux
import CMartletPlatform
import Foundation
import Synchronization
import Testing

@testable import MartletDevice

/// A pipeline in a thread of its own.
private final class Service: Sendable {
  private let configuration: Configuration
  private let isEnding = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)
  private let failure = Mutex<String?>(nil)

  init(_ configuration: Configuration) { self.configuration = configuration }

  func run() {
    do {
      var running = try Pipeline(configuration)
      running.begin()
      while !isEnding.load(ordering: .relaxed), running.turn() {}
    } catch {
      failure.withLock { $0 = error.sentence }
    }
    ended.signal()
  }

  func end() {
    isEnding.store(true, ordering: .relaxed)
    ended.wait()
  }

  var problem: String? { failure.withLock { $0 } }
}

/// New models and rules while the service runs, and models whose files are written over.
@Suite(.serialized)
struct ReloadTests {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)").path
  private static let resnet = PipelineTests.root + "/Models/resnet8-cifar10/resnet8-cifar10.martlet"
  private static let mobilenet = PipelineTests.root + "/Models/efficientnet-lite0/efficientnet-lite0.martlet"

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Self.resnet, toPath: folder + "/model.martlet")
  }

  private func write(_ rule: String, model: String = "model.martlet", more: String = "", trigger: String = "20ms")
    throws
  {
    let text = """
      models: {cifar: {file: \(folder)/\(model)}}
      cameras:
        a:
          pictures: \(PipelineTests.root)/Tests/Fixtures/pictures
          repeat: true
          trigger: {every: \(trigger)}
          model: cifar
          rules: [\(rule)]
      log: {file: \(folder)/log, every: decision}
      status: \(folder)/socket
      \(more)
      """
    try text.write(toFile: folder + "/config.yaml", atomically: true, encoding: .utf8)
  }

  private static let animals = "{name: animals, class: [cat, dog], threshold: 0.5, then: [log]}"

  /// What the service answers; it runs beside.
  private func reload() -> String {
    let answer = UnsafeMutablePointer<CChar>.allocate(capacity: 1 << 16)
    defer { answer.deallocate() }
    var count = 0
    let code = martlet_status_ask(folder + "/socket", "reload\n", 60, answer, 1 << 16, &count)
    guard code == 0 else { return "error \(code)" }
    return String(decoding: UnsafeRawBufferPointer(start: answer, count: count), as: UTF8.self)
  }

  private var records: [[String: Any]] {
    get throws {
      // Of the last line only a part may be seen yet.
      let text = try String(contentsOfFile: folder + "/log", encoding: .utf8)
      return try text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }
  }

  private func rules(_ record: [String: Any]) -> [String] {
    (record["rules"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
  }

  /// The service in a thread of its own, while `body` runs.
  private func whileRunning(_ body: () throws -> Void) throws {
    let check = try ConfigurationCheck(file: (folder + "/config.yaml").permanentPath())
    try #require(check.messages.errorCount == 0, "\(check.messages.text(path: folder))")
    let configuration = check.configuration
    let service = Service(configuration)
    let thread = Thread { service.run() }
    thread.stackSize = 1 << 20
    thread.start()
    do {
      defer { service.end() }
      try until { FileManager.default.fileExists(atPath: folder + "/log") }
      try body()
    }
    #expect(service.problem == nil)
    remove(folder)
  }

  private func until(_ isTrue: () throws -> Bool) throws {
    let end = Date().addingTimeInterval(20)
    while Date() < end {
      if try isTrue() { return }
      usleep(20000)
    }
    Issue.record("not within 20 s")
  }

  private func decisions() throws -> [Int] { try decided.compactMap { $0["decision"] as? Int } }
  private var decided: [[String: Any]] { get throws { try records.filter { $0["event"] == nil } } }

  @Test func otherRulesAndAnotherModel() throws {
    try write(Self.animals)
    try whileRunning {
      try until { try decisions().count > 3 }
      try write("{name: planes, class: airplane, threshold: 0.5, then: [log]}")
      #expect(reload().hasPrefix("0 "))
      let after = try decisions().count
      try until { try decisions().count > after + 3 }
      let found = try decided
      #expect(rules(found[0]) == ["animals"] && rules(found[found.count - 1]) == ["planes"])
      // A larger model with other classes, by a renamed file.
      try FileManager.default.copyItem(atPath: Self.mobilenet, toPath: folder + "/next.martlet")
      #expect(rename(folder + "/next.martlet", folder + "/model.martlet") == 0)
      try write("{name: birds, class: [goldfinch], threshold: 0.5, then: [log]}")
      #expect(reload().hasPrefix("0 "))
      let later = try decisions().count
      try until { try decisions().count > later + 3 }
      let last = try decided
      #expect(rules(last[last.count - 1]) == ["birds"])
      #expect(last[0]["hash"] as? String != last[last.count - 1]["hash"] as? String)
      let numbers = try decisions()
      #expect(numbers == Array(1...numbers.count))
    }
  }

  /// All or nothing: what is wrong, and what would need a restart, changes nothing.
  @Test(arguments: [
    ("{name: x, class: nonsense, threshold: 0.5, then: [log]}", "", "20ms", "no class"),
    (animals, "frames: {folder: /tmp}", "20ms", "frames"), (animals, "", "30ms", "camera a: trigger"),
    ("{name: x, class: cat, threshold: 0.5, then: [fly]}", "", "20ms", "fly"),
  ])
  func whatCannotBeTakenChangesNothing(_ rule: String, _ more: String, _ trigger: String, _ reason: String) throws {
    try write(Self.animals)
    try whileRunning {
      try until { try decisions().count > 3 }
      try write(rule, more: more, trigger: trigger)
      let answer = reload()
      #expect((answer.hasPrefix("78 ") || answer.hasPrefix("65 ")) && answer.contains(reason), "\(answer)")
      let after = try decisions().count
      try until { try decisions().count > after + 3 }
      let found = try decided
      #expect(rules(found[found.count - 1]) == ["animals"])
    }
  }

  /// Half a file that arrives in place: nothing is decided from the first byte on, and all goes on when it is whole.
  @Test func aModelThatIsWrittenOver() throws {
    try write(Self.animals)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Self.resnet))
    try whileRunning {
      try until { try decisions().count > 3 }
      // Of the same length: shorter, it would end the process as it should.
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: folder + "/model.martlet"))
      try file.seek(toOffset: UInt64(bytes.count / 2))
      try file.write(contentsOf: Data(repeating: 0x55, count: 1000))
      try file.synchronize()
      usleep(100_000)
      let before = try decisions().count
      usleep(500_000)
      #expect(try decisions().count == before)
      try file.seek(toOffset: UInt64(bytes.count / 2))
      try file.write(contentsOf: bytes[(bytes.count / 2)..<(bytes.count / 2 + 1000)])
      try file.close()
      try until { try decisions().count > before + 3 }
      #expect(Set(try decided.compactMap { $0["hash"] as? String }).count == 1)
    }
  }
}
