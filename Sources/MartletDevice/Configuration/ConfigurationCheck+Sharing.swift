import CMartletLinux

// Entries that stand for the same camera or the same line: a device serves one of them.

extension ConfigurationReader {
  /// What the text and the files tell.
  mutating func reportShared() {
    configuration.visitShared(
      configuration.lines.map { $0.addressText }, configuration.cameras.map { $0.deviceText }, areFiles: checksFiles,
      &messages)
  }
}

extension ConfigurationCheck {
  /// What cameras and chips tell, where entries name them differently.
  mutating func lookForSharedDevices() {
    var chips: [GPIOChip] = []
    if configuration.lines.count > 1 {
      for number in GPIOChip.numbers {
        do throws(GPIOError) {
          chips.append(try GPIOChip(number: number))
        } catch {
          continue
        }
      }
    }
    var devices = configuration.cameras.map { $0.deviceText }
    // Of paths everything is known already.
    var others = 0
    for index in devices.indices where !devices[index].isEmpty && devices[index].utf8.first != UInt8(ascii: "/") {
      others += 1
    }
    for index in devices.indices { devices[index] = others > 0 ? configuration.cameras[index].foundPath : "" }
    let places = configuration.lines.map { $0.addressText.place(on: chips) }
    var found = ConfigurationMessages()
    configuration.visitShared(places, devices, areFiles: true, &found)
    for message in found.list where !messages.contains(message) {
      add(ConfigurationPlace(line: message.line, column: message.column), message.sentence)
    }
  }
}

extension ConfigurationMessages {
  fileprivate func contains(_ other: ConfigurationMessage) -> Bool {
    for message in list where message.line == other.line && message.column == other.column {
      if message.sentence.isSame(as: other.sentence) { return true }
    }
    return false
  }
}

extension Configuration {
  /// Reports each line and camera that is where one before it is; an empty place is none.
  fileprivate func visitShared(
    _ lineTexts: [String], _ devices: [String], areFiles: Bool, _ messages: inout ConfigurationMessages
  ) {
    for second in lineTexts.indices {
      let first = Self.first(lineTexts, like: second, areFiles: false)
      guard first < second else { continue }
      let sentence = Self.sentence("the line ", lines[first].name, lines[first].line, " is this one already")
      messages.add(lines[second].place, sentence)
    }
    for second in devices.indices {
      let first = Self.first(devices, like: second, areFiles: areFiles)
      guard first < second else { continue }
      let sentence = Self.sentence(
        "the camera ", cameras[first].name, cameras[first].line,
        " is this one already: an entry has a camera of its own")
      messages.add(cameras[second].sourcePlace, sentence)
    }
  }

  /// The first that is the same.
  @inline(never)
  private static func first(_ texts: [String], like second: Int, areFiles: Bool) -> Int {
    let text = texts[second]
    guard !text.isEmpty else { return second }
    for first in 0..<second {
      let other = texts[first]
      if text.isSame(as: other) || areFiles && ConfigurationReader.isSame(text, other) { return first }
    }
    return second
  }

  @inline(never)
  private static func sentence(_ what: String, _ name: String, _ line: Int, _ end: String) -> String {
    var name = name
    var sentence = what
    sentence.add(name.withUTF8 { ConfigurationMessages.quoted(UnsafeRawBufferPointer($0)) })
    sentence.add(" (line ")
    sentence.add(String(line))
    sentence.add(")")
    sentence.add(end)
    return sentence
  }
}

extension String {
  /// The chip's path and the offset of a line's address; empty: it is on no chip, or on several.
  fileprivate func place(on chips: [GPIOChip]) -> String {
    let address: GPIOLineAddress
    do throws(GPIOError) {
      address = try GPIOLineAddress(self)
    } catch {
      return ""
    }
    let (chip, offset, name) = (address.chip ?? "", address.offset ?? -1, address.name ?? "")
    var found = ""
    for index in chips.indices {
      let isIt =
        chip.isEmpty || chip.isSame(as: chips[index].name) || chip.isSame(as: chips[index].path)
        || chip.isSame(as: chips[index].label)
      guard isIt else { continue }
      for line in chips[index].lines where offset == line.offset || offset < 0 && line.name.isSame(as: name) {
        if !found.isEmpty { return "" }
        found = chips[index].path
        found.add(":")
        found.add(String(line.offset))
      }
    }
    return found
  }
}

extension CameraConfiguration {
  /// A path, or a text that is none and differs with the key; empty of pictures.
  fileprivate var deviceText: String {
    switch source {
    case .device(let path): path
    case .bus(let text): "bus " + text
    case .serial(let text): "serial " + text
    case .name(let text): "name " + text
    case .pictures: ""
    }
  }

  /// The device file of a camera that is there; else empty.
  fileprivate var foundPath: String {
    let address: CameraAddress
    switch source {
    case .device(let path): return path
    case .bus(let text): address = .bus(text)
    case .serial(let text): address = .serial(text)
    case .name(let text): address = .name(text)
    case .pictures: return ""
    }
    do throws(CameraError) {
      let camera = try address.open()
      return camera.path
    } catch {
      return ""
    }
  }
}
