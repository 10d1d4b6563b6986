import Foundation

/// What a picture shows, without saying how it is drawn: layers over one pair of axes.
package struct Plot {
    package enum Layer {
        case line(name: String, points: [(x: Double, y: Double)])
        case points(name: String, points: [(x: Double, y: Double)])
        /// How many there are between two values; they stand on 0.
        case bars([(from: Double, to: Double, height: Double)])
        /// From lowest to highest value in equal steps over the whole width: a waveform.
        case band([(low: Double, high: Double)])
        /// Fills the axes.
        case heat(HeatMap)
    }

    package struct Tick: Equatable {
        var at: Double, label: String

        package init(at: Double, label: String) { (self.at, self.label) = (at, label) }
    }

    package var layers: [Layer]
    package var x: ClosedRange<Double>, y: ClosedRange<Double>
    package var xTicks: [Tick], yTicks: [Tick]
    package var title = "", xLabel = "", yLabel = ""
    /// In words, where there is more to say than the labels do.
    package var description: String?

    /// Curves, or points without lines, with axes that show all of them. Nil when there is no finite point.
    package init?(
        curves: [(name: String, points: [(x: Double, y: Double)])], isScatter: Bool = false, title: String = "",
        xLabel: String = "", yLabel: String = ""
    ) {
        let finite = curves.map {
            ($0.name, $0.points.filter { $0.x.isFinite && $0.y.isFinite && abs($0.x) < 1e300 && abs($0.y) < 1e300 })
        }
        let all = finite.flatMap(\.1)
        guard !all.isEmpty else { return nil }
        let xs = all.map(\.x), ys = all.map(\.y)
        let yMarks = Self.ticks(ys.min()!, ys.max()!)
        layers = finite.map {
            isScatter ? .points(name: $0.0, points: Self.distinct($0.1)) : .line(name: $0.0, points: Self.thinned($0.1))
        }
        x = xs.min()! ... max(xs.max()!, xs.min()! + 1e-9)
        // A point at the edge would be cut in half.
        if isScatter {
            let room = max((x.upperBound - x.lowerBound) * 0.02, 1e-9);
            x = (x.lowerBound - room) ... (x.upperBound + room)
        }
        y = min(yMarks[0], ys.min()!) ... max(yMarks.last!, ys.max()!)
        let within = x
        xTicks = Self.marks(Self.ticks(x.lowerBound, x.upperBound).filter { within.contains($0) })
        yTicks = Self.marks(yMarks)
        (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
    }

    /// Bars over steps of equal width, on an axis that begins at 0.
    package init(
        histogram counts: [Double], from low: Double, to high: Double, title: String, xLabel: String, yLabel: String
    ) {
        let step = (high - low) / Double(counts.count)
        layers = [.bars(counts.enumerated().map { (low + Double($0) * step, low + Double($0 + 1) * step, $1) })]
        let marks = Self.ticks(0, max(counts.max() ?? 0, 1e-300)).filter { $0 >= 0 }
        x = low ... high
        y = 0 ... max(marks.last ?? 1, counts.max() ?? 1)
        let within = x
        xTicks = Self.marks(Self.ticks(low, high).filter { within.contains($0) })
        yTicks = Self.marks(marks)
        (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
    }

    /// One layer over given axes.
    package init(
        _ layer: Layer, x: ClosedRange<Double>, y: ClosedRange<Double>, yTicks: [Tick]? = nil, title: String,
        xLabel: String, yLabel: String
    ) {
        layers = [layer]
        (self.x, self.y) = (x, y)
        xTicks = Self.marks(Self.ticks(x.lowerBound, x.upperBound).filter { x.contains($0) })
        self.yTicks = yTicks ?? Self.marks(Self.ticks(y.lowerBound, y.upperBound).filter { y.contains($0) })
        (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
    }

    /// Names of the curves, where there are several.
    package var legend: [String] {
        let names = layers.compactMap { layer -> String? in
            switch layer {
            case .line(let name, _), .points(let name, _): name
            default: nil
            }
        }
        return names.count > 1 || names.first?.isEmpty == false ? names : []
    }

    /// The lowest and highest of every stretch, where there are more points than anyone can see.
    private static func thinned(_ points: [(x: Double, y: Double)], to limit: Int = 1500) -> [(x: Double, y: Double)] {
        guard points.count > 2 * limit else { return points }
        return (0 ..< limit).flatMap { i in
            let part = points[points.count * i / limit ..< points.count * (i + 1) / limit]
            let low = part.min { $0.y < $1.y }!, high = part.max { $0.y < $1.y }!
            return low.x <= high.x ? [low, high] : [high, low]
        }
    }

    /// Points that no picture tells apart once: in a grid of 250 by 125 steps.
    private static func distinct(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        guard points.count > 3000 else { return points }
        let xs = points.map(\.x), ys = points.map(\.y), (left, low) = (xs.min()!, ys.min()!)
        let wide = max(xs.max()! - left, 1e-300), high = max(ys.max()! - low, 1e-300)
        var seen: Set<Int> = []
        return points.filter {
            seen.insert(Int(($0.x - left) / wide * 250) * 1000 + Int(($0.y - low) / high * 125)).inserted
        }
    }

    package static func marks(_ values: [Double]) -> [Tick] { values.map { Tick(at: $0, label: number($0)) } }

    /// Four to eight round numbers that span the range.
    package static func ticks(_ low: Double, _ high: Double) -> [Double] {
        let span = max(high - low, max(abs(high), 1e-9) * 1e-3)
        let raw = span / 5, magnitude = pow(10, floor(log10(raw)))
        let step = ([1, 2, 5, 10].first { $0 * magnitude >= raw } ?? 10) * magnitude
        return Array(stride(from: floor(low / step) * step, through: high + step * 0.999, by: step)).map {
            abs($0) < step * 1e-6 ? 0 : $0
        }
    }

    package static func number(_ value: Double) -> String { String(format: "%.6g", abs(value) < 1e-12 ? 0 : value) }
}

/// Levels 0...1 in rows from the top.
package struct HeatMap {
    package let width: Int, height: Int
    package let levels: [Float]

    package init(width: Int, height: Int, levels: [Float]) {
        (self.width, self.height, self.levels) = (width, height, levels)
    }

    package func level(_ row: Int, _ column: Int) -> Float { levels[row * width + column] }

    /// The same picture in another size: the mean of what falls together, the nearest where there is less.
    package func resized(_ width: Int, _ height: Int) -> HeatMap {
        var out = [Float](repeating: 0, count: width * height)
        for y in 0 ..< height {
            let rows = self.height * y / height ..< max(self.height * y / height + 1, self.height * (y + 1) / height)
            for x in 0 ..< width {
                let columns = self.width * x / width ..< max(self.width * x / width + 1, self.width * (x + 1) / width)
                var sum: Float = 0
                for row in rows { for column in columns { sum += level(row, column) } }
                out[y * width + x] = sum / Float(rows.count * columns.count)
            }
        }
        return HeatMap(width: width, height: height, levels: out)
    }

    /// Black, violet, orange, pale yellow: equal steps look equally bright.
    package static func colour(_ level: Float) -> (UInt8, UInt8, UInt8) {
        let stops: [(Float, Float, Float)] = [
            (0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)
        ]
        let place = max(0, min(1, level)) * Float(stops.count - 1), lower = min(Int(place), stops.count - 2),
            t = place - Float(lower)
        func mix(_ a: Float, _ b: Float) -> UInt8 { UInt8(max(0, min(255, a + (b - a) * t))) }
        let (a, b) = (stops[lower], stops[lower + 1])
        return (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
    }

    package var rgb: [UInt8] {
        levels.flatMap { level -> [UInt8] in
            let colour = Self.colour(level)
            return [colour.0, colour.1, colour.2]
        }
    }
}
