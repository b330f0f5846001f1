extension ArenaMap {
  private static let width = 1200
  private static let height = 640
  private static let left = 90
  private static let top = 64
  private static let bottom = 56

  /// The plan as a picture: time (operators) goes across, the arena's address goes up, one box is one tensor.
  public func svg(title: String) -> String {
    let plotWidth = ArenaMap.width - ArenaMap.left - 24
    let plotHeight = ArenaMap.height - ArenaMap.top - ArenaMap.bottom
    let columns = Double(max(operatorCount, 1))
    let peak = Double(max(plannedPeakBytes, 1))
    func x(_ time: Int) -> Double { Double(ArenaMap.left) + Double(time) / columns * Double(plotWidth) }
    func y(_ address: Int) -> Double {
      Double(ArenaMap.top + plotHeight) - Double(address) / peak * Double(plotHeight)
    }
    var svg = ArenaMap.header
    svg.add("<text class='title' x='\(ArenaMap.left)' y='28'>\(ArenaMap.escaped(title))</text>\n")
    svg.add("<text x='\(ArenaMap.left)' y='48'>planned peak ")
    svg.add("\(NumberText.grouped(plannedPeakBytes)) bytes, lower bound ")
    svg.add("\(NumberText.grouped(lowerBoundBytes)) bytes, \(boxes.count) tensors, \(operatorCount) operators</text>\n")
    for step in 0...4 {
      let address = plannedPeakBytes * step / 4
      svg.add("<path class='grid' d='M\(ArenaMap.left) \(ArenaMap.number(y(address)))h\(plotWidth)'/>")
      svg.add("<text class='tick' x='\(ArenaMap.left - 8)' y='\(ArenaMap.number(y(address) + 4))'>")
      svg.add("\(NumberText.bytes(address))</text>\n")
    }
    for (index, box) in boxes.enumerated() {
      svg.add(ArenaMap.draw(box, index, x(box.first), x(box.last + 1), y(box.offset + box.byteCount), y(box.offset)))
    }
    if lowerBoundBytes > 0 && lowerBoundBytes <= plannedPeakBytes {
      svg.add("<path class='bound' d='M\(ArenaMap.left) \(ArenaMap.number(y(lowerBoundBytes)))h\(plotWidth)'>")
      svg.add("<title>lower bound: \(NumberText.grouped(lowerBoundBytes)) bytes</title></path>\n")
    }
    let stride = max(1, (operatorCount + 15) / 16)
    for time in Swift.stride(from: 0, to: operatorCount, by: stride) {
      svg.add("<text class='time' x='\(ArenaMap.number((x(time) + x(time + 1)) / 2))' ")
      svg.add("y='\(ArenaMap.top + plotHeight + 18)'>\(time)</text>")
    }
    svg.add("<text class='time' x='\(ArenaMap.left + plotWidth / 2)' y='\(ArenaMap.height - 14)'>operator</text>\n")
    return svg + "</svg>\n"
  }

  private static let header = """
    <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1200 640' font-family='sans-serif' font-size='12' fill='#333'>
    <style>
    .title { font-size: 17px; font-weight: bold } .tick { text-anchor: end; fill: #777 }
    .time { text-anchor: middle; fill: #777 } .grid { stroke: #e4e4e4; fill: none }
    .bound { stroke: #c33; stroke-width: 1.5; stroke-dasharray: 6 4; fill: none }
    rect.box { stroke: #fff; stroke-width: 1 } rect.box:hover { stroke: #000; stroke-width: 2 }
    .name { font-size: 11px; pointer-events: none; fill: #1b1b1b }
    </style>
    <rect width='1200' height='640' fill='#fff'/>

    """

  private static func draw(
    _ box: Box, _ index: Int, _ x0: Double, _ x1: Double, _ y0: Double, _ y1: Double
  ) -> String {
    let width = x1 - x0
    let height = max(y1 - y0, 1)
    // Neighbours in time get hues far apart: the golden angle.
    var svg = "<rect class='box' x='\(number(x0))' y='\(number(y0))' width='\(number(width))' "
    svg.add("height='\(number(height))' ")
    svg.add("rx='2' fill='hsl(\(index * 137 % 360),58%,72%)' fill-opacity='0.9'><title>\(escaped(box.name))\n")
    svg.add("\(NumberText.grouped(box.byteCount)) bytes at \(NumberText.grouped(box.offset))\n")
    svg.add("operators \(box.first) to \(box.last)</title></rect>\n")
    let fits = Int((width - 8) / 7)
    guard height >= 14 && fits >= 8 else { return svg }
    svg.add("<text class='name' x='\(number(x0 + 4))' y='\(number((y0 + y1) / 2 + 4))'>")
    return svg + escaped(shortened(box.name, to: fits)) + "</text>\n"
  }

  /// The end of a name says more than its beginning.
  private static func shortened(_ name: String, to count: Int) -> String {
    var extra = name.unicodeScalars.count - count
    guard extra > 0 else { return name }
    var text = "…"
    for scalar in name.unicodeScalars {
      if extra < 0 { text.unicodeScalars.append(scalar) }
      extra -= 1
    }
    return text
  }

  private static func number(_ value: Double) -> String { NumberText.decimal(value, places: 1) }

  /// XML text; control characters, which XML cannot hold, are spelled out.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.visible().unicodeScalars {
      switch scalar {
      case "&": result.add("&amp;")
      case "<": result.add("&lt;")
      case ">": result.add("&gt;")
      case "'": result.add("&#39;")
      default: result.unicodeScalars.append(scalar.value & 0xFFFE == 0xFFFE ? " " : scalar)
      }
    }
    return result
  }
}
