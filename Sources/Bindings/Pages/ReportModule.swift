import Audio
import Console
import Dataset
import LuaHost
import Pictures
import Support
import Tensors

extension LuaModule {
    /// `opah.report`
    public static let report = LuaModule(
        "opah.report", "One self-contained HTML page about a run: curves, spectrograms, sound, tables."
    ) { m in
        m.function(
            "html", "(path: string, content: table)",
            """
            Writes the page. `content` has a `title` and a list of blocks, each a table with one of: `heading="..."`, `text="..."`, `code="..."`, \
            `curves={name={{x,y}, ...}}`, or plain numbers or a tensor [T] for y at x = 1, 2, ... (with `x`, `y` as axis labels), `table={{cell, ...}, ...}` (with `header={...}`), \
            `spectrogram=samples` or `audio=samples` (samples [T] or [channels, T], their mean, with `sample_rate` in Hz and `label`), `picture=...` (what `plot` gives, the bytes of a PNG file, or \
            the path of one). A Picture may also stand in the list by itself. The page needs no other file, is dark where the reader's machine is, and fits a phone.
            """,
            example: #"""
                local samples, info = audio.load("data/Alice/4.80-7.20.wav")
                report.html("report.html", {
                  title = "First run",
                  { heading = "Loss" }, { curves = { train = { 2.5, 2.1, 1.9 }, held_out = { { 1, 2.6 }, { 3, 2.0 } } }, x = "step" },
                  plot.histogram(samples, { title = "samples" }),
                  { heading = "Clip" }, { spectrogram = samples, sample_rate = info.sample_rate, label = "Alice" },
                  { table = { { "seconds", info.duration } }, header = { "what", "value" } },
                })
                fs.stat("report.html").size > 10000  --> true
                """#
        ) { call in
            let content = try call.table(2)
            let title = try content.get("title", as: String?.self) ?? "Opah"
            var body = ""
            for (i, block) in try content.list().enumerated() {
                if let picture = block.object(Picture.self) {
                    body += "<figure>\(picture.plot.figure)</figure>\n"
                    continue
                }
                guard let block = block.table else {
                    throw call.error(at: 2, "block \(i + 1) is neither a table nor a Picture")
                }
                body += try ReportBlock.html(block, number: i + 1) + "\n"
            }
            let path = try call.string(1)
            try AtomicFile.write(path, HTML.page(title: title, body: body))
            Terminal.event(["event": "output", "path": .string(FileKind.resolved(path))])
            return .none
        }
    }
}

/// One block of a report.
enum ReportBlock {
    static let kinds = ["heading", "text", "code", "curves", "table", "picture", "spectrogram", "audio"]

    static func html(_ block: LuaTable, number: Int) throws -> String {
        if let text = try block.get("heading", as: String?.self) { return "<h2>\(HTML.escape(text))</h2>" }
        if let text = try block.get("text", as: String?.self) { return "<p>\(HTML.escape(text))</p>" }
        if let text = try block.get("code", as: String?.self) { return "<pre>\(HTML.escape(text))</pre>" }
        if let curves = try block.get("curves", as: LuaTable?.self) {
            return try figure(curvePlot(curves, block), block)
        }
        if let rows = try block.get("table", as: LuaTable?.self) { return try table(rows, block) }
        let picture = try block.get("picture", as: LuaValue.self)
        if !picture.isNil { return try figure(self.picture(picture, block, number), block) }
        let spectrogram = try block.get("spectrogram", as: LuaValue.self)
        if let ready = spectrogram.object(Picture.self) { return try figure(ready.plot.figure, block) }
        if !spectrogram.isNil {
            let samples = try block.get("spectrogram", as: Tensor.self)
            var plot = try SpectrogramPicture.plot(mono(samples), sampleRate: sampleRate(block, number), title: "")
            plot.description = try block.get("label", as: String?.self).map { "Spectrogram: " + $0 }
            return try figure(plot.figure, block)
        }
        if let samples = try block.get("audio", as: Tensor?.self) {
            let wav = WaveBytes.pcm16(try mono(samples), sampleRate: try sampleRate(block, number))
            let label = try block.get("label", as: String?.self) ?? "Sound \(number)"
            return try figure(HTML.audio(HTML.data("audio/wav", wav), label: label), block)
        }
        let names = try block.pairs().compactMap { $0.key.string }
        throw OpahError(
            .argument, "report.html: block \(number) has none of \(kinds.joined(separator: ", "))",
            hint: names.compactMap { suggestion(for: $0, in: kinds) }.first)
    }

    /// A Picture, the bytes of a PNG file, or the path of one.
    private static func picture(_ value: LuaValue, _ block: LuaTable, _ number: Int) throws -> String {
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let bytes: [UInt8]
        switch value {
        case .object(let picture as Picture): return picture.plot.figure
        case .bytes(let given): bytes = given
        case .string(let path): bytes = try MappedFile(path).withBytes { Array($0) }
        default:
            throw OpahError(
                .argument, "report.html: the picture of block \(number) is neither a Picture nor a PNG file")
        }
        guard bytes.starts(with: signature) else {
            throw OpahError(
                .format, "report.html: the picture of block \(number) is no PNG",
                hint: "plot.line(...) gives a picture; picture:save(\"a.png\") a file")
        }
        let label = try block.get("label", as: String?.self) ?? "Picture \(number)"
        return "<img alt=\"\(HTML.escape(label))\" src=\"\(HTML.data("image/png", bytes))\">"
    }

    private static func sampleRate(_ block: LuaTable, _ number: Int) throws -> Int {
        guard let rate = try block.get("sample_rate", as: Int?.self), rate > 0 else {
            throw OpahError(
                .argument, "report.html: block \(number) has no sample_rate",
                hint: "samples, info = audio.load(path) gives it as info.sample_rate")
        }
        return rate
    }

    private static func figure(_ inner: String, _ block: LuaTable) throws -> String {
        let label = try block.get("label", as: String?.self).map { "<figcaption>\(HTML.escape($0))</figcaption>" } ?? ""
        return "<figure>\(inner)\(label)</figure>"
    }

    private static func curvePlot(_ curves: LuaTable, _ block: LuaTable) throws -> String {
        let named = try curves.pairs().compactMap { key, value in try key.string.map { ($0, try points(value)) } }
        return CurvePlot(
            curves: named.sorted { $0.0 > $1.0 }.map { .init(name: $0.0, points: $0.1) },
            xLabel: try block.get("x", as: String?.self) ?? "", yLabel: try block.get("y", as: String?.self) ?? ""
        ).svg
    }

    /// Pairs as they are; numbers alone stand at 1, 2, ...
    private static func points(_ value: LuaValue) throws -> [(x: Double, y: Double)] {
        if let tensor = value.object(Tensor.self), tensor.rank == 1 {
            return try tensor.doubles().enumerated().map { (Double($0 + 1), $1) }
        }
        guard let list = try value.table?.list() else {
            throw OpahError(.argument, "report.html: a curve is a list of {x, y} or of numbers, or a tensor [T]")
        }
        return try list.enumerated().map { i, item in
            if let y = item.number { return (Double(i + 1), y) }
            guard let pair = try item.table?.list(), pair.count == 2, let x = pair[0].number, let y = pair[1].number
            else {
                throw OpahError(
                    .argument, "report.html: a curve is a list of {x, y} or of numbers; its element \(i + 1) is neither"
                )
            }
            return (x, y)
        }
    }

    private static func table(_ rows: LuaTable, _ block: LuaTable) throws -> String {
        func cells(_ row: LuaTable?) throws -> [String] { try row?.list().map { HTML.escape($0.figureText) } ?? [] }
        return try HTML.table(
            header: cells(block.get("header", as: LuaTable?.self)), rows.list().map { try cells($0.table) })
    }

    /// Samples [T], or the mean of [channels, T].
    private static func mono(_ samples: Tensor) throws -> [Float] {
        if samples.rank == 1 { return try samples.floats() }
        guard samples.rank == 2 else {
            throw OpahError(.shape, "report.html: samples must be [T] or [channels, T], not \(samples.shape)")
        }
        return try samples.mean(dim: 0).floats()
    }
}

extension LuaValue {
    /// A cell of a table.
    var figureText: String {
        if case .number(let value) = self { return CurvePlot.number(value) }
        return figure
    }
}

/// A wav file in memory: 16-bit mono, samples beyond full scale held there.
enum WaveBytes {
    static func pcm16(_ samples: [Float], sampleRate: Int) -> [UInt8] {
        func little(_ value: Int, _ bytes: Int) -> [UInt8] {
            (0 ..< bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let size = samples.count * 2
        var out =
            Array("RIFF".utf8) + little(36 + size, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2)
            + little(1, 2)
            + little(sampleRate, 4) + little(sampleRate * 2, 4) + little(2, 2) + little(16, 2) + Array("data".utf8)
            + little(size, 4)
        out.reserveCapacity(44 + size)
        for sample in samples {
            let value = Int16(max(-32768, min(32767, ((sample.isFinite ? sample : 0) * 32767).rounded())))
            out.append(UInt8(truncatingIfNeeded: value))
            out.append(UInt8(truncatingIfNeeded: value >> 8))
        }
        return out
    }
}
