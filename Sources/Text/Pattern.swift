import CPCRE2
import Support

/// A compiled pattern of a tokenizer file. Such patterns are written for Oniguruma; PCRE2 in Unicode
/// mode reads them the same way once `\s` and `\w` are spelt out. The work of one match is limited, so a
/// hostile pattern gives an error and no endless loop.
///
/// Compiled once and never changed, so it may be used by several threads.
final class Pattern: @unchecked Sendable {
    private let code: OpaquePointer
    private let limits: OpaquePointer

    init(_ pattern: String) throws {
        guard pattern.utf8.count <= 1 << 14 else {
            throw OpahError(.format, "a pattern of \(pattern.utf8.count) bytes is too long")
        }
        var text = try Self.forPCRE2(pattern)
        var status: Int32 = 0
        var place = 0
        let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
        let compiled = text.withUTF8 { pcre2_compile_8($0.baseAddress, $0.count, options, &status, &place, nil) }
        guard let compiled else {
            throw OpahError(.format, "the pattern \(pattern.prefix(80)): \(Self.message(status)) at byte \(place)")
        }
        code = compiled
        limits = pcre2_match_context_create_8(nil)
        pcre2_set_match_limit_8(limits, 5_000_000)
        // Without the compiler (it needs executable memory) the matcher is only slower.
        pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    }

    deinit {
        pcre2_match_context_free_8(limits)
        pcre2_code_free_8(code)
    }

    /// The matches from left to right as byte ranges. `text` is valid UTF-8. An empty match directly
    /// after another match does not count.
    func matches(in text: UnsafeBufferPointer<UInt8>) throws -> [Range<Int>] {
        guard let data = pcre2_match_data_create_8(1, nil) else { throw OpahError(.memory, "no memory for a match") }
        defer { pcre2_match_data_free_8(data) }
        let offsets = pcre2_get_ovector_pointer_8(data)!
        var found: [Range<Int>] = []
        var position = 0
        while position <= text.count {
            if found.count & 1023 == 0 { try Interrupt.check() }
            var status = pcre2_match_8(code, text.baseAddress, text.count, position, PCRE2_NO_UTF_CHECK, data, limits)
            if status == PCRE2_ERROR_JIT_STACKLIMIT {
                status = pcre2_match_8(
                    code, text.baseAddress, text.count, position, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, limits)
            }
            if status == PCRE2_ERROR_NOMATCH { break }
            guard status >= 0 else {
                throw OpahError(.format, "a pattern of the tokenizer failed: \(Self.message(status))")
            }
            // `\K` in a lookahead can put the start behind the end.
            let range = min(offsets[0], offsets[1]) ..< max(offsets[0], offsets[1])
            if range.isEmpty, found.last?.upperBound == range.upperBound {
                position = range.upperBound + 1
                while position < text.count, text[position] & 0xC0 == 0x80 { position += 1 }
                continue
            }
            guard range.lowerBound >= found.last?.upperBound ?? 0 else {
                throw OpahError(.format, "a pattern of the tokenizer matches backwards")
            }
            found.append(range)
            position = range.upperBound
        }
        return found
    }

    private static func message(_ status: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pcre2_get_error_message_8(status, &buffer, buffer.count)
        return count < 0 ? "error \(status)" : String(decoding: buffer[..<Int(count)], as: UTF8.self)
    }

    /// Spells out the classes that PCRE2 reads differently: its `\s` has U+180E too, its `\w` has no marks.
    private static func forPCRE2(_ pattern: String) throws -> String {
        let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"#
        var result = ""
        var isInClass = false
        var rest = Array(pattern.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\":
                switch rest.popFirst() {
                case "s": result += #"\p{White_Space}"#
                case "S": result += #"\P{White_Space}"#
                case "w": result += isInClass ? word : "[\(word)]"
                case "W" where !isInClass: result += "[^\(word)]"
                case let other?: result += "\\\(other)"
                case nil: result += "\\"
                }
                continue
            case "[" where !isInClass:
                isInClass = true
                result.unicodeScalars.append(scalar)
                if rest.first == "^" { result.unicodeScalars.append(rest.removeFirst()) }
                if rest.first == "]" { result.unicodeScalars.append(rest.removeFirst()) }
                continue
            case "[":
                guard rest.first == ":", let end = rest.firstIndex(of: "]") else {
                    throw OpahError(.format, "the pattern \(pattern.prefix(80)): sets inside sets are not supported")
                }
                result += "[" + String(scalars: rest[...end])
                rest = rest[(end + 1)...]
                continue
            case "&" where isInClass && rest.first == "&":
                throw OpahError(.format, "the pattern \(pattern.prefix(80)): && in a set is not supported")
            case "]" where isInClass:
                isInClass = false
            default: break
            }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}
