import Martlet

// What only an opened model can tell.

extension Configuration {
  /// Finds the classes that rules name among a model's labels, and says what is wrong with them.
  ///
  /// A model without labels has its classes by their numbers, from 0.
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
      for rule in 0..<cameras[camera].rules.count {
        let told = cameras[camera].rules[rule]
        for index in 0..<told.classes.count {
          let found = Configuration.find(
            told.classes[index], tables, Int(output.byteCount), hasUnknown: cameras[camera].unknownBelow != nil,
            &messages)
          cameras[camera].rules[rule].classes[index].index = found
        }
        if !told.classes.isEmpty, told.threshold > highest {
          var sentence = "rule \""
          sentence.add(told.name)
          sentence.add("\": threshold: no score of the model is above ")
          sentence.add(NumberText.decimal(Double(highest), places: 6))
          messages.add(told.line, 1, sentence)
        }
      }
    }
  }

  private static func find(
    _ wanted: ClassConfiguration, _ tables: borrowing ModelDescription, _ count: Int, hasUnknown: Bool,
    _ messages: inout ConfigurationMessages
  ) -> Int {
    var name = wanted.name
    var found = -1
    let nearest = name.withUTF8 { bytes -> String? in
      let bytes = UnsafeRawBufferPointer(bytes)
      var nearest = Nearest(to: bytes)
      for index in 0..<tables.labelCount where found < 0 {
        let label = tables.label(index)
        if label.isSame(as: bytes) { found = index } else { nearest.offer(label) }
      }
      if tables.labelCount == 0, let number = ConfigurationReader.integer(bytes), number >= 0, number < count {
        found = number
      }
      return nearest.text
    }
    // Labels may be more than there are scores, in a file that somebody made.
    if found >= 0, found < count { return found }
    var sentence = "class: the model has no class "
    sentence.add(name.withUTF8 { ConfigurationMessages.quoted(UnsafeRawBufferPointer($0)) })
    if let nearest {
      sentence.add("; did you mean \"")
      sentence.add(nearest)
      sentence.add("\"?")
    } else if tables.labelCount == 0 {
      sentence.add("; it has no labels: numbers from 0 to \(count - 1)")
    } else if !hasUnknown, name.isSame(as: "unknown") {
      sentence.add("; with unknown-below the camera has one")
    } else {
      sentence.add("; martlet inspect lists them")
    }
    messages.add(wanted.line, wanted.column, sentence)
    return -1
  }
}
