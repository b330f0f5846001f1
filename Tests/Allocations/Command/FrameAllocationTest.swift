import CMartletAllocations
import CMartletLinux
import Martlet
import MartletDevice

/// Nothing allocates from a camera's buffer to the input tensor: frames of every layout, whole and short, and JPEG
/// frames, whole and cut.
enum FrameAllocationTest {
  static let frames = 1000
  private static let (width, height) = (160, 120)

  static func run(_ model: inout LoadedModel, _ pictures: [FilePath]) -> Int32 {
    do throws(PictureError) {
      let target = try model.engine.pictureTarget()
      let raw = try runRaw(target)
      return try runJPEG(&model, pictures) + raw == 0 ? 0 : 1
    } catch {
      Output.write(error.sentence + "\n", to: .error)
      return error.exitCode
    }
  }

  private static func runRaw(_ target: PictureTarget) throws(PictureError) -> Int32 {
    var (sum, done, refused): (Int64, Int, Int) = (0, 0, 0)
    // What a JPEG is decoded to and no camera gives.
    var layouts: [PixelLayout] = [.planar(columnShift: 0, rowShift: 0)]
    for format in PixelFormat.all {
      if case .direct(let layout) = format.reading { layouts.append(layout) }
    }
    for layout in layouts {
      let shape = FrameShape(
        width: width, height: height, layout: layout, stride: FrameShape.leastStride(width: width, layout: layout))
      let regionBytes = FrameResizer.byteCount(
        of: shape, policy: .letterbox, width: target.width, height: target.height, channels: target.channels)
      guard let region = martlet_reserve_memory(regionBytes), let frame = martlet_reserve_memory(shape.byteCount) else {
        throw PictureError(.outOfMemory)
      }
      var resizer = FrameResizer(
        frame: shape, policy: .letterbox, target: target,
        region: UnsafeMutableRawBufferPointer(start: region, count: regionBytes))
      martlet_counting_begin()
      for index in 0..<frames {
        let isShort = index % 10 == 0
        let isDone = resizer.run(UnsafeRawBufferPointer(start: frame, count: shape.byteCount - (isShort ? 1 : 0)))
        if isDone { done += 1 } else { refused += 1 }
      }
      sum += martlet_counting_end()
      martlet_release_memory(region, regionBytes)
      martlet_release_memory(frame, shape.byteCount)
    }
    Output.write("\(sum) allocator calls in \(done) frames of \(layouts.count) layouts, \(refused) short ones\n")
    return sum == 0 && layouts.count >= 10 && done == 9 * refused && refused > 0 ? 0 : 1
  }

  /// Those of the pictures that are JPEG frames.
  private static func runJPEG(_ model: inout LoadedModel, _ pictures: [FilePath]) throws(PictureError) -> Int32 {
    var loader = try PictureLoader(for: model.engine)
    var (sum, done, refused): (Int64, Int, Int) = (0, 0, 0)
    for picture in pictures {
      var file = martlet_mapped_file()
      guard martlet_file_map(picture.cString, &file) == 0 else { continue }
      let frame = UnsafeRawBufferPointer(start: file.bytes, count: file.count)
      if load(frame, &loader, &model) {
        martlet_counting_begin()
        for index in 0..<frames / 10 {
          let isShort = index % 10 == 0
          let bytes = UnsafeRawBufferPointer(rebasing: frame[..<(isShort ? frame.count / 2 : frame.count)])
          if load(bytes, &loader, &model) { done += 1 } else { refused += 1 }
        }
        sum += martlet_counting_end()
      }
      martlet_file_unmap(&file)
    }
    Output.write("\(sum) allocator calls in \(done) JPEG frames, \(refused) cut ones\n")
    return sum == 0 && done == 9 * refused && refused > 0 ? 0 : 1
  }

  private static func load(
    _ frame: UnsafeRawBufferPointer, _ loader: inout PictureLoader, _ model: inout LoadedModel
  ) -> Bool {
    do throws(PictureError) {
      try loader.load(frame: frame, into: model.engine)
      return true
    } catch {
      return false
    }
  }
}
