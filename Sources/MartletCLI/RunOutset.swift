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
      text.add("run: camera " + camera.name.visible() + ": ")
      switch camera.source {
      case .device(let place), .bus(let place), .serial(let place), .name(let place), .pictures(let place, _):
        text.add(place.visible())
      }
      text.add(", model " + told.models[camera.model].name.visible() + ", \(camera.rules.count) rules\n")
    }
    text.add("run: ")
    if let log = told.log {
      let what =
        switch log.every {
        case .change: "changes go to "
        case .decision: "decisions go to "
        case .rule: "decisions of rules with the action log go to "
        }
      text.add(what + (log.file.utf8.count == 1 ? "standard output" : log.file.visible()))
    } else {
      text.add("there is no log:")
    }
    if let frames = told.frames { text.add(", frames to " + frames.folder.visible()) }
    if let status = told.status { text.add(", martlet status " + status.visible() + " tells how it does") }
    text.add("; Ctrl-C ends it\n")
    return text
  }
}
