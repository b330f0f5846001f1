import CMartletLinux
import Martlet

/// Picture files in place of a camera, in the order of their names.
struct PictureSource: ~Copyable {
  private let list: UnsafeMutablePointer<CChar>
  private let bytes: Int
  let count: Int
  private let isRepeated: Bool
  private var at = 0
  /// How many were taken.
  private(set) var taken = 0
  private var loader: PictureLoader

  init(path: String, isRepeated: Bool, place: FrameInput.Place) throws(PictureError) {
    var list: UnsafeMutablePointer<CChar>?
    var (bytes, count): (Int, UInt32) = (0, 0)
    let code = path.withPath { martlet_list_pictures($0, &list, &bytes, &count) }
    guard code == 0, let list else { throw PictureError(folder: code) }
    do throws(PictureError) {
      loader = try PictureLoader(
        width: place.target.width, height: place.target.height, channels: place.target.channels)
    } catch {
      martlet_free_list(list)
      throw error
    }
    self.list = list
    self.bytes = bytes
    self.count = Int(count)
    self.isRepeated = isRepeated
  }

  deinit { martlet_free_list(list) }

  /// Nothing more comes.
  var isFinished: Bool { count == 0 || !isRepeated && taken >= count }

  /// The path of the next picture; it stays valid.
  mutating func next() -> FilePath {
    let path = FilePath(list + at)
    at += martlet_text_bytes(path.cString) + 1
    if at >= bytes { at = 0 }
    taken += 1
    return path
  }

  /// Brings a picture into the model's input, as `martlet classify` does.
  mutating func load(_ path: FilePath, into place: FrameInput.Place) throws(PictureError) {
    try loader.load(path: path, into: place.target, policy: place.policy, shorterSide: place.shorterSide)
  }
}
