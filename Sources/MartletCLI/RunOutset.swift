import CMartletLinux
import MartletDevice

/// What a service in the foreground of a terminal tells its person first: what it looks at, where that goes, how it
/// ends.
enum RunOutset {
  /// nil: nobody reads it.
  static func text(_ told: Configuration) -> String? {
    guard martlet_is_terminal(2) else { return nil }
    var text = ""
    for camera in told.cameras {
      text.add("run: camera ")
      text.add(camera.name)
      switch camera.source {
      case .device(let place), .bus(let place), .serial(let place), .name(let place), .pictures(let place, _):
        add(": ", place, &text)
      }
      add(", model ", told.models[camera.model].name, &text)
      text.add("\n")
    }
    text.add("run: ")
    if let log = told.log {
      let what =
        switch log.every {
        case .change: "changes go to "
        case .decision: "decisions go to "
        case .rule: "decisions of rules with the action log go to "
        }
      add(what, log.file.isSame(as: "-") ? "standard output" : log.file, &text)
    } else {
      text.add("there is no log")
    }
    if let frames = told.frames { add(", frames to ", frames.folder, &text) }
    if let status = told.status { add("; how it does: martlet status ", status, &text) }
    text.add("; Ctrl-C ends it\n")
    return text
  }

  @inline(never)
  private static func add(_ what: String, _ name: String, _ text: inout String) {
    text.add(what)
    text.add(name)
  }
}
