import Foundation
import Martlet
import MartletDevice

/// How a picture becomes an input: its size, and which part of it is used.
public struct PictureFit: Equatable, Sendable {
  public var width: Int
  public var height: Int
  /// 1 or 3.
  public var channels: Int
  public var policy: ResizePolicy
  /// See `ManifestRecord.shorterSide`.
  public var shorterSide: Int
}

/// The pictures of a folder, by name.
public struct PictureFolder: Sendable {
  public let path: String
  /// File names, sorted.
  public private(set) var names: [String]

  static let endings: Set<String> = ["jpg", "jpeg", "png", "bmp", "ppm", "pgm"]

  public init(_ path: String) throws(ConversionError) {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw ConversionError(.missingFile, "\(path): no such folder")
    }
    guard isDirectory.boolValue else { throw ConversionError(.missingFile, "\(path): is not a folder") }
    guard let found = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw ConversionError(.missingFile, "\(path): permission denied")
    }
    self.path = path
    names = found.filter { Self.endings.contains(($0 as NSString).pathExtension.lowercased()) }.sorted()
    guard !names.isEmpty else {
      throw ConversionError(.missingFile, "\(path): holds no pictures (JPEG, PNG, BMP, PPM, PGM)")
    }
  }

  /// At most `count` of them, evenly over the sorted names.
  public mutating func thin(to count: Int) {
    guard count < names.count else { return }
    names = (0..<count).map { names[$0 * names.count / count] }
  }

  public mutating func keep(_ wanted: [String]) { names = wanted }

  /// One picture, fitted: [height, width, channels], 0...255. Read by what the device reads with.
  public func picture(_ index: Int, _ fit: PictureFit) throws(ConversionError) -> [UInt8] {
    let file = path + "/" + names[index]
    let result: Result<[UInt8], PictureError> = file.withCString { cString in
      do throws(PictureError) {
        return .success(
          try Picture(
            path: FilePath(cString), width: fit.width, height: fit.height, channels: fit.channels, policy: fit.policy,
            shorterSide: fit.shorterSide
          ).values)
      } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let values): return values
    case .failure(let error):
      throw ConversionError(error.exitCode == ExitCode.noInput ? .missingFile : .badData, "\(file): \(error.sentence)")
    }
  }

  /// All pictures, fitted, on all processors.
  public func pictures(_ fit: PictureFit) throws(ConversionError) -> [[UInt8]] {
    let results = inParallel(names.count) { index -> Result<[UInt8], ConversionError> in
      do throws(ConversionError) { return .success(try picture(index, fit)) } catch { return .failure(error) }
    }
    var pictures: [[UInt8]] = []
    for result in results { pictures.append(try result.get()) }
    return pictures
  }
}

/// Fitted pictures as the input of a float graph.
struct PictureSamples: SampleSource {
  let pictures: [[UInt8]]
  let channels: Int
  let normalization: Normalization

  var count: Int { pictures.count }

  func sample(_ index: Int) -> [Float] {
    let tables = (0..<channels).map { channel in
      (0..<256).map { (Float($0) - normalization.mean[channel]) / normalization.standardDeviation[channel] }
    }
    var result: [Float] = []
    result.reserveCapacity(pictures[index].count)
    for (place, pixel) in pictures[index].enumerated() { result.append(tables[place % channels][Int(pixel)]) }
    return result
  }
}
