import CMartletLinux
import Foundation
import Testing

@testable import MartletDevice

/// What `martlet check` says of the service is what the unit file says.
@Suite struct ServiceUnitTests {
  /// The values of a key of [Service], of all its lines.
  private func unit(_ key: String) throws -> [String] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Firmware")
    let text = try String(contentsOf: root.appendingPathComponent("martlet.service"), encoding: .utf8)
    return text.split(separator: "\n").filter { $0.hasPrefix(key + "=") }.flatMap {
      $0.dropFirst(key.count + 1).split(separator: " ").map(String.init)
    }
  }

  private func words(_ list: WordList) -> [String] { list.list.components(separatedBy: ", ") }

  @Test func theTableIsTheUnit() throws {
    #expect(try unit("User") == [ServiceUnit.user.text] && unit("Group") == [ServiceUnit.user.text])
    #expect(try unit("SupplementaryGroups") == words(WordList(ServiceUnit.groups)))
    #expect(try unit("ExecStart").last == ServiceUnit.configuration.text)
    // What these two hide is systemd.exec(5)'s.
    #expect(try unit("ProtectHome") == ["yes"] && words(ServiceUnit.homes) == ["/home", "/root", "/run/user"])
    #expect(try unit("PrivateTmp") == ["yes"] && words(ServiceUnit.temporary) == ["/tmp", "/var/tmp"])
    #expect(try unit("ProtectSystem") == ["strict"] && unit("ReadWritePaths") == [])
    let written =
      try unit("StateDirectory").map { "/var/lib/" + $0 } + unit("LogsDirectory").map { "/var/log/" + $0 }
      + unit("RuntimeDirectory").map { "/run/" + $0 }
    // Folders inside of others say nothing more.
    let outer = written.filter { own in !written.contains { own.hasPrefix($0 + "/") } }
    #expect(outer == words(ServiceUnit.written))
    #expect(try unit("RuntimeDirectory").map { "/run/" + $0 } == [ServiceUnit.runtime.text])
    #expect(try unit("ReadOnlyPaths") == words(ServiceUnit.readOnly).map { "-" + $0 })
    for key in ["InaccessiblePaths", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem", "RootDirectory"] {
      #expect(try unit(key) == [], "the table does not know \(key)")
    }
  }

  @Test(arguments: [
    ("/" + "home/pi/a.martlet", false, "ProtectHome="), ("/root", false, "ProtectHome="),
    ("/tmp/a", true, "PrivateTmp="),
    ("/var/tmp", false, "PrivateTmp="), ("/srv/log", true, "ProtectSystem="),
    ("/var/lib/martlet/models/log", true, "ReadOnlyPaths="),
  ]) func obstacles(path: String, isWritten: Bool, setting: String) throws {
    let told = try #require(ServiceUnit.obstacle(path, isWritten: isWritten)).text
    #expect(told.hasSuffix("(\(setting))"), "\(told)")
  }

  @Test(arguments: [
    ("/homes/a", false), ("/srv/log", false), ("/var/log/martlet", true), ("/var/lib/martlet/frames", true),
    ("/run/martlet/s", true), ("/var/lib/martlet/models/a", false), ("/etc/martlet/martlet.yaml", false),
  ]) func isReached(path: String, isWritten: Bool) {
    #expect(ServiceUnit.obstacle(path, isWritten: isWritten) == nil)
  }

  @Test func aConfigurationForTheService() throws {
    let folder = TemporaryFolder()
    folder.write("net.martlet", [])
    let text = """
      models: {net: {file: \(folder.file("net.martlet"))}}
      cameras: {c: {pictures: /home, model: net, rules: []}}
      log: {file: /srv/martlet.log}
      status: /run/martlet/s
      """
    folder.write("c.yaml", Array(text.utf8))
    let path = folder.file("c.yaml").permanentPath()
    func warnings(_ isForService: Bool) throws -> [String] {
      let check = try ConfigurationCheck(file: path, looksAround: true, isForService: isForService)
      return check.messages.list.filter { $0.isWarning && $0.sentence.contains("martlet.service") }.map {
        "\($0.line):\($0.column): \($0.sentence)"
      }
    }
    #expect(try warnings(false) == [])
    let hint = "another place, or a drop-in (systemctl edit martlet)"
    let temporary = "martlet.service has a /tmp and a /var/tmp of its own (PrivateTmp=): " + hint
    #expect(
      try warnings(true) == [
        "1:1: \(path.text): " + temporary, "1:22: \(folder.file("net.martlet")): " + temporary,
        "2:25: /home: martlet.service does not see the homes of people (ProtectHome=): " + hint,
        "3:13: /srv/: martlet.service may not write there (ProtectSystem=): " + hint,
      ])
  }

  /// The bits along the way, for somebody who owns nothing here.
  @Test func permissionBits() throws {
    let folder = TemporaryFolder()
    folder.write("a", [])
    var user = martlet_user()
    user.id = 54321
    user.groups.0 = 54322
    user.group_count = 1
    func refuses(_ mode: Int, _ folderMode: Int, isWritten: Bool = false) throws -> String? {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.file("a"))
      try FileManager.default.setAttributes([.posixPermissions: folderMode], ofItemAtPath: folder.path)
      var place = [CChar](repeating: 0, count: 1024)
      if martlet_user_may(&user, folder.file("a"), isWritten, &place, place.count) { return nil }
      return String(cString: place)
    }
    #expect(try refuses(0o644, 0o755) == nil && refuses(0o646, 0o755, isWritten: true) == nil)
    #expect(try refuses(0o640, 0o755) == folder.file("a"))
    #expect(try refuses(0o644, 0o755, isWritten: true) == folder.file("a"))
    #expect(try refuses(0o644, 0o750) == folder.path)
    // Its own: the bits of others do not count.
    user.id = UInt32(getuid())
    #expect(try refuses(0o044, 0o755) == folder.file("a") && refuses(0o400, 0o700) == nil)
    user.id = 54321
    user.groups.0 = UInt32(getgid())
    #expect(try refuses(0o604, 0o755) == folder.file("a") && refuses(0o040, 0o750) == nil)
    #expect(try refuses(0o644, 0o755) == nil)
    #expect(martlet_user_find("root", "video no-such-group gpio", &user) && user.id == 0 && user.group_count >= 1)
    #expect(!martlet_user_find("no-such-user", "", &user))
  }
}
