import Foundation
import Testing

@testable import MartletDevice

/// A configuration that is right, line by line.
private let right = """
  models:
    cats: {file: cats.martlet}
  lines:
    gate: {line: "chip:3", direction: output}
    eye: {line: "chip:4", direction: input}
  cameras:
    belt:
      device: /dev/video0
      trigger: {line: eye}
      model: cats
      rules:
        - name: seen
          class: cat
          threshold: 0.8
          then: [{pulse: gate, for: 5ms}]
  log: {file: log}
  """

/// What is said of it with one line put in place of another (or behind it, where the text begins with "+").
private func said(_ line: Int, _ text: String) -> [String] {
  var lines = right.components(separatedBy: "\n")
  if text.hasPrefix("+") {
    lines.insert(String(text.dropFirst()), at: line)
  } else {
    lines[line - 1] = text
  }
  return read(Array(lines.joined(separator: "\n").utf8))
}

private func read(_ bytes: [UInt8], path: String = "/etc/m/c.yaml", checksFiles: Bool = false) -> [String] {
  let (_, messages) = bytes.withUnsafeBytes { Configuration.read($0, path: path, checksFiles: checksFiles) }
  return messages.list.filter { !$0.isWarning }.map { "\($0.line):\($0.column): \($0.sentence)" }
}

/// What people write, and what they are told: the place, what is wrong there, what to write.
@Suite struct ConfigurationMistakeTests {
  @Test func theRightOne() {
    #expect(read(Array(right.utf8)) == [])
  }

  @Test(arguments: [
    (10, "\tmodel: cats", "10:1: not YAML: a tab: indent with blanks"),
    (10, "    \tmodel: cats", "10:5: not YAML: a tab: indent with blanks"),
    (
      4, "  gate: {line: chip: 3, direction: output}",
      "4:20: not YAML: a second colon with a blank behind it: write the text without the blank (gpiochip0:17) or in"
        + " quotes, or put a comma in front of the key"
    ),
    (
      8, "    device: /dev/video0: x",
      "8:24: not YAML: a second colon with a blank behind it: write the text without the blank (gpiochip0:17) or in"
        + " quotes, or put a comma in front of the key"
    ),
    (
      9, "    trigger: {line: eye",
      "9:14: not YAML: this is not closed, or a comma is missing behind it; noticed in line 10"
    ),
    (
      15, "        then: [{pulse: gate, for: 5ms}",
      "15:15: not YAML: this is not closed, or a comma is missing behind it; noticed in line 16"
    ),
    (
      13, "        class: \"cat",
      "13:16: not YAML: this is not closed, or a comma is missing behind it; noticed in line 16"
    ),
    (
      11, "    rules: - name: seen",
      "11:12: not YAML: a list begins in a line of its own, or is written in brackets: [a, b]"
    ),
    (8, "    device /dev/video0", "8:5: not YAML: a key needs a colon with a blank behind it"),
    (
      10, "   model: cats",
      "10:4: not YAML: this is indented like no line above it, or stands behind a value that is complete"
    ),
    (13, "        class: @cat", "13:16: not YAML: a text that begins with this character needs quotes"),
  ]) func isNoYAML(line: Int, text: String, message: String) {
    #expect(said(line, text) == [message])
  }

  @Test func bytesThatAreNoText() {
    let bytes = Array(right.replacingOccurrences(of: "name: seen", with: "name: Kr\u{1}").utf8).map {
      $0 == 1 ? 0xE4 : $0
    }
    #expect(read(bytes) == ["12:17: not YAML: not UTF-8: save the file in that encoding"])
  }

  @Test func aDashAsAFile() {
    for log in ["log:\n  file: -", "log:\n  file:  -   # standard output\nframes: {folder: f}", "log: {file: -}"] {
      let text = right.replacingOccurrences(of: "log: {file: log}", with: log)
      let (told, messages) = Array(text.utf8).withUnsafeBytes {
        Configuration.read($0, path: "c", checksFiles: false)
      }
      #expect(messages.errorCount == 0 && told.log?.file == "-", "\(messages.text(path: ""))")
    }
    // Three of them are no file.
    #expect(said(16, "log:\n  file: -\n  keep: -\n  sync: -").count == 1)
  }

  @Test(
    arguments: [
      (13, "        class: null", "13:16: class: \"null\": is no value; a text of this name needs quotes"),
      (13, "        class:", "13:9: class: has no value"),
      (8, "    device: ~", "8:13: device: \"~\": is no value; a text of this name needs quotes"),
      (15, "        then: [{pulse: gate, for: }]", "15:30: for: has no value"),
      (15, "        then: [{set: }]", "15:17: set: has no value"),
      (8, "    device: 0", "8:13: device: \"0\": must be the path of a device file, like /dev/video0"),
      (8, "    device: 2", "8:13: device: \"2\": must be the path of a device file, like /dev/video2"),
      (8, "    device: video0", "8:13: device: \"video0\": must be the path of a device file, like /dev/video0"),
      (
        8, "    device: ${CAMERA}",
        "8:13: device: \"${CAMERA}\": variables are not replaced: write out what it stands for"
      ),
      (
        8, "    device: rtsp://10.0.0.1/cam",
        "8:13: device: \"rtsp://10.0.0.1/cam\": nothing is read from a network: a path of this machine is meant"
      ),
      (
        2, "  cats: {file: ~/cats}",
        "2:16: file: \"~/cats\": ~ is not replaced: write the path from the root on"
      ),
      (
        16, "log: {file: $HOME/log}",
        "16:13: file: \"$HOME/log\": variables are not replaced: write out what it stands for"
      ),
      (8, "+    format: YUY2", "9:13: format: \"YUY2\": V4L2 calls it YUYV"),
      (8, "+    format: yuyv", "9:13: format: \"yuyv\": V4L2 calls it YUYV"),
      (8, "+    format: MJPEG", "9:13: format: \"MJPEG\": V4L2 calls it MJPG"),
      (8, "+    format: h264", "9:13: format: \"h264\": a video stream, which is not read: take MJPG or YUYV"),
      (8, "+    rate: 0.5", "9:11: rate: \"0.5\": must be at least 1; for fewer decisions: trigger: {every: 2s}"),
      (8, "+    rate: 0", "9:11: rate: \"0\": must be a number from 1 to 1000"),
      (8, "+    region: [1, 2, 3]", "9:13: region: a list: must be x,y,width,height in pixels, like 100,50,640,480"),
      (
        4, "  gate: {line: 17, direction: output}",
        "4:16: line: \"17\": a number needs its chip, like gpiochip0:17; martlet gpio list shows chips and lines"
      ),
      (
        4, "  gate: {line: chip:0x11, direction: output}",
        "4:16: line: \"chip:0x11\": a line's number is decimal: 17, not 0x11"
      ),
      (
        4, "  gate: {line: chip:-1, direction: output}",
        "4:16: line: \"chip:-1\": a chip's lines are numbered from 0; martlet gpio list shows them"
      ),
      (
        4, "  gate: {line: chip:017, direction: output}",
        "4:16: line: \"chip:017\": a decimal number without zeros in front of it"
      ),
      (
        4, "  gate: {line: chip:70000, direction: output}",
        "4:16: line: \"chip:70000\": there is no chip with so many lines"
      ),
      (
        4, "  gate: {line: \"chip: 3\", direction: output}",
        "4:16: line: \"chip: 3\": without the blank behind the colon: gpiochip0:17"
      ),
      (
        4, "  gate: {line: \"chip:\", direction: output}",
        "4:16: line: \"chip:\": the line's number is missing behind the colon"
      ),
      (
        4, "  gate: {line: /sys/class/gpio/gpio529, direction: output}",
        "4:16: line: \"/sys/class/gpio/gpio529\": paths and numbers of sysfs are not used: a chip and its line, like"
          + " gpiochip0:17"
      ),
      (
        4, "  gate: {line: /dev/gpiochip0, direction: output}",
        "4:16: line: \"/dev/gpiochip0\": which line of it? like /dev/gpiochip0:17"
      ),
      (
        4, "  gate: {line: a-name-of-more-than-thirty-one-bytes, direction: output}",
        "4:16: line: \"a-name-of-more-than-thirty-one-bytes\": must be CHIP:NUMBER or a line's name: a chip's has at"
          + " most 63 bytes, a line's 31"
      ),
      (4, "  gate: {line: \"chip:4\", direction: output}", "5:15: the line \"gate\" (line 4) is this one already"),
      (
        16, "  side: {device: /dev/video0, model: cats}",
        "16:18: the camera \"belt\" (line 7) is this one already: an entry has a camera of its own"
      ),
      (9, "    trigger: eye", "9:14: trigger: \"eye\" is a line: write {line: eye}"),
      (
        14, "        threshold: 0,8",
        "14:20: threshold: \"0,8\": must be a number from 0 to 1000; the decimal sign is a point"
      ),
      (14, "        threshold: 80%", "14:20: threshold: \"80%\": must be a number from 0 to 1000; 80% is 0.8"),
      (
        14, "        threshold: 8e-1", "14:20: threshold: \"8e-1\": must be a number from 0 to 1000; it has no exponent"
      ),
      (15, "        then: log", "15:15: then: \"log\": must be a list of actions, like [log, save]"),
      (
        15, "        then: [{http: x}]", "15:17: an action: there is no key \"http\"; there are: pulse, set, for, delay"
      ),
      (10, "    model: {cats: 1}", "10:12: model: a mapping: must be a single value"),
    ] as [(Int, String, String)]) func isNoValue(line: Int, text: String, message: String)
  {
    #expect(said(line, text) == [message])
  }

  @Test func aRegionInBraces() {
    let messages = said(7, "  side: {device: /dev/video1, model: cats, region: 0,0,640,480}\n  belt:")
    #expect(
      messages.contains("7:54: a camera: there is no key \"0\"; a value with commas needs quotes or brackets here"))
  }

  @Test(arguments: [
    (4, "  gate: {line: \"chip:3\", direction: output, active-low: True}"), (8, "+    size: 640X480"),
    (8, "+    region: [0, 0, 64, 48]"), (8, "+    region: 0,0,64,48"), (8, "+    rate: 29.97"),
    (4, "  gate: {line: \"name:a:b\", direction: output}"), (4, "  gate: {line: \"chip:led\", direction: output}"),
    (4, "  gate: {line: GPIO17, direction: output}"), (8, "    name: \"HD $1\""),
  ]) func isTakenAsMeant(line: Int, text: String) {
    #expect(said(line, text) == [])
  }

  /// What is on the disk, with the name of a thing in front of what is wrong with it.
  @Test func files() throws {
    let folder = TemporaryFolder()
    folder.write("cats.martlet", [1])
    folder.write("plain", [])
    let path = folder.file("c.yaml")
    folder.write("c.yaml", [])
    let own = folder.file("")
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "/dev/null")
    func said(_ old: String, _ new: String) -> [String] {
      read(Array(right.replacingOccurrences(of: old, with: new).utf8), path: path, checksFiles: true)
    }
    #expect(said("", "") == [])
    #expect(said("{file: log}", "{file: .}") == ["16:13: file: \".\": is a folder, not a file"])
    #expect(said("{file: log}", "{file: no/log}") == ["16:13: \(own)no/: there is no such folder: make it first"])
    #expect(
      said("{file: log}", "{file: ./cats.martlet}")
        == ["16:13: file: \"./cats.martlet\": is the file of the model \"cats\""])
    #expect(said("{file: log}", "{file: c.yaml}") == ["16:13: file: \"c.yaml\": is the configuration itself"])
    #expect(
      said("log: {file: log}", "status: no/s")
        == ["16:9: \(own)no/: there is no such folder: make it first"])
    #expect(
      said("log: {file: log}", "status: plain") == ["16:9: status: \"plain\": is there already and is not a socket"])
    #expect(said("log: {file: log}", "status: /run/martlet/s") == [])
    let plain = said("/dev/video0", own + "plain")
    #expect(
      plain.count == 1 && plain[0].hasPrefix("8:13: device: ")
        && plain[0].hasSuffix("must be a device file, which this is not; pictures: takes the place of a camera"))
    // One node by two names.
    let two = "log: {file: log}"
    #expect(
      said(two, "  side: {device: \(own)link, model: cats}\n  rear: {device: /dev/null, model: cats}")
        == ["17:18: the camera \"side\" (line 16) is this one already: an entry has a camera of its own"])
  }
}
