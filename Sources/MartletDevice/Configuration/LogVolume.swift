import Martlet

/// How much a camera's decisions add to the log: by a record as it will be written, with labels of the usual length.
public struct LogVolume {
  public let bytesPerRecord: Int
  /// nil: nobody knows how many there will be (a line triggers, or pictures take the place of a camera).
  public let recordsPerDay: Double?

  private static let secondsPerDay: Double = 24 * 60 * 60

  public init(_ camera: CameraConfiguration, _ model: ModelConfiguration, _ facts: ConfigurationCheck.ModelFacts) {
    bytesPerRecord = LogVolume.record(camera, model, facts)
    switch (camera.source, camera.trigger) {
    case (_, .interval(let ns)): recordsPerDay = LogVolume.secondsPerDay * 1e9 / Double(ns)
    case (_, .line), (.pictures, .frames): recordsPerDay = nil
    case (_, .frames):
      recordsPerDay = LogVolume.secondsPerDay * (camera.rate > 0 ? camera.rate : Double(Camera.usualRate))
    }
  }

  public var bytesPerDay: UInt64? { recordsPerDay.map { UInt64($0 * Double(bytesPerRecord)) } }

  /// The keys and punctuation of a record, with numbers of a service that has run for a year; a score without its
  /// label; a rule without its name.
  private static let (recordBytes, scoreBytes, ruleBytes) = (240, 51, 26)
  /// The best so many are recorded.
  private static let scores = 5

  private static func record(
    _ camera: CameraConfiguration, _ model: ModelConfiguration, _ facts: ConfigurationCheck.ModelFacts
  ) -> Int {
    var bytes = recordBytes + camera.name.utf8.count + model.name.utf8.count
    bytes += min(facts.outputCount, scores) * (scoreBytes + facts.labelBytes)
    for index in camera.rules.indices { bytes += ruleBytes + camera.rules[index].name.utf8.count }
    return bytes
  }
}
