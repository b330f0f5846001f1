import CMartletKernels
import CMartletLinux
import MartletDevice

/// `martlet devices`: what this machine has that Martlet can use.
enum Devices {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.json])
    if arguments.has(.help) { return try report(Help.devices) }
    guard arguments.paths.isEmpty else { throw .usage("devices takes no arguments; martlet devices --help") }
    var json = JSONWriter()
    var text = ""
    json.begin()
    DevicesCameras.add(to: &json, &text)
    GpioList.add(to: &json, &text)
    machine(&json, &text)
    json.end()
    try report(arguments, json, text)
  }

  // MARK: The machine

  private static func machine(_ json: inout JSONWriter, _ text: inout String) {
    var (total, available): (UInt64, UInt64) = (0, 0)
    martlet_memory_of_machine(&total, &available)
    let temperature = martlet_temperature()
    var sets = ""
    json.beginObject("processor")
    json.beginArray("instruction_sets")
    for raw in 0..<MARTLET_ISA_COUNT.rawValue {
      let isa = martlet_isa(rawValue: raw)
      guard martlet_kernels_for(isa) != nil else { continue }
      let name = InstructionSet.name(isa)
      json.element(name)
      sets.add((sets.isEmpty ? "" : ", ") + name)
    }
    json.endArray()
    json.field("used", InstructionSet.name(martlet_best_isa()))
    json.endObject()
    json.field("memory_bytes", Int(total))
    json.field("available_bytes", Int(available))
    text.add("processor\n  instruction sets: \(sets); \(InstructionSet.name(martlet_best_isa())) is used\n")
    text.add("memory\n  \(NumberText.bytes(Int(total))), \(NumberText.bytes(Int(available))) available\n")
    guard temperature != Int32.min else { return }
    json.field("temperature_celsius", Double(temperature) / 1000, places: 1)
    text.add("temperature\n  \(NumberText.decimal(Double(temperature) / 1000, places: 1)) degrees Celsius\n")
  }
}
