import Martlet

// What only an opened model can tell.

extension Configuration {
  /// Finds the classes that rules name among a model's labels, and says what is wrong with them.
  ///
  /// A model without labels has its classes by their numbers, from 0. A label that several classes have stands for all
  /// of them.
  ///
  /// - Parameter model: an index of `models`.
  public mutating func resolveClasses(
    ofModel model: Int, _ tables: borrowing ModelDescription, _ messages: inout ConfigurationMessages
  ) {
    let place = models[model]
    // A model has one at least.
    let boundary = tables.manifest.outputs[0]
    let output = tables.tensor(Int(boundary.tensor))
    guard output.type == ElementType.int8.rawValue, tables.takesPicture else {
      messages.add(place.line, place.column, place.file + ": the model does not give scores for a picture")
      return
    }
    let highest = OutputScale(boundary).highest
    for camera in 0..<cameras.count where cameras[camera].model == model {
      if let unknownBelow = cameras[camera].unknownBelow, unknownBelow > highest {
        var sentence = Configuration.tooHigh("unknown-below", unknownBelow, highest)
        sentence.add(": every frame would be unknown")
        messages.add(cameras[camera].unknownBelowPlace, sentence)
      }
      for rule in 0..<cameras[camera].rules.count {
        Configuration.resolve(
          &cameras[camera].rules[rule], cameras[camera].unknownBelow != nil, tables, Int(output.byteCount), &messages)
        let told = cameras[camera].rules[rule]
        if !told.classes.isEmpty, told.threshold > highest {
          messages.add(told.thresholdPlace, Configuration.tooHigh("threshold", told.threshold, highest))
        }
      }
    }
  }

  /// A score that no frame can have.
  private static func tooHigh(_ key: String, _ score: Float, _ highest: Float) -> String {
    var sentence = key
    sentence.add(": no score of the model is above ")
    sentence.add(NumberText.decimal(Double(highest), places: 6))
    if highest <= 1, score > 1, score <= 100 {
      sentence.add("; ")
      sentence.add(NumberText.decimal(Double(score), places: 0))
      sentence.add("% is ")
      sentence.add(NumberText.decimal(Double(score) / 100, places: 2))
    }
    return sentence
  }

  private static func resolve(
    _ rule: inout RuleConfiguration, _ hasUnknown: Bool, _ tables: borrowing ModelDescription, _ count: Int,
    _ messages: inout ConfigurationMessages
  ) {
    // Of an earlier model.
    while rule.classes.last?.isCopy ?? false { rule.classes.removeLast() }
    for index in 0..<rule.classes.count {
      let wanted = rule.classes[index]
      // Labels may be more than there are scores, in a file that somebody made.
      let labels = min(tables.labelCount, count)
      var name = wanted.name
      var found = name.withUTF8 { Configuration.find(UnsafeRawBufferPointer($0), from: 0, labels, tables) }
      if tables.labelCount == 0, let number = wanted.number, number >= 0, number < count { found = number }
      guard found >= 0 else {
        messages.add(
          wanted.line, wanted.column, Configuration.noClass(wanted, hasUnknown: hasUnknown, labels, count, tables))
        continue
      }
      rule.classes[index].index = found
      guard tables.labelCount > 0 else { continue }
      var copies = 0
      while rule.classes.count < Configuration.maxClasses {
        let next = name.withUTF8 { Configuration.find(UnsafeRawBufferPointer($0), from: found + 1, labels, tables) }
        guard next >= 0 else { break }
        (found, copies) = (next, copies + 1)
        var copy = wanted
        (copy.index, copy.isCopy) = (found, true)
        rule.classes.append(copy)
      }
      if copies > 0 {
        var sentence = "class: several classes of the model are called "
        sentence.add(wanted.quoted)
        sentence.add(": the score is the highest of them")
        messages.add(wanted.line, wanted.column, sentence, isWarning: true)
      }
    }
  }

  /// -1: there is none.
  private static func find(
    _ name: UnsafeRawBufferPointer, from start: Int, _ count: Int, _ tables: borrowing ModelDescription
  ) -> Int {
    var index = start
    while index < count {
      if tables.label(index).isSame(as: name) { return index }
      index += 1
    }
    return -1
  }

  /// Labels that are few are listed.
  private static let maxListed = 12

  private static func noClass(
    _ wanted: ClassConfiguration, hasUnknown: Bool, _ labels: Int, _ count: Int, _ tables: borrowing ModelDescription
  ) -> String {
    var sentence = "class: the model has no class "
    sentence.add(wanted.quoted)
    var name = wanted.name
    let nearest = name.withUTF8 { bytes -> String? in
      var nearest = Nearest(to: UnsafeRawBufferPointer(bytes))
      for index in 0..<labels { nearest.offer(tables.label(index)) }
      return nearest.text
    }
    if labels == 0 {
      sentence.add("; it has no labels: numbers from 0 to ")
      sentence.add(String(count - 1))
    } else if !hasUnknown, name.isSame(as: "unknown") {
      sentence.add("; with unknown-below the camera has one")
    } else if let number = wanted.number, number >= 0, number < labels {
      sentence.add("; its class of that number is called ")
      sentence.add(ConfigurationMessages.quoted(tables.label(number)))
    } else if let nearest {
      sentence.add("; did you mean \"")
      sentence.add(nearest)
      sentence.add("\"?")
    } else if labels <= maxListed {
      for index in 0..<labels {
        sentence.add(index == 0 ? "; it has " : ", ")
        sentence.add(String(visible: tables.label(index)))
      }
    } else {
      sentence.add("; martlet inspect lists them")
    }
    return sentence
  }
}

extension ClassConfiguration {
  fileprivate var quoted: String {
    var name = name
    return name.withUTF8 { ConfigurationMessages.quoted(UnsafeRawBufferPointer($0)) }
  }

  fileprivate var number: Int? {
    var name = name
    return name.withUTF8 { ConfigurationReader.integer(UnsafeRawBufferPointer($0)) }
  }
}
