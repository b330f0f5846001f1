import CMartletAllocations
import CMartletKernels
import Martlet
import MartletDevice

/// Nothing allocates between the end of load and the last token: reading a prompt, choosing each token in every way,
/// its bytes, stop texts, a constraint, a context that slides, a session to and fro, and what is refused.
enum LanguageAllocationTest {
  static let steps = 200
  private static let prompt: StaticString = "Once upon a time in 1876: ¿Qué? 鳥"
  private static let stop: StaticString = "a text that no answer has"
  private static let schema: StaticString = """
    {"type": "array", "minItems": 40, "items": {"type": "object", "properties": {"name": {"type": "string"}, \
    "age": {"type": "integer", "minimum": 0}, "kind": {"enum": ["bird", "fish"]}}, "required": ["name", "age"], \
    "additionalProperties": false}}
    """
  private static let wrongSchema: StaticString = "{\"type\": \"array\", \"minContains\": 3}"

  /// One way to write a text.
  private struct Way {
    var name: StaticString
    var context = 512
    var isSampled = false
    var isConstrained = false
    var slides = false
  }

  static func run(_ file: borrowing ModelFile, threads: Int) throws(ModelError) -> Int32 {
    let description = try LanguageDescription(file: file.bytes)
    var ways = [
      Way(name: "greedy"), Way(name: "sampled", isSampled: true),
      Way(name: "in a sliding context", context: 64, isSampled: true, slides: true),
    ]
    if description.tokenizer != nil { ways.append(Way(name: "constrained", isSampled: true, isConstrained: true)) }
    var code: Int32 = 0
    for var way in ways {
      way.context = min(way.context, Int(description.record.contextLength))
      if try run(way, file, threads: threads) != 0 { code = 1 }
    }
    return code
  }

  private static func run(_ way: Way, _ file: borrowing ModelFile, threads: Int) throws(ModelError) -> Int32 {
    var options = GeneratorOptions()
    options.language = LanguageOptions(contextLength: way.context, threads: threads)
    options.constraintBytes = Constraint.workBytes(schemaBytes: schema.utf8CodeUnitCount)
    var sampling = SamplingOptions()
    if way.isSampled {
      sampling.temperature = 0.8
      sampling.repeatPenalty = 1.1
    }
    var model = try LoadedGenerator(file, options: options, sampling: sampling, isa: martlet_best_isa())
    if way.slides { model.generator.policy = .slide }
    model.generator.kept = 4
    // Header, tokens and cache are the arena's bytes at most.
    let session = try MappedMemory(byteCount: model.generator.budget.arenaBytes)
    let second = try MappedMemory(byteCount: model.generator.budget.arenaBytes)
    var sum: Int64 = 0
    var written = -1
    martlet_counting_begin()
    do throws(LanguageError) {
      written = try write(way, &model)
      if try !round(&model, session.bytes) { written = -1 }
    } catch {}
    let refused = refuse(file, &model, options, second.bytes)
    sum = martlet_counting_end()
    Output.write(
      "\(sum) allocator calls in \(written) tokens \(way.name), \(refused) refusals, at \(model.team.threads) threads:"
        + AllocationTest.details() + "\n")
    return sum == 0 && written == steps && refused == 4 ? 0 : 1
  }

  /// Reads the prompt and writes tokens, from the prompt again where the context is full or the constraint satisfied.
  private static func write(_ way: Way, _ model: inout LoadedGenerator) throws(LanguageError) -> Int {
    try constrain(way, &model)
    var prompt = try read(&model)
    var stops = StopStrings()
    _ = stop.withUTF8Buffer { stops.add(UnsafeRawBufferPointer($0)) }
    var assembler = UTF8Assembler()
    var characters = 0
    var written = 0
    while written < steps {
      guard let token = try model.generator.next(on: model.team) else {
        try constrain(way, &model)
        model.generator.rewind(to: 0)
        prompt = try read(&model)
        continue
      }
      written += 1
      if let bytes = model.generator.tokenizer?.bytes(of: token, special: false) {
        for byte in bytes {
          _ = stops.push(byte) { byte in characters += push(byte, &assembler) }
        }
      }
    }
    stops.finish { byte in characters += push(byte, &assembler) }
    return prompt > 0 && characters >= 0 ? written : -1
  }

  private static func push(_ byte: UInt8, _ assembler: inout UTF8Assembler) -> Int {
    var whole = InlineArray<16, UInt8>(repeating: 0)
    var byte = byte
    return withUnsafeBytes(of: &byte) { source in
      withUnsafeMutableBytes(of: &whole) { assembler.push(source, into: $0) }
    }
  }

  /// The prompt's tokens, or any tokens where there is no tokenizer.
  private static func read(_ model: inout LoadedGenerator) throws(LanguageError) -> Int {
    if model.generator.tokenizer != nil {
      let text = UnsafeRawBufferPointer(start: prompt.utf8Start, count: prompt.utf8CodeUnitCount)
      return try model.generator.append(text, parsesSpecial: true, isStart: true, on: model.team)
    }
    var ids = InlineArray<8, Int32>(repeating: 1)
    ids[3] = 2
    let count = try withUnsafeBytes(of: ids) { (bytes) throws(LanguageError) in
      try model.generator.place(bytes.assumingMemoryBound(to: Int32.self))
    }
    try model.generator.append(model.generator.encoded(count), on: model.team)
    return count
  }

  private static func constrain(_ way: Way, _ model: inout LoadedGenerator) throws(LanguageError) {
    guard way.isConstrained else { return }
    guard let constraint = compile(schema, model.generator.constraintRegion) else { throw .stuck }
    try model.generator.constrain(by: constraint)
  }

  private static func compile(_ text: StaticString, _ region: UnsafeMutableRawBufferPointer) -> Constraint? {
    let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    do throws(ConstraintError) {
      return try Constraint(jsonSchema: bytes, region: region)
    } catch {
      return nil
    }
  }

  /// Saves the session into a buffer, takes it up again, and goes on from it.
  private static func round(
    _ model: inout LoadedGenerator, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(LanguageError) -> Bool {
    let length = model.generator.length
    var used = 0
    model.generator.save { piece in
      if !piece.isEmpty, piece.count <= buffer.count - used {
        (buffer.baseAddress! + used).copyMemory(from: piece.baseAddress!, byteCount: piece.count)
      }
      used += piece.count
    }
    guard used <= buffer.count else { return false }
    do throws(SessionError) {
      try model.generator.restore(UnsafeRawBufferPointer(rebasing: buffer[..<used]))
    } catch {
      return false
    }
    try model.generator.constrain(by: nil)
    let isSame = model.generator.length == length
    let token = try model.generator.next(on: model.team)
    return isSame && token != nil
  }

  // MARK: Errors

  /// How many of four wrong things were refused: a file that is cut short, twice; a session that is none; a schema.
  private static func refuse(
    _ file: borrowing ModelFile, _ model: inout LoadedGenerator, _ options: GeneratorOptions,
    _ region: UnsafeMutableRawBufferPointer
  ) -> Int {
    var refused = 0
    let cut = UnsafeRawBufferPointer(rebasing: file.bytes[..<(file.bytes.count / 2)])
    do throws(ModelError) {
      _ = try TextGenerator.budget(of: cut, options: options)
    } catch {
      refused += 1
    }
    do throws(ModelError) {
      _ = try TextGenerator(
        file: cut, region: region, options: options, sampling: SamplingOptions(), isa: martlet_best_isa())
    } catch {
      refused += 1
    }
    do throws(SessionError) {
      try model.generator.restore(cut)
    } catch {
      refused += 1
    }
    if compile(wrongSchema, model.generator.constraintRegion) == nil { refused += 1 }
    return refused
  }
}
