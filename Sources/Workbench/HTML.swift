import Foundation

/// Pieces of a self-contained page.
enum HTML {
    static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
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

    static func data(_ type: String, _ bytes: [UInt8]) -> String { "data:\(type);base64,\(Data(bytes).base64EncodedString())" }

    static func page(title: String, body: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escape(title))</title>
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; color: #111827; background: #fff; max-width: 800px; margin: 2rem auto; padding: 0 1rem }
        h1 { font-size: 1.6rem; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
        table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid #e5e7eb; padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top }
        audio { width: 100% } svg { width: 100%; height: auto }
        figure { margin: .5rem 0 } figcaption { color: #6b7280; font-size: .9rem } pre { overflow-x: auto; background: #f3f4f6; padding: .6rem }
        </style></head><body><h1>\(escape(title))</h1>
        \(body)
        </body></html>

        """
    }
}
