import LuaHost
import Support
import Tensors

/// A value as a person reads it: strings quoted, tables opened to a depth, long ones abridged, a table inside
/// itself named instead of repeated.
package struct Inspector {
    let lua: Interpreter
    /// Tables inside tables that are opened.
    let depth: Int
    /// Entries shown of each table.
    let items: Int
    /// Columns that a line should keep to.
    let width: Int

    package init(lua: Interpreter, depth: Int = 4, items: Int = 30, width: Int = 80) {
        (self.lua, self.depth, self.items, self.width) = (lua, depth, items, width)
    }

    /// One value alone; `isNested` shows it as inside a table: strings quoted, tensors by their shape.
    package func text(_ value: LuaValue, isNested: Bool = false) -> String {
        switch value {
        case .string where isNested, .object where isNested: break
        default: return alone(value)
        }
        var walk = Walk(inspector: self)
        return walk.text(value, indent: 0, path: [])
    }

    private func alone(_ value: LuaValue) -> String {
        switch value {
        // Text of several lines was laid out by someone.
        case .string(let text) where text.contains("\n"): return text.hasSuffix("\n") ? String(text.dropLast()) : text
        case .object(let tensor as Tensor): return tensor.text(lineWidth: width)
        default:
            var walk = Walk(inspector: self)
            return walk.text(value, indent: 0, path: [])
        }
    }

    /// `"a\n"`: as it could stand in a program.
    package static func quoted(_ bytes: some Collection<UInt8>, limit: Int = 300) -> String {
        var text = "\""
        for character in String(decoding: bytes.prefix(limit), as: UTF8.self) {
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                if let code = character.asciiValue, code < 32 || code == 127 {
                    text += "\\\(code)"
                } else {
                    text += ShownText.name(String(character))
                }
            }
        }
        return text + (bytes.count > limit ? "...\" (\(bytes.count) bytes)" : "\"")
    }

    /// One descent into a value.
    private struct Walk {
        let inspector: Inspector
        /// Entries that may still be shown: tables that share tables can be short and print long.
        var left = 1000

        /// `path` are the tables around the value, each with the step that leads from it towards the value.
        mutating func text(_ value: LuaValue, indent: Int, path: [(table: LuaTable, step: String)]) -> String {
            switch value {
            case .null: return "nil"
            case .string(let text): return Inspector.quoted(Array(text.utf8))
            case .bytes(let bytes): return Inspector.quoted(bytes)
            case .function(let function): return describe(function)
            case .table(let table): return (try? text(table, indent, path)) ?? "{...}"
            case .object(let tensor as Tensor): return path.isEmpty ? tensor.description : "Tensor \(tensor.summary)"
            case .object:
                let text = ((try? inspector.lua.text(value)) ?? "?").withoutAddress
                return path.isEmpty ? text : String(text.split(separator: "\n").first ?? "")
            default: return ((try? inspector.lua.text(value)) ?? "?").withoutAddress
            }
        }

        private func describe(_ function: LuaFunction) -> String {
            if let declaration = inspector.lua.declaration(of: function) {
                return "function \(declaration.path)" + ((try? declaration.signature())?.usage ?? "")
            }
            guard let place = inspector.lua.definition(of: function), !place.isNative else {
                return "function (built in)"
            }
            return "function (\(place.source.dropFirst()):\(place.firstLine))"
        }

        private mutating func text(
            _ table: LuaTable, _ indent: Int, _ path: [(table: LuaTable, step: String)]
        ) throws -> String {
            if let module = inspector.lua.module(of: table) { return "module \(module.name)" }
            if inspector.lua.metafield("__tostring", of: table) != nil { return try inspector.lua.text(table) }
            if let above = try path.firstIndex(where: { try $0.table.isIdentical(to: table) }) {
                let steps = path[..<above].map(\.step).joined()
                return "<cycle: \(steps.isEmpty ? "the whole" : steps)>"
            }
            let (entries, total) = try table.entries(limit: 1000)
            if total == 0 { return "{}" }
            guard path.count < inspector.depth, left > 0 else {
                return "{... \(total) \(total == 1 ? "entry" : "entries")}"
            }
            let inner = indent + 2
            var parts: [String] = []
            for entry in Self.sorted(entries).prefix(inspector.items) {
                guard left > 0 else { break }
                left -= 1
                parts.append(
                    Self.label(entry.key, position: parts.count + 1)
                        + text(entry.value, indent: inner, path: path + [(table, Self.step(entry.key))]))
            }
            if parts.count < total { parts.append("... \(total - parts.count) more") }
            let line = "{" + parts.joined(separator: ", ") + "}"
            if indent + line.columns <= inspector.width, !line.contains("\n") { return line }
            let blanks = String(repeating: " ", count: inner)
            return "{\n" + Self.filled(parts, blanks, inspector.width) + "\n" + String(repeating: " ", count: indent)
                + "}"
        }

        /// One part per line, but short ones (a list of numbers) share lines.
        private static func filled(_ parts: [String], _ blanks: String, _ width: Int) -> String {
            let short = parts.allSatisfy { $0.count <= 12 && !$0.contains("=") }
            var lines: [String] = []
            for (i, part) in parts.enumerated() {
                let piece = part + (i + 1 < parts.count ? "," : "")
                if short, let last = lines.last, last.columns + piece.columns + 1 <= width {
                    lines[lines.count - 1] = last + " " + piece
                } else {
                    lines.append(blanks + piece)
                }
            }
            return lines.joined(separator: "\n")
        }

        /// Positions in order, then names in order, then the rest as it comes.
        private static func sorted(_ entries: [(key: LuaValue, value: LuaValue)]) -> [(key: LuaValue, value: LuaValue)]
        {
            let numbers = entries.filter { $0.key.number != nil }.sorted { $0.key.number! < $1.key.number! }
            let names = entries.filter { $0.key.string != nil }.sorted { $0.key.string! < $1.key.string! }
            return numbers + names + entries.filter { $0.key.number == nil && $0.key.string == nil }
        }

        private static func label(_ key: LuaValue, position: Int) -> String {
            if key.integer == position { return "" }
            return
                (key.string.map { isName($0) ? $0 : "[\(Inspector.quoted(Array($0.utf8), limit: 60))]" }
                ?? "[\(plain(key))]") + " = "
        }

        /// How the path to an entry goes on.
        private static func step(_ key: LuaValue) -> String {
            key.string.map { isName($0) ? "." + $0 : "[\(Inspector.quoted(Array($0.utf8), limit: 60))]" }
                ?? "[\(plain(key))]"
        }

        private static func plain(_ key: LuaValue) -> String {
            switch key {
            case .integer(let value): "\(value)"
            case .number(let value): "\(value)"
            case .boolean(let value): "\(value)"
            case .table: "table"
            case .function: "function"
            case .bytes(let bytes): Inspector.quoted(bytes, limit: 60)
            case .object(let object): type(of: object).luaClass.name
            default: "?"
            }
        }

        private static func isName(_ text: String) -> Bool {
            guard let first = text.utf8.first, !(UInt8(ascii: "0") ... UInt8(ascii: "9")).contains(first) else {
                return false
            }
            return text.utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || ($0 < 128 && Character(UnicodeScalar($0)).isLetter)
                    || (UInt8(ascii: "0") ... UInt8(ascii: "9")).contains($0)
            }
        }
    }
}
