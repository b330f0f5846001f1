import CMartletAllocations
import Martlet
import MartletDevice

/// Nothing allocates while pictures are decoded, fitted and classified: libjpeg and libpng work in the loader's region.
/// A file that is no picture fails without an allocation too.
enum PictureAllocationTest {
  static let rounds = 20

  static func run(_ model: inout LoadedModel, _ pictures: [FilePath]) -> Int32 {
    do throws(PictureError) {
      var loader = try PictureLoader(for: model.engine)
      var failures = 0
      martlet_counting_begin()
      for _ in 0..<rounds {
        var index = 0
        while index < pictures.count {
          if !classify(pictures[index], &loader, &model) { failures += 1 }
          index += 1
        }
      }
      let sum = martlet_counting_end()
      Output.write(
        "\(sum) allocator calls in \(rounds) rounds over \(pictures.count) pictures, \(failures / rounds) refused:"
          + AllocationTest.details() + "\n")
      return sum == 0 ? 0 : 1
    } catch {
      Output.write(error.sentence + "\n", to: .error)
      return error.exitCode
    }
  }

  private static func classify(_ path: FilePath, _ loader: inout PictureLoader, _ model: inout LoadedModel) -> Bool {
    do throws(PictureError) {
      try loader.load(path: path, into: model.engine)
      model.engine.run(on: model.team)
      return true
    } catch {
      return false
    }
  }
}
