import Foundation
import Support

/// Pieces of a self-contained page.
package enum HTML {
    /// Text, also inside quotes: nothing in it is a mark, and what is no visible character is written out, as on a
    /// terminal; lines and tabs stay.
    package static func escape(_ text: String) -> String {
        let lines = text.unicodeScalars.contains("\r") ? text.replacing("\r\n", with: "\n") : text
        var result = ""
        for character in ShownText.message(lines).unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    package static func data(_ type: String, _ bytes: [UInt8]) -> String {
        "data:\(type);base64,\(Data(bytes).base64EncodedString())"
    }

    /// How every page of ours begins.
    package static let start = """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>
        """

    package static func page(title: String, body: String) -> String {
        """
        \(start)\(escape(title))</title>
        <style>
        \(css)
        </style></head><body><main><h1>\(escape(title))</h1>
        \(body)
        </main></body></html>

        """
    }

    /// A table whose first row or first column names the rest; either may be missing. Cells are HTML. On a phone the
    /// cells of a row of more than three stand below each other, each with its column's name.
    package static func table(header: [String] = [], _ rows: [[String]], namesFirst: Bool = false) -> String {
        let head =
            header.isEmpty
            ? "" : "<thead><tr>" + header.map { "<th scope=\"col\">\($0)</th>" }.joined() + "</tr></thead>\n"
        let isStacked = header.count > 3
        let body = rows.map { row in
            "<tr>"
                + row.enumerated().map { place, cell in
                    if place == 0, namesFirst { return "<th scope=\"row\">\(cell)</th>" }
                    return
                        "<td\(isStacked && place < header.count ? " data-label=\"\(header[place])\"" : "")>\(cell)</td>"
                }.joined() + "</tr>"
        }
        return
            "<div class=\"wide\"><table\(isStacked ? " class=\"stack\"" : "")>\(head)<tbody>\(body.joined(separator: "\n"))</tbody></table></div>"
    }

    /// A player; `label` is what a screen reader calls it.
    package static func audio(_ source: String, label: String) -> String {
        "<audio controls preload=\"metadata\" aria-label=\"\(escape(label))\" src=\"\(source)\"></audio>"
    }

    /// Light, and dark where the reader's machine is; no line is wider than a phone.
    private static let css = """
        :root { color-scheme: light dark; --text: #111827; --dim: #6b7280; --back: #ffffff; --panel: #f3f4f6; --line: #e5e7eb; --link: #1d4ed8; --good: #047857; --bad: #b91c1c }
        @media (prefers-color-scheme: dark) { :root { --text: #e5e7eb; --dim: #9ca3af; --back: #0f172a; --panel: #1e293b; --line: #334155; --link: #93c5fd; --good: #34d399; --bad: #f87171 } }
        * { box-sizing: border-box }
        body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 }
        main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere }
        a { color: var(--link) } .good { color: var(--good) } .bad { color: var(--bad) }
        h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
        .wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
        td, th { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; overflow-wrap: break-word; min-width: 3.2rem }
        td:last-child { overflow-wrap: anywhere; min-width: 8rem } tbody th { font-weight: 400; color: var(--dim) }
        audio { width: 100%; display: block } figure { margin: .8rem 0 } figcaption { color: var(--dim); font-size: .9rem }
        figure svg, figure img { display: block; width: 100%; max-width: 40rem; height: auto }
        pre { white-space: pre-wrap; background: var(--panel); border-radius: 4px; padding: .6rem; font-size: .85rem; overflow-wrap: anywhere }
        @media (max-width: 40rem) {
          td, tbody th { overflow-wrap: anywhere } td:last-child { min-width: 3.2rem }
          .stack thead { position: absolute; clip-path: inset(50%) } .stack tr { display: block; border-bottom: 1px solid var(--line); padding: .4rem 0 }
          .stack td, .stack th { display: block; border: 0; padding: .05rem 0 } .stack td::before { content: attr(data-label) ": "; color: var(--dim) } .stack td:empty { display: none }
        }
        @media (prefers-color-scheme: dark) { \(Plot.darkStyle) }
        """
}
