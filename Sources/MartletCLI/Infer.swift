import CMartletLinux
import Martlet
import MartletDevice

/// `martlet infer MODEL --input F... --output F...`: raw tensors in the source model's own types.
enum Infer {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(
      argc, argv, options: [.input, .output, .threads], lists: [.input, .output])
    if arguments.has(.help) { return try report(Help.infer) }
    let file = try ModelOpener.file(try arguments.onlyModel(), verb: "infer")
    let threads = try arguments.threads()
    let isa = try ModelOpener.isa()
    var model = try ModelOpener.load(file, threads: threads, isa: isa)
    let inputs = arguments.files(.input)
    let outputs = arguments.files(.output)
    try expect(inputs.count, model.engine.inputCount, "--input", file.path)
    try expect(outputs.count, model.engine.outputCount, "--output", file.path)
    for index in 0..<inputs.count { try read(inputs[index], into: index, of: &model) }
    model.engine.run(on: model.team)
    for index in 0..<outputs.count { try write(outputs[index], from: index, of: model) }
  }

  private static func expect(
    _ found: Int, _ wanted: Int, _ option: StaticString, _ path: FilePath
  ) throws(CommandError) {
    guard found != wanted else { return }
    let name = option.withUTF8Buffer { String(utf8: UnsafeRawBufferPointer($0)) }
    throw .usage("\(path.text): takes \(wanted) \(name) \(wanted == 1 ? "file" : "files") and was given \(found)")
  }

  private static func read(_ path: FilePath, into index: Int, of model: inout LoadedModel) throws(CommandError) {
    let wanted = model.engine.byteCount(ofInput: index)
    var bytes = [UInt8](repeating: 0, count: wanted)
    var count = 0
    let code = bytes.withUnsafeMutableBytes { martlet_file_read(path.cString, $0.baseAddress, wanted, &count) }
    if code != 0 { throw CommandError(FileError(.read, path, code: code)) }
    martlet_file_keep(path.cString)
    guard count == wanted else {
      let boundary = model.engine.manifest.inputs[index]
      let shape = model.engine.tensor(Int(boundary.tensor)).shapeText
      throw CommandError(
        "\(path.text): holds \(count > wanted ? "more than \(wanted)" : String(count)) bytes; input \(index) is "
          + "\(ElementType.name(boundary.type)) \(shape), \(wanted) bytes", exitCode: ExitCode.data)
    }
    bytes.withUnsafeBytes { model.engine.setInput(index, to: $0) }
  }

  private static func write(_ path: FilePath, from index: Int, of model: borrowing LoadedModel) throws(CommandError) {
    let count = model.engine.byteCount(ofOutput: index)
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { model.engine.readOutput(index, into: $0) }
    let code = bytes.withUnsafeBytes { martlet_file_replace(path.cString, $0.baseAddress, count) }
    if code != 0 { throw CommandError(FileError(.write, path, code: code)) }
    // The next output is another file.
    martlet_file_keep(path.cString)
  }
}
