import CMartletLinux
import CMartletPlatform
import Martlet
import MartletDevice

/// A frame in a file to a tensor in a file, and how long that took: for comparing with others.
enum FrameCommand {
  static func usage() -> Int32 {
    Output.write(
      "usage: martlet-frames FILE FORMAT WIDTH HEIGHT TO_WIDTH TO_HEIGHT CHANNELS RUNS OUTPUT\n"
        + "FORMAT is picture, a JPEG file decoded in full, or a camera's (of the least stride, limited range, BT.601;\n"
        + "GREY: full range): \(PixelFormat.list). OUTPUT gets pixel value - 128.\n",
      to: .error)
    return ExitCode.usage
  }

  /// - Parameter numbers: the arguments from WIDTH to RUNS.
  static func run(
    path: UnsafePointer<CChar>, format: Word, numbers: [Int], output: UnsafePointer<CChar>
  ) -> Int32 {
    guard numbers[2...5].allSatisfy({ $0 >= 1 }) else { return usage() }
    var file = martlet_mapped_file()
    let error = martlet_file_map(path, &file)
    guard error == 0 else {
      Output.write(String(cString: path) + ": " + String(cString: martlet_error_text(error)) + "\n", to: .error)
      return ExitCode.noInput
    }
    // As a camera has it: in memory that is there.
    let bytes = UnsafeRawBufferPointer(start: file.bytes, count: file.count)
    let values = UnsafeMutablePointer<Int8>.allocate(capacity: numbers[2] * numbers[3] * numbers[4])
    let table = UnsafeMutablePointer<Int8>.allocate(capacity: 768)
    for index in 0..<768 { table[index] = Int8(index % 256 - 128) }
    let target = PictureTarget(
      width: numbers[2], height: numbers[3], channels: numbers[4], values: values, table: table)
    var times = [UInt64](repeating: 0, count: numbers[5])
    var isDone = false
    let reading = FourCC(format.text).map { PixelFormat.of($0).reading }
    do throws(PictureError) {
      isDone =
        try reading == .jpeg || format == "picture"
        ? runJPEG(bytes, isFrame: reading == .jpeg, target, &times)
        : run(bytes, reading, numbers[0], numbers[1], target, &times)
    } catch {
      Output.write(String(cString: path) + ": " + error.sentence + "\n", to: .error)
      return error.exitCode
    }
    guard isDone else { return usage() }
    times.sort()
    Output.write("\(times[times.count / 2]) ns\n")
    let count = target.width * target.height * target.channels
    return martlet_file_replace(output, values, count) == 0 ? 0 : ExitCode.system
  }

  private static func runJPEG(
    _ bytes: UnsafeRawBufferPointer, isFrame: Bool, _ target: PictureTarget, _ times: inout [UInt64]
  ) throws(PictureError) -> Bool {
    var loader = try PictureLoader(width: target.width, height: target.height, channels: target.channels)
    for run in times.indices {
      let start = martlet_now_ns()
      if isFrame {
        try loader.load(frame: bytes, into: target, policy: .stretch)
      } else {
        try loader.load(bytes: bytes, into: target, policy: .stretch)
      }
      times[run] = martlet_now_ns() - start
    }
    return true
  }

  private static func run(
    _ bytes: UnsafeRawBufferPointer, _ reading: PixelFormat.Reading?, _ width: Int, _ height: Int,
    _ target: PictureTarget, _ times: inout [UInt64]
  ) -> Bool {
    guard case .direct(let layout) = reading else { return false }
    let shape = FrameShape(
      width: width, height: height, layout: layout, stride: FrameShape.leastStride(width: width, layout: layout),
      isFullRange: layout.planes == .grey)
    guard shape.isValid, bytes.count >= shape.byteCount else { return false }
    let regionBytes = FrameResizer.byteCount(
      of: shape, policy: .stretch, width: target.width, height: target.height, channels: target.channels)
    guard let region = martlet_reserve_memory(regionBytes) else { return false }
    var resizer = FrameResizer(
      frame: shape, policy: .stretch, target: target,
      region: UnsafeMutableRawBufferPointer(start: region, count: regionBytes))
    for run in times.indices {
      let start = martlet_now_ns()
      guard resizer.run(bytes) else { return false }
      times[run] = martlet_now_ns() - start
    }
    return true
  }
}
