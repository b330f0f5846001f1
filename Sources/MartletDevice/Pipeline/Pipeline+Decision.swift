import CMartletLinux
import CMartletPlatform
import Martlet

/// From a frame to what is done about it.
extension Pipeline {
  /// A camera's frame; it stays the caller's.
  mutating func decide(_ index: Int, _ frame: martlet_camera_frame) {
    let taken = martlet_now_ns()
    guard channels[index].stream.fill(frame) else { return }
    decide(
      index, sequence: UInt64(frame.sequence), capturedNs: frame.timestamp_ns, takenNs: taken, picture: nil,
      frame: frame)
  }

  /// A picture, which is in the model's input already.
  mutating func decide(_ index: Int, _ path: FilePath, capturedNs: UInt64) {
    decide(
      index, sequence: UInt64(channels[index].pictures!.pointee.taken - 1), capturedNs: capturedNs, takenNs: capturedNs,
      picture: path, frame: nil)
  }

  private mutating func decide(
    _ index: Int, sequence: UInt64, capturedNs: UInt64, takenNs: UInt64, picture: FilePath?,
    frame: martlet_camera_frame?
  ) {
    let channel = channels + index
    let model = models + channel.pointee.configuration.model
    let began = martlet_now_ns()
    model.pointee.run()
    let ended = martlet_now_ns()
    model.pointee.scores.update(unknownBelow: channel.pointee.configuration.unknownBelow)
    for number in 0..<channel.pointee.ruleCount {
      let rule = channel.pointee.rules + number
      let score = model.pointee.scores.score(
        of: rule.pointee.classes, includesUnknown: rule.pointee.configuration.includesUnknown)
      rule.pointee.outcome = rule.pointee.state.update(score: score)
      if rule.pointee.outcome.isFired { rule.pointee.fired += 1 }
    }
    let decided = martlet_now_ns()
    decision += 1
    // Lines first: a part is on its way.
    let acted = act(channel, capturedNs)
    channel.pointee.trigger.satisfied(nowNs: decided)
    channel.pointee.decided += 1
    channel.pointee.inference.record(ended - began)
    channel.pointee.overhead.record((acted > 0 ? acted : decided) - takenNs - (ended - began))
    channel.pointee.toDecision.record(decided - min(capturedNs, decided))
    if acted > 0 { channel.pointee.toAction.record(acted - min(capturedNs, acted)) }

    let wallUs = martlet_wall_time_us()
    save(channel, picture, frame, wallUs)
    record(channel, model, sequence, (capturedNs, decided, acted, wallUs))
  }

  // MARK: Lines

  /// Does what the rules say; returns when the last line was changed, 0 if none was.
  private mutating func act(_ channel: UnsafeMutablePointer<Channel>, _ capturedNs: UInt64) -> UInt64 {
    var acted: UInt64 = 0
    for number in 0..<channel.pointee.ruleCount {
      let rule = channel.pointee.rules + number
      for action in rule.pointee.configuration.actions {
        do throws(GPIOError) {
          switch action.kind {
          case .pulse(let line, let durationNs, let delayNs):
            guard rule.pointee.outcome.isFired else { continue }
            let start = delayNs.map { capturedNs + $0 }
            acted = max(acted, try lines.pulse(line, durationNs: durationNs, startNs: start))
          case .set(let line):
            let changed = try lines.hold(line, rule: rule.pointee.number, rule.pointee.outcome.holds)
            if changed { acted = martlet_now_ns() }
          case .log, .save: continue
          }
        } catch {
          tell(error)
        }
      }
    }
    return acted
  }

  /// Nobody knows whether the rule holds: its camera is away.
  func release(_ rule: ChannelRule) {
    for action in rule.configuration.actions {
      guard case .set(let line) = action.kind else { continue }
      do throws(GPIOError) {
        _ = try lines.hold(line, rule: rule.number, nil)
      } catch {
        tell(error)
      }
    }
  }

  private func tell(_ error: GPIOError) {
    if error.kind == .gone { stop(error) }
    Output.tell("run: \(error.sentence)")
  }

  /// Whether a rule that fired has an action of that kind.
  private func wants(
    _ channel: UnsafeMutablePointer<Channel>, _ isKind: (ActionConfiguration.Kind) -> Bool
  ) -> Bool {
    for number in 0..<channel.pointee.ruleCount where channel.pointee.rules[number].outcome.isFired {
      for action in channel.pointee.rules[number].configuration.actions where isKind(action.kind) { return true }
    }
    return false
  }

  // MARK: Records

  private mutating func save(
    _ channel: UnsafeMutablePointer<Channel>, _ picture: FilePath?, _ frame: martlet_camera_frame?, _ wallUs: UInt64
  ) {
    guard let frames else { return }
    let isWanted = wants(channel) { kind in
      if case .save = kind { return true }
      return false
    }
    guard isWanted else { return }
    var content: FrameContent?
    var mapped = martlet_mapped_file()
    if let frame {
      content = channel.pointee.stream.content(of: frame)
    } else if let picture, martlet_file_map(picture.cString, &mapped) == 0 {
      // A picture that is no JPEG is refused by the store.
      content = FrameContent(bytes: UnsafeRawBufferPointer(start: mapped.bytes, count: mapped.count), shape: nil)
    }
    if case .lost(let code, let isNew) = frames.pointee.save(content, decision: decision, wallUs: wallUs), isNew {
      Pipeline.tell(configuration.frames!.folder, code)
    }
    martlet_file_unmap(&mapped)
  }

  private mutating func record(
    _ channel: UnsafeMutablePointer<Channel>, _ model: UnsafeMutablePointer<PipelineModel>, _ sequence: UInt64,
    _ times: (captured: UInt64, decided: UInt64, acted: UInt64, wallUs: UInt64)
  ) {
    var line = DecisionLine(into: lineBuffer)
    let dropped = channel.pointee.dropped
    line.begin(
      decision: decision, camera: channel.pointee.name, sequence: sequence,
      dropped: UInt64(dropped - channel.pointee.droppedBefore))
    channel.pointee.droppedBefore = dropped
    line.times(capturedNs: times.captured, decidedNs: times.decided, actedNs: times.acted, wallUs: times.wallUs)
    line.model(model.pointee.name, hash: model.pointee.hash)
    writeScores(&line, model)
    line.beginRules()
    for number in 0..<channel.pointee.ruleCount {
      line.rule(channel.pointee.rules[number].name, channel.pointee.rules[number].outcome)
    }
    line.endList()
    line.beginActions()
    for number in 0..<channel.pointee.ruleCount { writeActions(&line, channel.pointee.rules[number]) }
    line.endList()
    let text = line.end()
    recent.add(text)
    guard let log else { return }
    let isWanted =
      configuration.log!.every == .decision
      || wants(channel) { kind in
        if case .log = kind { return true }
        return false
      }
    guard isWanted else { return }
    if case .lost(let code, let isNew) = log.pointee.append(text), isNew { Pipeline.tell(configuration.log!.file, code) }
  }

  private func writeScores(_ line: inout DecisionLine, _ model: UnsafeMutablePointer<PipelineModel>) {
    line.beginScores(isUnknown: model.pointee.scores.isUnknown)
    var top = InlineArray<5, Score>(repeating: Score(index: 0, real: 0))
    var span = top.mutableSpan
    let count = span.withUnsafeMutableBufferPointer { model.pointee.loaded.engine.topScores(into: $0) }
    for place in 0..<count {
      let score = top[place]
      line.score(
        label: model.pointee.loaded.engine.labelOrEmpty(score.index), index: score.index, score: score.real,
        raw: model.pointee.scores.raw(score.index))
    }
    line.endList()
  }

  private func writeActions(_ line: inout DecisionLine, _ rule: ChannelRule) {
    for action in rule.configuration.actions {
      switch action.kind {
      case .pulse(let number, _, _):
        if rule.outcome.isFired { line.action("pulse", line: lines.name(number)) }
      case .set(let number):
        if rule.outcome.isFired { line.action("set", line: lines.name(number)) }
        if rule.outcome.isReleased { line.action("release", line: lines.name(number)) }
      case .save:
        if rule.outcome.isFired { line.action("save", line: UnsafeRawBufferPointer(start: nil, count: 0)) }
      case .log: continue
      }
    }
  }
}

extension Engine {
  /// Empty where the model has no labels.
  func labelOrEmpty(_ index: Int) -> UnsafeRawBufferPointer {
    index < labelCount ? label(index) : UnsafeRawBufferPointer(start: nil, count: 0)
  }
}
