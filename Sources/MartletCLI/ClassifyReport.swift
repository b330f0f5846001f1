import Martlet
import MartletDevice

/// What `classify` prints: text as it comes, JSON at the end.
struct ClassifyReport {
  private let isJSON: Bool
  private let isVerbose: Bool
  private let loadNs: UInt64
  private var json = JSONWriter()
  private var text = ""
  private var exitCode = ExitCode.success

  init(model: FilePath, loadNs: UInt64, isJSON: Bool, isVerbose: Bool) {
    self.isJSON = isJSON
    self.isVerbose = isVerbose
    self.loadNs = loadNs
    json.begin()
    json.field("model", model.text)
    json.field("load_ms", Double(loadNs) / 1e6, places: 3)
    json.beginArray("pictures")
  }

  mutating func add(
    _ path: FilePath, _ scores: ArraySlice<Score>, _ engine: borrowing Engine, pictureNs: UInt64, inferenceNs: UInt64
  ) {
    if isJSON {
      addJSON(path, scores, engine, pictureNs, inferenceNs)
      return
    }
    text.add(path.shown + "\n")
    text.add(ClassifyReport.lines(scores, engine))
    guard isVerbose else { return }
    text.add("  load \(ClassifyReport.ms(loadNs)), picture \(ClassifyReport.ms(pictureNs)), ")
    text.add("inference \(ClassifyReport.ms(inferenceNs))\n")
  }

  private mutating func addJSON(
    _ path: FilePath, _ scores: ArraySlice<Score>, _ engine: borrowing Engine, _ pictureNs: UInt64,
    _ inferenceNs: UInt64
  ) {
    json.beginObject()
    json.field("picture", path.text)
    json.beginArray("scores")
    for score in scores {
      json.beginObject()
      json.field("label", ClassifyReport.label(score.index, engine))
      json.field("index", score.index)
      json.field("score", Double(score.real), places: 6)
      json.endObject()
    }
    json.endArray()
    json.field("picture_ms", Double(pictureNs) / 1e6, places: 3)
    json.field("inference_ms", Double(inferenceNs) / 1e6, places: 3)
    json.endObject()
  }

  /// A picture that cannot be read: said at once, the others go on.
  mutating func fail(_ path: FilePath, _ error: PictureError) {
    exitCode = error.exitCode
    Output.tell("classify: \(path.text): \(error.sentence)")
    guard isJSON else { return }
    json.beginObject()
    json.field("picture", path.text)
    json.field("error", error.sentence)
    json.endObject()
  }

  consuming func end() throws(CommandError) {
    if isJSON {
      json.endArray()
      json.end()
      try report(json: json.text)
    } else if !text.isEmpty {
      try report(text)
    }
    guard exitCode != ExitCode.success else { return }
    var error = CommandError("", exitCode: exitCode)
    error.isSaid = true
    throw error
  }

  /// A line for each score with its label.
  @inline(never)
  static func lines(_ scores: ArraySlice<Score>, _ engine: borrowing Engine) -> String {
    var text = ""
    for score in scores {
      text.add(NumberText.decimal(Double(score.real), places: 4).padded(to: 9, left: true))
      text.add("  " + label(score.index, engine, isShown: true) + "\n")
    }
    return text
  }

  @inline(never)
  static func ms(_ ns: UInt64) -> String { NumberText.decimal(Double(ns) / 1e6, places: 3) + " ms" }

  /// - Parameter isShown: fit for a terminal.
  @inline(never)
  static func label(_ index: Int, _ engine: borrowing Engine, isShown: Bool = false) -> String {
    guard engine.labelCount > 0 else { return "class \(index)" }
    return isShown ? String(visible: engine.label(index)) : String(utf8: engine.label(index))
  }
}
