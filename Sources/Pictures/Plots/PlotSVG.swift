import Foundation

extension Plot {
    package static let colours = ["#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2"]

    /// The same colours where the page is dark: lighter.
    package static var darkStyle: String {
        zip(colours, ["#60a5fa", "#f87171", "#34d399", "#fbbf24", "#a78bfa", "#22d3ee"]).map { light, dark in
            "[stroke=\"\(light)\"] { stroke: \(dark) } [fill=\"\(light)\"] { fill: \(dark) }"
        }.joined(separator: " ")
    }

    /// For a page: drawn so small that its letters are still read where a phone makes it narrower, in the page's
    /// colours.
    package var figure: String { svg(width: 460, height: 250, fontSize: 14) }

    /// An SVG element that also stands alone as a file; there it needs a background of its own. Lines and letters have
    /// the colour of the text around it.
    package func svg(
        width: Double = 760, height: Double = 320, fontSize size: Double = 12, background: Bool = false
    ) -> String {
        let left =
            max(size * 2.5, Double(yTicks.map(\.label.columns).max() ?? 0) * size * 0.6 + 8)
            + (yLabel.isEmpty ? 0 : size * 1.4)
        let right = width - 16, bottom = height - size * (xLabel.isEmpty ? 2.2 : 3.3)
        let keys = keyPlaces(from: left, to: right, size), above = title.isEmpty ? size * 1.2 : size * 2.7
        // The names of the curves stand above the axes, where no curve runs through them; at most half the height is
        // theirs.
        let top = min(above + Double((keys.last?.row ?? -1) + 1) * size * 1.5, height / 2)
        func px(_ at: Double) -> Double {
            left + (at - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-12) * (right - left)
        }
        func py(_ at: Double) -> Double {
            bottom - (at - y.lowerBound) / max(y.upperBound - y.lowerBound, 1e-12) * (bottom - top)
        }
        let alone = background ? " color=\"#374151\"" : "", words = HTML.escape(summary)
        var out =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(words)\"\(alone) "
            + "font-family=\"system-ui, sans-serif\" font-size=\"\(Int(size))\"><title>\(words)</title>"
        if background { out += "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>" }
        if !title.isEmpty { out += text((left + right) / 2, size * 1.5, title, "middle") }
        for case .heat(let map) in layers {
            let png = PNG.encode(width: map.width, height: map.height, rgb: map.rgb)
            out +=
                String(
                    format:
                        "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" href=\"",
                    left, top, right - left, bottom - top) + HTML.data("image/png", png) + "\"/>"
        }
        for tick in yTicks {
            out +=
                line(left, py(tick.at), hasHeat ? left - 4 : right, py(tick.at), hasHeat ? 0.6 : 0.15)
                + text(left - 6, py(tick.at) + size * 0.35, tick.label, "end")
        }
        var end = -1.0   // of the last number at the axis
        for tick in xTicks {
            out += line(px(tick.at), bottom, px(tick.at), bottom + 4, 0.6)
            let half = Double(tick.label.columns) * size * 0.3
            guard px(tick.at) - half > end + size * 0.4 else { continue }
            end = px(tick.at) + half
            out += text(min(px(tick.at), width - half), bottom + size * 1.5, tick.label, "middle")
        }
        out += line(left, bottom, right, bottom, 0.6)
        if !xLabel.isEmpty { out += text((left + right) / 2, height - size * 0.4, xLabel, "middle") }
        if !yLabel.isEmpty {
            out +=
                String(
                    format:
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"currentColor\" transform=\"rotate(-90 %.1f %.1f)\">",
                    size * 1.2, (top + bottom) / 2, size * 1.2, (top + bottom) / 2)
                + HTML.escape(yLabel) + "</text>"
        }
        var curve = 0
        for layer in layers {
            switch layer {
            case .heat: break
            case .band(let steps):
                let scale = (right - left) / Double(max(steps.count, 1))
                let upper = steps.enumerated().map {
                    String(format: "%.1f,%.1f", left + (Double($0) + 0.5) * scale, py($1.high))
                }
                let lower = steps.enumerated().reversed().map {
                    String(format: "%.1f,%.1f", left + (Double($0) + 0.5) * scale, py($1.low))
                }
                out +=
                    "<polygon fill=\"\(Self.colours[0])\" stroke=\"\(Self.colours[0])\" stroke-width=\"0.7\" points=\"\((upper + lower).joined(separator: " "))\"/>"
            case .bars(let bars):
                for bar in bars where bar.height > 0 {
                    let from = px(bar.from), to = px(bar.to), gap = to - from > 4 ? 0.5 : 0
                    out += String(
                        format: "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%@\"/>",
                        from + gap, py(bar.height), max(to - from - 2 * gap, 0.5), py(0) - py(bar.height),
                        Self.colours[0])
                }
            case .line(_, let points):
                let path = points.map { String(format: "%.1f,%.1f", px($0.x), py($0.y)) }.joined(separator: " ")
                out +=
                    "<polyline fill=\"none\" stroke=\"\(Self.colours[curve % Self.colours.count])\" stroke-width=\"2\"\(dashes(curve)) points=\"\(path)\"/>"
                if points.count == 1 { out += dot(px(points[0].x), py(points[0].y), 3, curve) }
                curve += 1
            case .points(_, let points):
                for point in points { out += dot(px(point.x), py(point.y), points.count > 300 ? 1.5 : 2.5, curve) }
                curve += 1
            }
        }
        for (i, key) in keys.enumerated() where above + Double(key.row) * size * 1.5 < top {
            let y = above + Double(key.row) * size * 1.5
            out +=
                hasPoints
                ? dot(key.x + 9, y, 3.5, i)
                : "<line x1=\"\(key.x)\" y1=\"\(y)\" x2=\"\(key.x + 18)\" y2=\"\(y)\" stroke=\"\(Self.colours[i % Self.colours.count])\" stroke-width=\"3\"\(dashes(i))/>"
            out += text(key.x + 24, y + size * 0.35, key.name, "start")
        }
        return out + "</svg>"
    }

    private func dot(_ x: Double, _ y: Double, _ radius: Double, _ curve: Int) -> String {
        String(
            format: "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%@\"/>", x, y, radius,
            Self.colours[curve % Self.colours.count])
    }

    /// What there is to see, in words, for those who do not see it.
    package var summary: String {
        if let description { return description }
        if !title.isEmpty { return title }
        let axes = [yLabel, xLabel.isEmpty ? "" : "over " + xLabel].filter { !$0.isEmpty }.joined(separator: " ")
        let kinds = layers.map { layer in
            switch layer {
            case .line: "curve"
            case .points: "scatter plot"
            case .bars: "histogram"
            case .band: "waveform"
            case .heat: yLabel == "Hz" ? "spectrogram" : "picture of a matrix"
            }
        }
        let kind = kinds.first ?? "empty",
            text = kind + (layers.count > 1 && kind == "curve" ? "s" : "") + (axes.isEmpty ? "" : ": " + axes)
        return text.prefix(1).uppercased() + text.dropFirst()
            + (legend.isEmpty ? "" : ", " + legend.joined(separator: ", "))
    }

    /// The colours begin again after six curves: then lines are dashed.
    private func dashes(_ curve: Int) -> String {
        let round = curve / Self.colours.count
        return round == 0 ? "" : " stroke-dasharray=\"\(round * 6) 3\""
    }

    /// Where the names of the curves stand: in rows, each as wide as it is.
    private func keyPlaces(from left: Double, to right: Double, _ size: Double) -> [(name: String, x: Double, row: Int)]
    {
        var x = left, row = 0
        return legend.map { name in
            let width = Double(name.columns) * size * 0.57 + 44
            if x > left, x + width > right { (x, row) = (left, row + 1) }
            defer { x += width }
            return (name, x, row)
        }
    }

    package var hasHeat: Bool { layers.contains { if case .heat = $0 { true } else { false } } }
    package var hasPoints: Bool { layers.contains { if case .points = $0 { true } else { false } } }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ strength: Double) -> String {
        String(
            format:
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\" stroke-opacity=\"%.2f\"/>",
            x1, y1, x2, y2, strength)
    }

    private func text(_ x: Double, _ y: Double, _ content: String, _ anchor: String) -> String {
        String(format: "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%@\" fill=\"currentColor\">", x, y, anchor)
            + HTML.escape(content) + "</text>"
    }
}
