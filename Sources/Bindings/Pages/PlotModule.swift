import Foundation
import LuaHost
import Pictures
import Support
import Tensors

extension LuaModule {
    /// `opah.plot`
    public static let plot = LuaModule(
        "opah.plot",
        "Pictures of curves, points, counts and sound, drawn in the terminal or saved as SVG or PNG. `plot(t)` is `plot.line(t)`, and `plot.image(t)` for a matrix of many rows."
    ) { m in
        m.type(Picture.luaClass)
        let labels = "title?: string = \"\", x?: string = \"\", y?: string = \"\""
        m.callable(
            "(values: Tensor|table, opts?: {\(labels)}) -> Picture",
            "`plot.line`, or `plot.image` for a matrix of more than eight rows."
        ) { call in
            if let matrix = try call.objectIfAny(1, as: Tensor.self), matrix.rank == 2, matrix.shape[0] > 8 {
                return try image(matrix, call)
            }
            return try line(call)
        }
        m.function(
            "line", "(values: Tensor|table, opts?: {\(labels)}) -> Picture",
            """
            Curves. `values` is a tensor [T], or [curves, T] with up to 8 rows; a list of numbers; a list of {x, y} pairs; or a table of any of these by name: \
            `plot.line{train=a, held_out=b}`. `x` and `y` name the axes. What is not finite is left out.
            """,
            example: """
                curve = plot.line({ train = { 3, 2, 1.5 }, held_out = { 3.1, 2.4, 2.2 } }, { title = "loss", x = "step" })
                curve:save("loss.svg")
                """
        ) { try line($0) }
        m.function(
            "scatter", "(points: Tensor|table, y?: Tensor|table, opts?: {\(labels)}) -> Picture",
            """
            Points without lines. Two tensors [N] or lists of numbers are x and y; else `points` is a tensor [N, 2], a list of {x, y} pairs, or a table of up to 8 of these by name: \
            `plot.scatter{alice={{0.5, 3}, {1.2, 7}}, bob={{0.7, 2}}}`. `x` and `y` of the options name the axes. What is not finite is left out.
            """,
            example: """
                seconds, loss = tensor.rand(50) * 10, tensor.rand(50)
                picture = plot.scatter(seconds, loss, { x = "seconds", y = "loss" })
                picture:save("loss-by-length.png")
                """,
            forms: [
                "(x: Tensor|number[], y: Tensor|number[], opts?: {\(labels)}) -> Picture",
                "(points: Tensor|table, opts?: {\(labels)}) -> Picture"
            ]
        ) { try scatter($0) }
        m.function(
            "histogram",
            "(values: Tensor|number[], opts?: {bins?: integer, min?: number, max?: number, \(labels)}) -> Picture",
            """
            How many of the values, a list or a tensor of any shape, lie in each of `bins` steps of equal width from `min` to `max` (the smallest and the largest value unless given). \
            Unless given, the steps are as wide as Freedman and Diaconis advise, 5 to 100 of them. What lies outside or is not finite is left out, and the axis says how much. `tensor:histc` gives the counts.
            """,
            example: """
                picture = plot.histogram(tensor.randn(1000), { bins = 20, title = "noise", x = "value" })
                picture:save("noise.svg")
                """
        ) { try histogram($0) }
        m.function(
            "image", "(matrix: Tensor, opts?: {\(labels)}) -> Picture",
            "A matrix as a picture, the first row on top, the lowest element dark and the highest light. For attention maps, codes, weights.",
            example: """
                picture = plot.image(tensor.eye(16), { title = "attention", x = "from", y = "to" })
                picture:save("attention.svg")
                """
        ) { call in try image(call.tensor(1), call) }
        m.function(
            "waveform", "(samples: Tensor, rate?: integer|table = 44100, opts?: {title?: string = \"\"}) -> Picture",
            "The lowest and highest sample over time. `samples` is [T] or [channels, T] (their mean is drawn); `rate` is in Hz, or the info table of audio.load: `waveform(audio.load(\"a.wav\"))`.",
            example: """
                picture = plot.waveform(audio.load("data/Alice/4.80-7.20.wav"))
                picture:save("waveform.png")
                """
        ) { call in
            let samples = try mono(call), rate = try call.sampleRate(2)
            return try call.push(Picture(envelope(samples, rate, call.option("title"))))
        }
        m.function(
            "spectrogram", "(samples: Tensor, rate?: integer|table = 44100, opts?: {title?: string = \"\"}) -> Picture",
            "The log-mel spectrogram, an 80 dB range. `samples` and `rate` as for waveform; at least 1025 samples.",
            example: """
                picture = plot.spectrogram(audio.load("data/Alice/4.80-7.20.wav"))
                picture:save("spectrogram.svg")
                """
        ) { call in
            try call.push(
                Picture(
                    SpectrogramPicture.plot(mono(call), sampleRate: call.sampleRate(2), title: call.option("title"))))
        }
    }

    // MARK: curves

    private static func line(_ call: Call) throws -> Results {
        var curves: [(name: String, points: [(x: Double, y: Double)])] = []
        if let tensor = try call.objectIfAny(1, as: Tensor.self) {
            curves = try rows(tensor, "").map { ($0, points($1)) }
        } else {
            let table = try call.table(1)
            let named = try table.entries(limit: 64).first.compactMap { key, value in key.string.map { ($0, value) } }
                .sorted { $0.0 < $1.0 }
            if named.isEmpty { curves = [("", try list(table, call))] }
            for (name, value) in named {
                switch value {
                case .object(let tensor as Tensor): curves += try rows(tensor, name).map { ($0, points($1)) }
                case .table(let table): curves.append((name, try list(table, call)))
                default: throw call.error(at: 1, "\(name) is neither a tensor nor a list")
                }
            }
        }
        guard
            let plot = try Plot(
                curves: curves, title: call.option("title"), xLabel: call.option("x"), yLabel: call.option("y"))
        else {
            throw call.error(at: 1, "there is no finite number to draw")
        }
        return try call.push(Picture(plot))
    }

    /// Positions count from 1.
    private static func points(_ values: [Float]) -> [(x: Double, y: Double)] {
        values.enumerated().map { (Double($0 + 1), Double($1)) }
    }

    private static func rows(_ tensor: Tensor, _ name: String) throws -> [(String, [Float])] {
        let values = try tensor.detach().to(.float32).floats()
        if tensor.rank <= 1 { return [(name, values)] }
        guard tensor.rank == 2, tensor.shape[0] <= 8 else {
            throw OpahError(
                .shape, "plot.line: \(tensor.summary) is neither [T] nor [up to 8 curves, T]",
                hint: "plot.image draws a matrix; t[i] is one row")
        }
        let length = tensor.shape[1]
        return (0 ..< tensor.shape[0]).map {
            ((name.isEmpty ? "" : name + " ") + "\($0 + 1)", Array(values[($0 * length) ..< (($0 + 1) * length)]))
        }
    }

    private static func list(_ table: LuaTable, _ call: Call) throws -> [(x: Double, y: Double)] {
        try table.list().enumerated().map { i, value in
            if let y = value.number { return (Double(i + 1), y) }
            guard let pair = try value.table?.list(), pair.count == 2, let x = pair[0].number, let y = pair[1].number
            else {
                throw call.error(at: 1, "a curve is a list of numbers or of {x, y}; entry \(i + 1) is neither")
            }
            return (x, y)
        }
    }

    // MARK: points and counts

    private static func scatter(_ call: Call) throws -> Results {
        // Behind the points alone, a table with names is the options.
        let second = try call.value(2),
            isOptions =
                try call.isNil(3) && second.table.map { try $0.pairs().contains { $0.key.string != nil } } ?? false
        let options = try isOptions ? second.table : call.value(3).table
        func label(_ name: String) throws -> String { try options?.get(name, as: String?.self) ?? "" }
        if isOptions,
            let wrong = try options?.pairs().compactMap(\.key.string).first(where: { !["title", "x", "y"].contains($0) }
            )
        {
            throw call.error(
                "unknown option '\(wrong)'",
                hint: suggestion(for: wrong, in: ["title", "x", "y"]) ?? "options are title, x and y")
        }
        var groups: [(name: String, points: [(x: Double, y: Double)])] = []
        if !isOptions, !second.isNil {
            let xs = try numbers(call.value(1), call, 1), ys = try numbers(second, call, 2)
            guard xs.count == ys.count else { throw call.error("\(xs.count) values of x and \(ys.count) of y") }
            groups = [("", zip(xs, ys).map { ($0, $1) })]
        } else if case .table(let table) = try call.value(1) {
            let named = try table.entries(limit: 64).first.compactMap { key, value in key.string.map { ($0, value) } }
                .sorted { $0.0 < $1.0 }
            guard named.count <= 8 else { throw call.error(at: 1, "at most 8 groups, not \(named.count)") }
            groups =
                named.isEmpty ? [("", try pairs(.table(table), call))] : try named.map { ($0.0, try pairs($0.1, call)) }
        } else {
            groups = [("", try pairs(call.value(1), call))]
        }
        guard
            let plot = try Plot(
                curves: groups, isScatter: true, title: label("title"), xLabel: label("x"), yLabel: label("y"))
        else {
            throw call.error(at: 1, "there is no finite point to draw")
        }
        return try call.push(Picture(plot))
    }

    /// A tensor [N, 2], or a list of {x, y}.
    private static func pairs(_ value: LuaValue, _ call: Call) throws -> [(x: Double, y: Double)] {
        if let tensor = value.object(Tensor.self) {
            guard tensor.rank == 2, tensor.shape[1] == 2 else {
                throw OpahError(
                    .shape, "plot.scatter: points are a tensor [N, 2], not \(tensor.summary)",
                    hint: "plot.scatter(x, y) takes two tensors [N]")
            }
            let flat = try tensor.detach().doubles()
            return (0 ..< tensor.shape[0]).map { (flat[2 * $0], flat[2 * $0 + 1]) }
        }
        guard let list = try value.table?.list() else {
            throw call.error(at: 1, "points are a tensor [N, 2] or a list of {x, y}")
        }
        return try list.enumerated().map { i, item in
            guard let pair = try item.table?.list(), pair.count == 2, let x = pair[0].number, let y = pair[1].number
            else {
                throw call.error(
                    at: 1, "points are a list of {x, y}; entry \(i + 1) is none",
                    hint: "plot.scatter(xs, ys) takes two lists of numbers")
            }
            return (x, y)
        }
    }

    /// A tensor [N], or a list of numbers.
    private static func numbers(_ value: LuaValue, _ call: Call, _ argument: Int) throws -> [Double] {
        if let tensor = value.object(Tensor.self) {
            guard tensor.rank == 1 else {
                throw OpahError(.shape, "plot.scatter: argument \(argument) must be [N], not \(tensor.summary)")
            }
            return try tensor.detach().doubles()
        }
        guard let list = try value.table?.list() else {
            throw call.error(at: argument, "neither a tensor [N] nor a list of numbers")
        }
        return try list.enumerated().map { i, item in
            guard let number = item.number else { throw call.error(at: argument, "entry \(i + 1) is no number") }
            return number
        }
    }

    private static func histogram(_ call: Call) throws -> Results {
        let given = try call.value(1).object(Tensor.self),
            values =
                try given
                ?? {
                    let all = try numbers(call.value(1), call, 1); return try Tensor(all, [all.count], .float64)
                }()
        let all = try values.detach().doubles(), finite = all.filter(\.isFinite).sorted()
        guard let first = finite.first, let last = finite.last else {
            throw call.error(at: 1, "there is no finite number to draw")
        }
        let low: Double? = try call.option("min"), high: Double? = try call.option("max")
        func quarter(_ n: Int) -> Double { finite[(finite.count - 1) * n / 4] }
        let width = 2 * (quarter(3) - quarter(1)) / cbrt(Double(finite.count)), span = (high ?? last) - (low ?? first)
        let bins =
            try call.option("bins", as: Int?.self)
            ?? (width > 0 && span > 0
                ? max(5, min(100, Int(min(1e6, (span / width).rounded(.up))))) : span > 0 ? 20 : 5)
        let found = try values.histogram(bins: bins, low: low, high: high, "plot.histogram")
        let left = all.count - Int(found.counts.reduce(0, +)), name: String = try call.option("x")
        return try call.push(
            Picture(
                Plot(
                    histogram: found.counts, from: found.low, to: found.high, title: call.option("title"),
                    xLabel: left == 0 ? name : (name.isEmpty ? "" : name + " ") + "(\(left) left out)",
                    yLabel: call.option("y"))))
    }

    // MARK: matrices and sound

    private static func image(_ matrix: Tensor, _ call: Call) throws -> Results {
        guard matrix.rank == 2, matrix.count > 0 else {
            throw OpahError(.shape, "plot.image: a matrix is wanted, not \(matrix.summary)")
        }
        let values = try matrix.detach().to(.float32).floats(), finite = values.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else {
            throw call.error(at: 1, "there is no finite number to draw")
        }
        let (rows, columns) = (matrix.shape[0], matrix.shape[1])
        let levels = values.map {
            $0.isFinite ? min(1, max(0, ($0 / 2 - low / 2) / max(high / 2 - low / 2, .leastNormalMagnitude))) : 0
        }
        let map = HeatMap(width: columns, height: rows, levels: levels).resized(min(columns, 2000), min(rows, 2000))
        // Row 1 is on top, so its number is the high end of the axis.
        let marks = Plot.ticks(1, Double(max(rows, 2))).filter { $0 >= 1 && $0 <= Double(rows) && $0 == $0.rounded() }
            .map { Plot.Tick(at: Double(rows) + 1 - $0, label: Plot.number($0)) }
        return try call.push(
            Picture(
                Plot(
                    .heat(map), x: 1 ... Double(max(columns, 2)), y: 1 ... Double(max(rows, 2)), yTicks: marks,
                    title: call.option("title"), xLabel: call.option("x"), yLabel: call.option("y"))))
    }

    private static func envelope(_ samples: [Float], _ rate: Int, _ title: String) -> Plot {
        let count = min(samples.count, 2000)
        let steps = (0 ..< count).map { i in
            let part = samples[samples.count * i / count ..< samples.count * (i + 1) / count].filter { $0.isFinite }
            return (low: Double(part.min() ?? 0), high: Double(part.max() ?? 0))
        }
        let peak = max(steps.map { max(abs($0.low), abs($0.high)) }.max() ?? 0, 1e-6)
        return Plot(
            .band(steps), x: 0 ... max(Double(samples.count) / Double(rate), 1e-6), y: -peak ... peak, title: title,
            xLabel: "s", yLabel: "")
    }

    /// Argument 1 as samples: [T], or the mean of [channels, T].
    static func mono(_ call: Call) throws -> [Float] {
        let samples = try call.tensor(1).detach().to(.float32)
        if samples.rank == 1 { return try samples.floats() }
        guard samples.rank == 2, samples.shape[0] > 0 else {
            throw OpahError(.shape, "samples must be [T] or [channels, T], not \(samples.summary)")
        }
        return try samples.mean(dim: 0).floats()
    }
}
