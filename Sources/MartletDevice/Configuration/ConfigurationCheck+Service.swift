import CMartletLinux

extension ConfigurationCheck {
  /// Warns of files that the unit hides from the service or that its user may not use: a drop-in may say otherwise.
  mutating func lookAsService() {
    var user = martlet_user()
    let isUser = martlet_user_find(ServiceUnit.user.cString, ServiceUnit.groups.cString, &user)
    let known = isUser ? user : nil
    look(configuration.path, ConfigurationPlace(line: 1, column: 1), known)
    for model in configuration.models where !model.file.isEmpty {
      look(model.file, ConfigurationPlace(line: model.line, column: model.column), known)
    }
    for camera in configuration.cameras {
      if case .pictures(let path, _) = camera.source { look(path, camera.sourcePlace, known) }
    }
    if let log = configuration.log, !log.file.isSame(as: "-") {
      look(ConfigurationReader.folder(of: log.file), log.place, known, isWritten: true)
    }
    if let frames = configuration.frames { look(frames.folder, frames.place, known, isWritten: true) }
    if let status = configuration.status {
      look(ConfigurationReader.folder(of: status), configuration.statusPlace, known, isWritten: true)
    }
  }

  private mutating func look(
    _ path: String, _ place: ConfigurationPlace, _ user: martlet_user?, isWritten: Bool = false
  ) {
    // Where links lead to; of what is not there the path itself.
    var real = [CChar](repeating: 0, count: 4096)
    let code = path.withPath { path in
      real.withUnsafeMutableBufferPointer { martlet_path_real(path, $0.baseAddress, $0.count) }
    }
    let resolved = code == 0 ? String(cString: real) : path
    guard resolved.utf8.first == UInt8(ascii: "/") else { return }
    var sentence = path
    sentence.add(": martlet.service ")
    if let obstacle = ServiceUnit.obstacle(resolved, isWritten: isWritten) {
      sentence.add(obstacle.text)
      sentence.add(": another place, or a drop-in (systemctl edit martlet)")
      return add(place, sentence, isWarning: true)
    }
    guard code == 0, var user else { return }
    let may = resolved.withPath { path in
      let answer = real.withUnsafeMutableBufferPointer {
        martlet_user_may(&user, path, isWritten, $0.baseAddress, $0.count)
      }
      return answer ? 1 : 0
    }
    if may == 1 { return }
    sentence.add(isWritten ? "may not write it: the mode of " : "may not read it: the mode of ")
    sentence.add(String(cString: real))
    sentence.add(" refuses the user ")
    sentence.add(ServiceUnit.user.text)
    add(place, sentence, isWarning: true)
  }
}
