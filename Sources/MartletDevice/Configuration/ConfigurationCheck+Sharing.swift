import CMartletLinux

// Entries that stand for the same camera or the same line: a device serves one of them.

extension ConfigurationReader {
  /// What the text and the files tell.
  mutating func reportShared() {
    let addresses = configuration.lines.map { $0.addressText }
    addresses.visitCopies {
      !$0.isEmpty && $0.isSame(as: $1)
    } report: { first, second in
      messages.add(configuration.lines[second].place, configuration.sentence(sharedLine: first))
    }
    let devices = configuration.cameras.map { $0.device }
    let looks = checksFiles
    devices.visitCopies {
      $0.isSame(as: $1, looks)
    } report: { first, second in
      messages.add(configuration.cameras[second].sourcePlace, configuration.sentence(sharedCamera: first))
    }
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
    let lines = configuration.lines.map { $0.addressText.place(on: chips) }
    lines.visitCopies {
      !$0.isEmpty && $0.isSame(as: $1)
    } report: { first, second in
      report(configuration.lines[second].place, configuration.sentence(sharedLine: first))
    }
    // Of paths everything is known already.
    var others = 0
    let devices = configuration.cameras.map { $0.device }
    for device in devices where device.kind > 0 { others += 1 }
    guard others > 0, devices.count > 1 else { return }
    let paths = devices.map { $0.found }
    paths.visitCopies {
      ConfigurationReader.isSame($0, $1)
    } report: { first, second in
      report(configuration.cameras[second].sourcePlace, configuration.sentence(sharedCamera: first))
    }
  }

  /// Once.
  private mutating func report(_ place: ConfigurationPlace, _ sentence: String) {
    for message in messages.list where message.line == place.line && message.column == place.column {
      if message.sentence.isSame(as: sentence) { return }
    }
    add(place, sentence)
  }
}

extension Configuration {
  @inline(never)
  fileprivate func sentence(sharedLine index: Int) -> String {
    Self.sentence("the line ", lines[index].name, lines[index].line, " is this one already")
  }

  @inline(never)
  fileprivate func sentence(sharedCamera index: Int) -> String {
    Self.sentence(
      "the camera ", cameras[index].name, cameras[index].line, " is this one already: an entry has a camera of its own")
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

extension Array {
  /// Every one that is the same as one before it.
  fileprivate func visitCopies(_ isSame: (Element, Element) -> Bool, report: (Int, Int) -> Void) {
    for second in indices {
      for first in 0..<second where isSame(self[first], self[second]) {
        report(first, second)
        break
      }
    }
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

/// How a camera is named.
private struct NamedDevice {
  /// 0: by its path; -1: it is none.
  var kind = -1
  var text = ""

  func isSame(as other: NamedDevice, _ looks: Bool) -> Bool {
    guard kind >= 0, kind == other.kind, !text.isEmpty else { return false }
    return text.isSame(as: other.text) || looks && kind == 0 && ConfigurationReader.isSame(text, other.text)
  }

  /// The device file of a camera that is there; else empty.
  var found: String {
    let address: CameraAddress
    switch kind {
    case 0: return text
    case 1: address = .bus(text)
    case 2: address = .serial(text)
    case 3: address = .name(text)
    default: return ""
    }
    do throws(CameraError) {
      let camera = try address.open()
      return camera.path
    } catch {
      return ""
    }
  }
}

extension CameraConfiguration {
  fileprivate var device: NamedDevice {
    switch source {
    case .device(let path): NamedDevice(kind: 0, text: path)
    case .bus(let text): NamedDevice(kind: 1, text: text)
    case .serial(let text): NamedDevice(kind: 2, text: text)
    case .name(let text): NamedDevice(kind: 3, text: text)
    case .pictures: NamedDevice()
    }
  }
}
