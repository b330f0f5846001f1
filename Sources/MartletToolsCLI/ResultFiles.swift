import Foundation
import MartletConvert

/// The files that a verb writes.
enum ResultFiles {
  /// Refuses, before any work is done, a result that would take the place of a source, of a picture in `folder`, or of
  /// another result.
  static func check(_ results: [String?], sources: [String?], folder: PictureFolder? = nil) throws {
    let results = results.compactMap { $0 }
    let places = results.map(place)
    for (index, result) in results.enumerated() {
      guard let own = places[index] else { continue }
      if sources.contains(where: { $0.flatMap(place) == own }) {
        throw ConversionError(.badRequest, "\(result): is the source itself")
      }
      if places[..<index].contains(own) {
        throw ConversionError(.badRequest, "\(result): is the name of two results")
      }
      if let folder, folder.names.contains(where: { place("\(folder.path)/\($0)") == own }) {
        throw ConversionError(.badRequest, "\(result): is one of the pictures")
      }
    }
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    var (there, own) = (stat(), stat())
    if stat(path, &there) == 0, fstat(STDOUT_FILENO, &own) == 0 {
      if there.st_ino == own.st_ino, there.st_dev == own.st_dev { StandardOutput.isData = true }
    }
    try FileAccess.write(bytes, to: path)
  }

  /// What tells a file from another, by whatever name; nil for what is no file and can take anything.
  private static func place(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      return URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    return "\(status.st_dev):\(status.st_ino)"
  }
}
