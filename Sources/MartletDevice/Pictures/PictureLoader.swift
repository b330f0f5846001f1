import CMartletLinux
import Martlet

/// Brings picture files into a model's input: decoded, turned, fitted, quantized, in one pass over the rows.
///
/// All memory is taken at the start: loading a picture allocates nothing.
public struct PictureLoader: ~Copyable {
  var reader: PictureReader
  private let region: UnsafeMutableRawBufferPointer
  /// The tables of the last frame, which most likely fit the next one, in memory of their own.
  var frames: FrameResizer?
  var frameKey: FrameKey?
  let frameRegion: UnsafeMutableRawBufferPointer
  let width: Int
  let height: Int
  let channels: Int

  /// For targets of exactly these sizes.
  public init(
    width: Int, height: Int, channels: Int, memoryBytes: Int = PictureReader.defaultMemoryBytes
  ) throws(PictureError) {
    let limit = Resizer.byteCountLimit(
      pictureWidth: Int(MARTLET_PICTURE_MAX_SIDE), width: width, height: height, channels: channels)
    let bytes = (limit + 63) & ~63
    let frameBytes = FrameResizer.byteCountLimit(width: width, height: height)
    guard let start = martlet_reserve_memory(bytes + frameBytes) else { throw PictureError(.outOfMemory) }
    do throws(PictureError) {
      reader = try PictureReader(memoryBytes: memoryBytes)
    } catch {
      martlet_release_memory(start, bytes + frameBytes)
      throw error
    }
    region = UnsafeMutableRawBufferPointer(start: start, count: bytes)
    frameRegion = UnsafeMutableRawBufferPointer(start: start + bytes, count: frameBytes)
    self.width = width
    self.height = height
    self.channels = channels
  }

  /// For an engine's first input.
  public init(
    for engine: borrowing Engine, memoryBytes: Int = PictureReader.defaultMemoryBytes
  ) throws(PictureError) {
    let target = try engine.pictureTarget()
    try self.init(width: target.width, height: target.height, channels: target.channels, memoryBytes: memoryBytes)
  }

  deinit { martlet_release_memory(region.baseAddress, region.count + frameRegion.count) }

  /// Fills the engine's first input.
  ///
  /// - Parameter policy: the model's own if nil.
  public mutating func load(
    path: FilePath, into engine: borrowing Engine, policy: ResizePolicy? = nil
  ) throws(PictureError) {
    let own = ResizePolicy(rawValue: engine.manifest.resizePolicy) ?? .stretch
    try load(
      path: path, into: try engine.pictureTarget(), policy: policy ?? own,
      shorterSide: Int(engine.manifest.shorterSide))
  }

  /// Fills a target of the loader's sizes. After an error its values mean nothing.
  public mutating func load(
    path: FilePath, into target: PictureTarget, policy: ResizePolicy, shorterSide: Int = 0
  ) throws(PictureError) {
    let shape = try reader.open(path: path)
    defer { reader.close() }
    try load(shape, into: target, policy: policy, shorterSide: shorterSide)
  }

  /// The same from a picture file's bytes in memory.
  public mutating func load(
    bytes: UnsafeRawBufferPointer, into target: PictureTarget, policy: ResizePolicy, shorterSide: Int = 0
  ) throws(PictureError) {
    let shape = try reader.open(bytes: bytes)
    defer { reader.close() }
    try load(shape, into: target, policy: policy, shorterSide: shorterSide)
  }

  private mutating func load(
    _ shape: PictureShape, into target: PictureTarget, policy: ResizePolicy, shorterSide: Int
  ) throws(PictureError) {
    precondition(target.width == width && target.height == height && target.channels == channels)
    var resizer = Resizer(
      picture: shape, policy: policy, shorterSide: shorterSide, target: target, region: region)
    for _ in 0..<shape.height { resizer.push(row: try reader.readRow()) }
  }
}

extension ModelTables where Self: ~Copyable {
  /// Whether the first input is a place for a picture.
  var takesPicture: Bool {
    guard manifest.inputCount > 0, pixels != nil else { return false }
    let record = tensor(Int(manifest.inputs[0].tensor))
    let sides = 1...UInt32(ResizeGeometry.maxSide)
    return record.rank == 4 && record.type == ElementType.int8.rawValue && record.dims[0] == 1
      && sides.contains(record.dims[1]) && sides.contains(record.dims[2])
      && (record.dims[3] == 1 || record.dims[3] == 3)
  }
}

extension Engine {
  /// The first input as a place for a picture; an error if it is none.
  public func pictureTarget() throws(PictureError) -> PictureTarget {
    guard takesPicture, let table = pixels else { throw PictureError(.modelTakesNoPicture) }
    let record = tensor(Int(manifest.inputs[0].tensor))
    guard let values = bytes(ofInput: 0).baseAddress else { throw PictureError(.modelTakesNoPicture) }
    return PictureTarget(
      width: Int(record.dims[2]), height: Int(record.dims[1]), channels: Int(record.dims[3]),
      isBlueFirst: manifest.channelOrder == 1, values: values.assumingMemoryBound(to: Int8.self), table: table)
  }
}
