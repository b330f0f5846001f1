import Foundation
import Testing

@testable import MartletDevice

private func read(_ text: String, checksFiles: Bool = false) -> (Configuration, [String]) {
  let (told, messages) = Array(text.utf8).withUnsafeBytes {
    Configuration.read($0, path: "/etc/m/c.yaml", checksFiles: checksFiles)
  }
  return (told, messages.list.map { "\($0.line):\($0.column): " + ($0.isWarning ? "warning: " : "") + $0.sentence })
}

private let head = """
  models: {net: {file: net.martlet}}
  lines: {gate: {line: chip:3, direction: output}, eye: {line: eye, direction: input}}
  log: {file: log}
  frames: {folder: frames}

  """

/// What is wrong with a camera, its lines counted from 1.
private func camera(_ text: String) -> [String] {
  let shift = 6
  let body = text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n")
  return read(head + "cameras:\n  belt:\n" + body).1.filter { !$0.contains("warning") }.map {
    let parts = $0.split(separator: ":", maxSplits: 2)
    return "\(Int(parts[0])! - shift):\(Int(parts[1])! - 4):\(parts[2])"
  }
}

private let source = "device: /dev/video0\nmodel: net\n"
private func rule(_ text: String) -> [String] { camera(source + "unknown-below: 0.1\nrules:\n  - {\(text)}") }

@Suite struct ConfigurationTests {
  @Test func theExampleIsRead() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Firmware")
    let text = try String(contentsOf: root.appendingPathComponent("martlet.yaml"), encoding: .utf8)
    let (told, messages) = read(text)
    #expect(messages == [])
    #expect(told.models.count == 1 && told.models[0].file == "/var/lib/martlet/models/parts.martlet")
    #expect(told.lines.map { $0.name } == ["gate", "lamp", "sensor"])
    #expect(told.lines[0].chip == "gpiochip0" && told.lines[0].offset == 17 && told.lines[0].isActiveLow)
    let sensor = told.lines[2]
    #expect(sensor.chip == nil && sensor.lineName == "reject-sensor" && sensor.debounceNs == 5_000_000)
    #expect(sensor.bias == .pullUp && sensor.edge == .rising && sensor.direction == .input)
    let camera = try #require(told.cameras.first)
    guard case .device("/dev/video0") = camera.source, case .line(2, 20_000_000) = camera.trigger else {
      Issue.record("\(camera.source), \(camera.trigger)")
      return
    }
    #expect(camera.width == 1280 && camera.height == 720 && camera.rate == 30 && camera.format == nil)
    #expect(camera.region?.x == 100 && camera.region?.height == 480 && camera.timeoutNs == 2_000_000_000)
    #expect(camera.controls.count == 1 && camera.controls[0].value == "20" && camera.resize == .crop)
    #expect(camera.unknownBelow == 0.3 && camera.rules.count == 2)
    let rule = camera.rules[0]
    #expect(rule.classes.map { $0.name } == ["scratch", "dent"] && !rule.includesUnknown)
    #expect(rule.threshold == 0.8 && rule.release == 0.6 && rule.votes == 3 && rule.window == 5 && rule.fire == .always)
    guard case .pulse(0, 50_000_000, 120_000_000) = rule.actions[0].kind, case .save = rule.actions[1].kind,
      case .log = rule.actions[2].kind, case .set(1) = camera.rules[1].actions[0].kind
    else {
      Issue.record("\(rule.actions)")
      return
    }
    #expect(camera.rules[1].includesUnknown && camera.rules[1].classes.isEmpty)
    #expect(told.log?.maxBytes == 10_000_000 && told.frames?.maxBytes == 200_000_000)
    #expect(told.status == "/run/martlet/status.sock")
  }

  @Test func relativePathsBeginInItsFolder() {
    let (told, _) = read(head)
    #expect(told.models[0].file == "/etc/m/net.martlet" && told.frames?.folder == "/etc/m/frames")
  }

  @Test(arguments: [
    ("a: [", "1:4: not YAML: this is not closed, or a comma is missing behind it; noticed in line 2"),
    ("a: &x 1", "1:4: anchors and aliases (& and *) are not read: write the value out"),
    ("a: *x", "1:4: anchors and aliases (& and *) are not read: write the value out"),
    ("a: !path x", "1:4: tags (!) are not read: leave it out"),
    ("a: 1\n---\nb: 1", "2:1: a second document begins here: one is allowed"),
    ("? [a]\n: 1", "1:3: a key must be a plain word"),
    ("a: \"\\0\"", "1:4: a text with a zero byte"),
    (String(repeating: "[", count: 17), "1:17: too deep: at most 16 levels"),
    ("a: [" + String(repeating: "x,", count: 4100) + "]", "1:8191: too much: a configuration has at most 4096 values"),
    (String(repeating: "#", count: 300_000), "1:1: too large: a configuration has at most 256 KiB"),
    (
      "",
      "1:1: there is nothing in it: a configuration is a mapping with the keys models, lines, cameras, log, frames,"
        + " status"
    ),
    ("[]", "1:1: a configuration is a mapping with the keys models, lines, cameras, log, frames, status"),
  ]) func isNoConfiguration(text: String, message: String) {
    #expect(read(text).1 == [message])
  }

  @Test func everyErrorIsFoundInItsOrder() {
    let (_, messages) = read(
      """
      cameras: {a: {device: /dev/video0, modle: x, rules: 7}}
      models: {x: {file: "", threads: 0}}
      log: {max-size: 10}
      cameras: 1
      status: /\(String(repeating: "x", count: 107))
      """)
    #expect(
      messages == [
        "1:11: camera \"a\": model is missing",
        "1:36: a camera: there is no key \"modle\"; did you mean \"model\"?",
        "1:53: rules: \"7\": must be a list of rules, each behind a dash: - name: ...",
        "2:10: warning: no camera uses the model \"x\"",
        "2:20: file: \"\": must be a text of 1 to 1023 bytes without control characters",
        "2:33: threads: \"0\": must be a whole number from 1 to 64",
        "3:6: log: file is missing: a path, or - for standard output",
        "3:17: max-size: \"10\": must be a size with its unit from 64KiB to 64GiB, like 10MB (kB,"
          + " MB, GB, KiB, MiB, GiB)",
        "4:1: the key \"cameras\" is there twice",
        "5:9: status: \"/\(String(repeating: "x", count: 59))...\": must be a path of at most 107"
          + " bytes, which is what a "
          + "socket can have",
      ])
  }

  @Test func cameras() {
    #expect(camera(source) == [])
    #expect(
      camera("device: /dev/video0\nname: x\nmodel: net")
        == ["2:1: name: one of device, bus, serial, name and pictures is enough"])
    for key in ["rate: 5", "region: 0,0,4,4", "rotate: 90", "mirror: true", "timeout: 1s"] {
      let name = key.prefix { $0 != ":" }
      #expect(
        camera("pictures: x\nmodel: net\n" + key) == ["3:1: \(name): only a device has it, and pictures are none"])
    }
    #expect(camera(source + "repeat: yes") == ["3:1: repeat: only pictures can be repeated"])
    #expect(camera(source + "size: 12") == ["3:7: size: \"12\": must be a width and height in pixels, like 1280x720"])
    #expect(camera(source + "size: 0x5") == ["3:7: size: \"0x5\": must be at least 1x1"])
    #expect(camera(source + "size: 70000x5").count == 1)
    #expect(camera(source + "size: 640x480\nregion: 600,0,41,480").count == 1)
    #expect(camera(source + "size: 640x480\nregion: 600,0,40,480") == [])
    #expect(camera(source + "region: 1,2,3").count == 1)
    #expect(camera(source + "rotate: 45") == ["3:9: rotate: \"45\": must be one of 0, 90, 180, 270"])
    #expect(camera(source + "mirror: maybe") == ["3:9: mirror: \"maybe\": must be true or false"])
    #expect(camera(source + "format: YUYVX").count == 1)
    for (format, isConverted) in [("YVYU", true), ("NV12", false), ("auto", false)] {
      let text = "cameras: {belt: {device: /dev/video0, model: net, rules: [], format: \(format)}}"
      let told = read(head + text).1.filter { $0.contains("format") }
      #expect(told.count == (isConverted ? 1 : 0))
      if isConverted { #expect(told[0].contains("warning: format: \"\(format)\" needs libv4lconvert")) }
    }
    #expect(read(head + "cameras: {belt: {device: /dev/video0, model: net, rules: []}}").0.cameras[0].format == nil)
    #expect(camera(source + "controls: {gain: 5, hflip: on, auto_exposure: Manual Mode}") == [])
    #expect(
      camera(source + "controls: {gain: \"\"}")
        == ["3:18: gain: \"\": must be a number, on or off, or the name of a menu's entry"])
    #expect(
      camera(source + "timeout: 2")
        == ["3:10: timeout: \"2\": must be a time with its unit from 100ms to 1h, like 50ms (us, ms, s, min, h)"])
    #expect(camera(source + "timeout: 1.5 min") == [])
    #expect(camera(source + "timeout: 99999999999999h").count == 1)
    #expect(
      camera(source + "trigger: {line: gate}")
        == ["3:17: line: \"gate\": must be an input; this line is an output"])
    #expect(camera(source + "trigger: {line: eye, delay: 2ms}") == [])
    #expect(
      camera(source + "trigger: {every: 1s, delay: 2ms}")
        == ["3:22: delay: only with a line: it counts from the line's edge"])
    #expect(camera(source + "trigger: fames").count == 1)
    #expect(
      camera("device: /dev/video0\nmodel: nett")
        == ["2:8: model: there is no model \"nett\"; did you mean \"net\"?"])
  }

  @Test func rules() {
    #expect(rule("name: a, class: x, threshold: .5, then: [log]") == [])
    #expect(rule("name: a, class: unknown, then: [save]") == [])
    #expect(rule("class: x, threshold: 1") == ["5:5: a rule needs name", "5:5: a rule needs then"])
    #expect(rule("name: a, class: unknown, threshold: 1, then: [save]").count == 1)
    #expect(rule("name: a, class: [], threshold: 1, then: [save]").count == 1)
    #expect(
      rule("name: a, class: x, threshold: 0.5, release: 0.6, then: [log]")
        == ["5:50: release: \"0.6\": must be at most the threshold, \"0.5\""])
    for votes in ["3 of 2", "0 of 1", "1 of 65", "of 3", "3 of", "3", "3 of 5 of 7", "-1 of 3"] {
      #expect(rule("name: a, class: x, threshold: 1, votes: \(votes), then: [log]").count == 1, "\(votes)")
    }
    #expect(rule("name: a, class: x, threshold: 1, votes: 64 of 64, then: [log]") == [])
    #expect(rule("name: a, class: x, threshold: 1, then: log").count == 1)
    #expect(rule("name: a, class: x, threshold: 1, then: [beep]").count == 1)
    #expect(
      rule("name: a, class: x, threshold: 1, then: [{pulse: gate}]")
        == ["5:46: a pulse needs for: how long it is, like 50ms"])
    #expect(
      rule("name: a, class: x, threshold: 1, then: [{pulse: gate, for: 5ms}, {set: gate}]")
        == ["5:77: set: \"gate\": must be a line that no rule pulses"])
    let safe = read(
      "models: {net: {file: n}}\nlines: {up: {line: x, direction: output, safe: active}}\ncameras: {c: {device: /dev/v,"
        + " model: net, rules: [{name: a, class: x, threshold: 1, then: [{pulse: up, for: 5ms}]}]}}"
    ).1
    #expect(safe.contains { $0.hasSuffix("pulse: \"up\": must be a line that is inactive when safe") }, "\(safe)")
    #expect(
      rule("name: a, class: x, threshold: 1, then: [{set: eye}]")
        == ["5:52: set: \"eye\": must be an output; this line is an input"])
    #expect(rule("name: a, class: x, threshold: 1, then: [{set: gate, for: 5ms}]").count == 1)
  }

  /// One message is one line, whatever somebody may have meant.
  @Test func suggestionsHaveNoControlCharacters() {
    let text =
      "models: {net: {file: n}}\nlines: {\"e\\tye\": {line: x, direction: input}}\n"
      + "cameras: {belt: {device: /dev/video0, trigger: {line: eye}, model: net, rules: []}}\n"
    let messages = read(text).1
    #expect(messages.contains { $0.hasSuffix(#"there is no line "eye"; did you mean "e\x09ye"?"#) }, "\(messages)")
  }

  @Test func limits() {
    let many = (0..<40).map { "l\($0): {line: x, direction: input}" }.joined(separator: ", ")
    #expect(read("lines: {\(many)}").1.contains { $0.hasSuffix("there are more than 32") })
    let wrong = (0..<200).map { "k\($0): 1" }.joined(separator: "\n")
    let (_, messages) = Array(wrong.utf8).withUnsafeBytes { Configuration.read($0, path: "c", checksFiles: false) }
    #expect(messages.list.count == ConfigurationMessages.maxErrors && messages.errorCount == 201)
    #expect(messages.text(path: "c").hasSuffix("\nc: 151 more errors\n"))
  }

  @Test func filesMustBeThere() {
    let (_, messages) = read("models: {a: {file: /}, b: {file: /none/such}}\nlog: {file: /none/log}", checksFiles: true)
    #expect(messages.contains("1:20: /: is a folder, not a file"))
    #expect(messages.contains("1:34: /none/such: No such file or directory"))
    #expect(messages.contains("2:13: /none/: there is no such folder: make it first"))
    // What is only missing may come: the service is started again then.
    let whole = """
      models: {net: {file: /none/such}}
      cameras: {c: {device: /dev/v, model: net, rules: [{name: a, class: x, threshold: 1, then: [log]}]}}
      log: {file: /none/log}

      """
    for (more, code) in [("", ExitCode.noInput), ("lock: 3", ExitCode.configuration)] {
      let (_, found) = Array((whole + more).utf8).withUnsafeBytes { Configuration.read($0, path: "c") }
      #expect(found.exitCode == code, "\(found.list.map(\.sentence))")
    }
  }

  @Test func classesAreThoseOfTheModel() throws {
    let folder = TemporaryFolder()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Models")
    let net = root.standardized.path + "/resnet8-cifar10/resnet8-cifar10.martlet"
    func check(_ rule: String) throws -> ConfigurationCheck {
      let text =
        "models: {net: {file: \(net)}}\nlog: {file: \"-\"}\n"
        + "cameras:\n  a:\n    name: x\n    model: net\n    rules:\n    - {name: a, then: [log], \(rule)}\n"
      folder.write("c.yaml", Array(text.utf8))
      return try ConfigurationCheck(file: folder.file("c.yaml").permanentPath())
    }
    let good = try check("class: [cat, ship], threshold: 0.9")
    #expect(good.messages.list.isEmpty && good.models[0].arenaBytes > 10000 && good.models[0].hash != 0)
    #expect(good.configuration.cameras[0].rules[0].classes.map { $0.index } == [3, 8])
    let sentences = try check("class: [cta, unknown], threshold: 2").messages.list.map { $0.sentence }
    #expect(sentences.contains("class: the model has no class \"cta\"; did you mean \"cat\"?"))
    #expect(sentences.contains("class: the model has no class \"unknown\"; with unknown-below the camera has one"))
    #expect(sentences.contains("threshold: no score of the model is above 0.996094; 2% is 0.02"))
  }
}
