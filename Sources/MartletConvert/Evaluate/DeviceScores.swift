import Foundation

/// The scores of a finished file on many pictures, on all processors.
struct DeviceScores {
  private(set) var scores: [[Float]] = []
  /// Of one processor, loading and fitting left out.
  private(set) var secondsPerPicture = 0.0

  init(_ file: [UInt8], name: String, _ pictures: [[UInt8]], channels: Int) throws(ConversionError) {
    let workers = max(1, min(ProcessInfo.processInfo.activeProcessorCount, pictures.count))
    typealias Part = Result<(scores: [[Float]], seconds: Double), ConversionError>
    let parts = inParallel(workers) { worker -> Part in
      do throws(ConversionError) {
        let model = try DeviceModel(file, name: name)
        let mine = stride(from: worker, to: pictures.count, by: workers)
        let begin = DispatchTime.now().uptimeNanoseconds
        let scores = mine.map { model.scores(of: pictures[$0], channels: channels) }
        return .success((scores, Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9))
      } catch {
        return .failure(error)
      }
    }
    scores = Array(repeating: [], count: pictures.count)
    var seconds = 0.0
    for (worker, part) in parts.enumerated() {
      let found = try part.get()
      for (place, row) in found.scores.enumerated() { scores[worker + place * workers] = row }
      seconds += found.seconds
    }
    secondsPerPicture = seconds / Double(max(1, pictures.count))
  }
}
