import Foundation
import Martlet
import MartletDevice

/// One page that explains what quantization did: no script, nothing from elsewhere.
public struct HTMLReport {
  private let report: AccuracyReport
  private let title: String
  private let facts: [(String, String)]
  private let labels: [String]
  private let plan: String
  private let folder: PictureFolder

  /// Layers whose histogram is drawn, and pictures that are shown.
  private static let drawnLayers = 400
  private static let shownPictures = 24

  /// - Parameters:
  ///   - file: the `.martlet` file's bytes.
  ///   - name: its name.
  public init(_ report: AccuracyReport, file: [UInt8], name: String, folder: PictureFolder) throws(ConversionError) {
    let device = try DeviceModel(file, name: name)
    self.report = report
    self.folder = folder
    title = name
    labels = device.labels
    plan = device.arenaMapSVG(title: "The tensors of \(name) in the arena")
    facts =
      [
        ("file", "\(file.count) bytes"), ("arena", "\(device.arenaBytes) bytes with one thread"),
        ("pictures", "\(report.pictureCount)"),
        ("agreement", String(format: "%.1f %% of the pictures have float's best class", 100 * report.agreement)),
        ("outputs", String(format: "%.1f dB, cosine %.5f", report.outputs.signalToNoise, report.outputs.cosine)),
      ]
      + report.provenance.compactMap { line in
        line.firstIndex(of: ":").map {
          (String(line[..<$0]), line[line.index(after: $0)...].trimmingCharacters(in: .whitespaces))
        }
      }
  }

  public func html() -> String {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Plots.escaped(title))</title><style>\(Self.style)</style></head><body>
    <h1>\(Plots.escaped(title)): float and int8</h1>
    \(factTable)
    <h2>Error by layer</h2>
    <p>Signal-to-noise ratio of each tensor against the float model: 6 dB more is half the error.
    Below about 15 dB a layer deserves a look.</p>
    \(Plots.errors(report.layers))
    <h2>Weakest layers</h2>
    \(worstTable)
    \(effectTable)
    <h2>Pictures on which float and int8 disagree</h2>
    \(pictures)
    <h2>Memory</h2>
    <div class="plan">\(plan)</div>
    <h2>Every layer</h2>
    <p>Bars: how often float gives which value, on a logarithmic scale. Shaded: the range of int8.
    Lines: the largest weight of each output channel.</p>
    \(layerDetails)
    \(report.notes.map { "<p class='note'>\(Plots.escaped($0))</p>" }.joined())
    </body></html>

    """
  }

  private var factTable: String {
    "<table class='facts'>"
      + facts.map { "<tr><th>\(Plots.escaped($0.0))</th><td>\(Plots.escaped($0.1))</td></tr>" }.joined() + "</table>"
  }

  private var worstTable: String {
    let headings = ["layer", "dB", "cosine", "cut off", "range", "step", "what to try"]
    var rows = "<table><tr>" + headings.map { "<th>\($0)</th>" }.joined() + "</tr>"
    for layer in report.worstFirst.prefix(12) {
      let (range, step) = (layer.quantization.range, layer.quantization.scale)
      rows += "<tr><td>\(Plots.escaped(layer.name))</td><td>\(Plots.number(layer.statistics.signalToNoise))</td>"
      rows += String(
        format: "<td>%.5f</td><td>%.3f %%</td>", layer.statistics.cosine, 100 * layer.statistics.saturation)
      rows += "<td>\(Plots.short(range.lowerBound)) to \(Plots.short(range.upperBound))</td>"
      rows += "<td>\(Plots.short(step))</td>"
      rows += "<td>\(Plots.escaped(layer.advice ?? ""))</td></tr>"
    }
    return rows + "</table>"
  }

  private var effectTable: String {
    guard let chosen = report.effects.first else { return "" }
    var rows = "<h2>Options</h2><p>What each option would have given, on \(chosen.pictureCount) pictures "
    rows += "that no layer was corrected with where there are as many.</p>"
    rows += "<table><tr><th>option</th><th>outputs, dB</th><th>change</th><th>same best class as float</th></tr>"
    for effect in report.effects {
      rows += "<tr><td>\(Plots.escaped(effect.option))</td><td>\(Plots.number(effect.signalToNoise))</td>"
      rows += "<td>\(String(format: "%+.1f", effect.signalToNoise - chosen.signalToNoise))</td>"
      rows += "<td>\(effect.agreed) of \(effect.pictureCount)</td></tr>"
    }
    return rows + "</table>"
  }

  private var layerDetails: String {
    report.layers.prefix(Self.drawnLayers).map { layer in
      let weights = layer.weightRanges.isEmpty ? "" : Plots.weights(layer.weightRanges)
      return "<details><summary>\(Plots.escaped(layer.name)) "
        + "<span>\(Plots.number(layer.statistics.signalToNoise)) dB</span></summary><div class='plots'>"
        + Plots.histogram(layer) + weights + "</div></details>"
    }.joined(separator: "\n")
  }

  private func label(_ index: Int) -> String {
    Plots.escaped(index < labels.count ? "\(index) \(labels[index])" : "class \(index)")
  }

  private var pictures: String {
    guard !report.disagreements.isEmpty else { return "<p>None.</p>" }
    var html = "<div class='pictures'>"
    for entry in report.disagreements.prefix(Self.shownPictures) {
      html += "<figure>\(image(entry.picture))<figcaption><b>\(Plots.escaped(entry.picture))</b><br>"
      html += "float: \(label(entry.float)), \(Plots.short(entry.floatScore))<br>"
      html += "int8: \(label(entry.int8)), \(Plots.short(entry.int8Score))</figcaption></figure>"
    }
    html += "</div>"
    let more = report.disagreements.count - Self.shownPictures
    return more > 0 ? html + "<p>and \(more) more</p>" : html
  }

  /// The picture itself, inside the page.
  private func image(_ name: String) -> String {
    let kinds = ["jpg": "jpeg", "jpeg": "jpeg", "png": "png", "bmp": "bmp"]
    guard let kind = kinds[(name as NSString).pathExtension.lowercased()],
      let bytes = try? FileAccess.read(folder.path + "/" + name), bytes.count < 2_000_000
    else { return "<div class='none'></div>" }
    return "<img alt='' src='data:image/\(kind);base64,\(Data(bytes).base64EncodedString())'>"
  }

  private static let style = """
    body{font:15px/1.5 system-ui,sans-serif;max-width:1120px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
    h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
    svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:#555}
    .tick{text-anchor:end}.grid{stroke:#ddd;fill:none}
    .good{fill:#3a7d44}.fair{fill:#d99a1c}.bad{fill:#c0392b}
    .range{fill:#cfe3f5}.bar{fill:#2b5d8a}.weights{stroke:#7a4b94;fill:none}
    table{border-collapse:collapse;font-size:.93em}
    td,th{padding:.25em .7em;text-align:left;border-bottom:1px solid #ddd}
    table.facts th{font-weight:600;color:#555}
    details{border-bottom:1px solid #eee;padding:.25em 0}summary{cursor:pointer}summary span{color:#777;float:right}
    .plots{display:grid;grid-template-columns:1fr 1fr;gap:1.5em;padding:.8em 0;align-items:end}
    .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:1em}
    figure{margin:0}figure img,.none{width:100%;height:150px;object-fit:cover;background:#eee;display:block}
    figcaption{font-size:.85em;overflow-wrap:anywhere}.note{color:#777}
    """
}
