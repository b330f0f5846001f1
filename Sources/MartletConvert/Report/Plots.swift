import Foundation

/// Small pictures in SVG, for the report.
enum Plots {
  static func escaped(_ text: String) -> String {
    text.visible().replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
      .replacingOccurrences(of: "'", with: "&#39;")
  }

  static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  static func short(_ value: Float) -> String { String(format: "%.3g", value) }

  /// One bar for each layer, in the order in which they run: decibels, higher is better.
  static func errors(_ layers: [AccuracyReport.Layer]) -> String {
    let (width, height, left, bottom) = (1080.0, 260.0, 44.0, 24.0)
    let plot = (width: width - left - 8, height: height - bottom - 8)
    let top = max(40, layers.map { min(60, $0.statistics.signalToNoise) }.max() ?? 40)
    let step = plot.width / Double(max(1, layers.count))
    var svg = "<svg viewBox='0 0 \(number(width)) \(number(height))' role='img' aria-label='error by layer'>"
    for mark in stride(from: 0.0, through: top, by: 10) {
      let y = 8 + plot.height * (1 - mark / top)
      svg += "<path class='grid' d='M\(number(left)) \(number(y))h\(number(plot.width))'/>"
      svg += "<text class='tick' x='\(number(left - 6))' y='\(number(y + 4))'>\(Int(mark))</text>"
    }
    svg += "<text class='tick' x='30' y='\(number(height - 6))'>dB</text>"
    for (index, layer) in layers.enumerated() {
      let value = max(0, min(top, layer.statistics.signalToNoise))
      let size = plot.height * value / top
      let kind = value < 15 ? "bad" : value < 22 ? "fair" : "good"
      svg += "<rect class='\(kind)' x='\(number(left + Double(index) * step))' y='\(number(8 + plot.height - size))' "
      svg += "width='\(number(max(1, step - 1)))' height='\(number(size))'>"
      svg += "<title>\(escaped(layer.name)): \(number(layer.statistics.signalToNoise)) dB</title></rect>"
    }
    svg += "<text x='\(number(left))' y='\(number(height - 6))'>layers in the order in which they run</text></svg>"
    return svg
  }

  /// How often float gives which value, on a logarithmic scale, with the range of its quantization.
  static func histogram(_ layer: AccuracyReport.Layer) -> String {
    guard let seen = layer.distribution, !seen.isEmpty, !seen.bins.isEmpty else { return "" }
    let (width, height) = (520.0, 130.0)
    let (range, stepSize) = (layer.quantization.range, layer.quantization.scale)
    let low = min(Double(seen.minimum), Double(range.lowerBound))
    let high = max(Double(seen.maximum), Double(range.upperBound))
    guard high > low else { return "" }
    let columns = 104
    var counts = Array(repeating: 0.0, count: columns)
    for (bin, count) in seen.bins.enumerated() where count > 0 {
      let place = Int((seen.center(bin) - low) / (high - low) * Double(columns))
      counts[min(columns - 1, max(0, place))] += Double(count)
    }
    let top = log10(1 + (counts.max() ?? 1))
    let step = width / Double(columns)
    func x(_ value: Double) -> Double { (value - low) / (high - low) * width }
    var svg = "<svg viewBox='0 0 \(number(width)) \(number(height + 18))' role='img' aria-label='histogram'>"
    svg += "<rect class='range' x='\(number(x(Double(range.lowerBound))))' y='0' "
    svg += "width='\(number(x(Double(range.upperBound)) - x(Double(range.lowerBound))))' height='\(number(height))'>"
    svg +=
      "<title>int8: \(short(range.lowerBound)) to \(short(range.upperBound)), step \(short(stepSize))</title></rect>"
    for (column, count) in counts.enumerated() where count > 0 {
      let size = max(1, height * log10(1 + count) / max(top, 1e-9))
      svg += "<rect class='bar' x='\(number(Double(column) * step))' y='\(number(height - size))' "
      svg += "width='\(number(step))' height='\(number(size))'/>"
    }
    svg += "<text x='0' y='\(number(height + 14))'>\(short(Float(low)))</text>"
    svg += "<text class='tick' x='\(number(width))' y='\(number(height + 14))'>\(short(Float(high)))</text></svg>"
    return svg
  }

  /// The largest weight of each output channel.
  static func weights(_ ranges: [Float]) -> String {
    guard let largest = ranges.max(), largest > 0 else { return "" }
    let (width, height) = (520.0, 90.0)
    let step = width / Double(ranges.count)
    var path = ""
    for (channel, range) in ranges.enumerated() {
      let y = height * (1 - Double(range / largest))
      path += "M\(number((Double(channel) + 0.5) * step)) \(number(height))V\(number(y))"
    }
    return "<svg viewBox='0 0 \(number(width)) \(number(height + 18))' role='img' aria-label='weights'>"
      + "<path class='weights' style='stroke-width:\(number(max(0.4, step * 0.7)))' d='\(path)'/>"
      + "<text x='0' y='\(number(height + 14))'>\(ranges.count) output channels, largest weight "
      + "\(short(largest)), smallest of them \(short(ranges.min() ?? 0))</text></svg>"
  }
}
