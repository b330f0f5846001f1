import CMartletLinux

/// How a person names a camera.
public enum CameraAddress: Sendable {
  /// /dev/video0, or a link to it.
  case path(String)
  case bus(String)
  case serial(String)
  /// The name that its driver gives.
  case name(String)

  /// As on a command line: a path, a number of a node, a bus like usb-0000:01:00.0-1.2, or a name.
  public init(_ text: String) {
    if text.utf8.first == UInt8(ascii: "/") {
      self = .path(text)
    } else if !text.isEmpty, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
      self = .path("/dev/video" + text)
    } else if (CameraStreamNumber.atEnd(of: text)?.rest ?? text).utf8.contains(UInt8(ascii: ":")) {
      self = .bus(text)
    } else {
      self = .name(text)
    }
  }

  public var text: String {
    switch self {
    case .path(let text), .bus(let text), .serial(let text), .name(let text): text
    }
  }

  /// Whether it names that camera. What follows the name and is a stream's number names one of its streams.
  private func fits(_ identity: CameraIdentity) -> Bool {
    let (own, asked) =
      switch self {
      case .path: ("", "")
      case .bus(let bus): (identity.bus, bus)
      case .serial(let serial): (identity.serial, serial)
      case .name(let name): (identity.card, name)
      }
    if own.isEmpty { return false }
    if own.isSame(as: asked) { return true }
    guard let (rest, number) = CameraStreamNumber.atEnd(of: asked), own.isSame(as: rest) else { return false }
    return number.index == identity.stream.index
      && (number.interface < 0 || number.interface == identity.stream.interface)
  }

  /// Opens it.
  ///
  /// - Parameter known: what it was when it was last open. Then a camera that is found at a path must be that one, and
  ///   if it is not, the one that is wherever it is plugged in now. By another address any camera is found that it
  ///   names; but of one of the same kind never another stream.
  public func open(
    known: CameraIdentity? = nil, system: CameraSystem = .kernel
  ) throws(CameraError) -> Camera {
    var failure: CameraError?
    if case .path(let path) = self {
      do throws(CameraError) {
        let camera = try Camera(path: path, system: system)
        guard let known, !camera.identity.isSame(as: known) else { return camera }
      } catch {
        guard known != nil else { throw error }
        failure = error
      }
    }
    var search = CameraSearch(known: known)
    var index: Int32 = 0
    while let path = Self.node(index, system) {
      index += 1
      do throws(CameraError) {
        let camera = try Camera(path: path, system: system)
        search.count += 1
        let isKnown = known.map { camera.identity.isSame(as: $0) } ?? false
        if isKnown || fits(camera.identity) { search.consider(camera.identity, path, isKnown: isKnown) }
      } catch {
        // One that is busy or not ours may still be the one that is meant.
        if error.kind == .busy || error.kind == .denied { failure = failure ?? error }
      }
    }
    if let others = search.others { throw CameraError(.ambiguous, text, detail: others) }
    if let path = search.path {
      let camera = try Camera(path: path, system: system)
      if camera.identity.isSame(as: search.best!) { return camera }
    }
    if let failure { throw failure }
    throw CameraError(search.count == 0 && known == nil ? .noCamera : .missing, text)
  }

  /// The path of the index-th video node.
  public static func node(_ index: Int32, _ system: CameraSystem = .kernel) -> String? {
    var path: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    let isThere = withUnsafeMutableBytes(of: &path) { bytes in
      martlet_camera_node(system.tables.baseAddress, index, bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
    return isThere ? FixedText.string(path) : nil
  }
}

/// The best of the cameras that an address names, as they are gone through.
private struct CameraSearch {
  let known: CameraIdentity?
  /// Cameras that there are.
  var count = 0
  private(set) var path: String?
  private(set) var best: CameraIdentity?
  private var isBestKnown = false
  /// Where several are plugged in that nothing tells apart.
  private(set) var others: String?

  init(known: CameraIdentity?) { self.known = known }

  /// The one that was open before; else the first stream of the one that there is.
  mutating func consider(_ identity: CameraIdentity, _ path: String, isKnown: Bool) {
    // The camera is there, and its stream is not: another one of its streams is none.
    if let known, !isKnown, identity.isLike(known), identity.stream != known.stream { return }
    guard let best else { return take(identity, path, isKnown) }
    let isSamePlace = identity.bus.isSame(as: best.bus)
    if isKnown != isBestKnown {
      if isKnown { take(identity, path, isKnown) }
    } else if isSamePlace, identity.stream != best.stream {
      if identity.stream < best.stream { take(identity, path, isKnown) }
    } else if let known, !isSamePlace, known.bus.isSame(as: identity.bus) {
      // Two with one serial number: the one where it was.
      take(identity, path, isKnown)
    } else if isSamePlace || known.map({ !$0.bus.isSame(as: best.bus) }) ?? true {
      others = (others ?? "\(best.bus) (\(self.path!))") + ", \(identity.bus) (\(path))"
    }
  }

  private mutating func take(_ identity: CameraIdentity, _ path: String, _ isKnown: Bool) {
    (best, self.path, isBestKnown, others) = (identity, path, isKnown, nil)
  }
}
