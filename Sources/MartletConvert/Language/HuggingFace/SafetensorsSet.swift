import Foundation

/// The weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
struct SafetensorsSet {
  private let files: [SafetensorsFile]
  /// Tensor's name to index of its file.
  private let places: [String: Int]

  init(folder: String) throws(ConversionError) {
    let single = "\(folder)/model.safetensors"
    let index = "\(folder)/model.safetensors.index.json"
    if FileManager.default.fileExists(atPath: single) {
      files = [try SafetensorsFile(MappedFile(single))]
    } else if FileManager.default.fileExists(atPath: index) {
      files = try Self.shards(MappedFile(index), folder: folder)
    } else {
      throw ConversionError(.missingFile, "neither model.safetensors nor model.safetensors.index.json is there")
    }
    var places: [String: Int] = [:]
    for (number, file) in files.enumerated() {
      for name in file.tensors.keys {
        guard places.updateValue(number, forKey: name) == nil else {
          throw .badData("tensor \(printable(name)): is in more than one shard")
        }
      }
    }
    self.places = places
  }

  private static func shards(_ index: MappedFile, folder: String) throws(ConversionError) -> [SafetensorsFile] {
    let json = try JSONObject(index.content(limit: LanguageLimits.jsonBytes), place: index.name)
    guard let map = try json.object("weight_map") else { throw json.missing("weight_map") }
    var shardOf: [String: String] = [:]
    for key in map.keys { shardOf[key] = try map.text(key) }
    let names = Set(shardOf.values).sorted()
    guard names.count <= LanguageLimits.shards else { throw .badData("\(map.place): \(names.count) shards") }
    var files: [String: SafetensorsFile] = [:]
    for name in names {
      guard name.hasSuffix(".safetensors"), !name.contains("/"), !name.contains("\\"), !name.contains("\0") else {
        throw .badData("\(map.place): \(printable(name)) is not the name of a safetensors file in the folder")
      }
      files[name] = try SafetensorsFile(MappedFile("\(folder)/\(name)"))
    }
    for (tensor, name) in shardOf.sorted(by: { $0.key < $1.key }) where files[name]?.tensors[tensor] == nil {
      throw .badData("\(printable(name)): tensor \(printable(tensor)) is missing")
    }
    return names.compactMap { files[$0] }
  }

  var names: [String] { places.keys.sorted() }

  func tensor(_ name: String) -> SafetensorsFile.Tensor? { places[name].flatMap { files[$0].tensors[name] } }

  func values(_ name: String) throws(ConversionError) -> [Float] {
    guard let place = places[name], let tensor = files[place].tensors[name] else {
      throw .badData("tensor \(printable(name)) is missing")
    }
    return try files[place].values(tensor)
  }

  /// Whether two tensors hold the same bytes.
  func areSame(_ one: String, _ other: String) -> Bool {
    guard let first = places[one], let second = places[other], let a = tensor(one), let b = tensor(other),
      a.typeName == b.typeName, a.shape == b.shape
    else { return false }
    let (left, right) = (files[first].bytes(a), files[second].bytes(b))
    guard let start = left.baseAddress, let end = right.baseAddress else { return left.count == right.count }
    return memcmp(start, end, left.count) == 0
  }

  var sha256: String {
    if files.count == 1 { return files[0].file.sha256 }
    return SHA256.hexDigest(of: Array(files.map(\.file.sha256).joined().utf8))
  }
}
