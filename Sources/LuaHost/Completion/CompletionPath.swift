/// What stands before a cursor, step by step: `audio.load("x.wav"):mean(1).sh` is the name audio, its field load, a
/// call, its method mean, a call, and then the unfinished word `sh`.
struct Path {
    enum Key: Equatable {
        case integer(Int), string(String), variable(String)
        /// Any other expression.
        case unknown
    }

    indirect enum Step: Equatable {
        /// A variable, at this place of the tokens.
        case name(String, at: Int)
        case string
        /// In parentheses.
        case group([Step])
        case field(String), method(String)
        /// With the argument, when that is one string and no more.
        case call(String?)
        case index(Key)
    }

    /// Empty where the word stands alone; nil where what stands before it is no chain of names, calls and indexes.
    var owner: [Step]?
    package var word = ""
    var endsWithColon = false
    /// Where the first of it begins, in bytes.
    var start: Int

    /// What the tokens end with.
    init(_ tokens: Tokens) {
        var last = tokens.all.count - 1
        start = tokens.bytes.count
        if last >= 0, tokens.all[last].end == tokens.bytes.count, [.name, .keyword].contains(tokens.all[last].kind) {
            word = tokens.text(last)
            start = tokens.all[last].start
            last -= 1
        }
        if tokens.isSymbol(last, ".:") {
            endsWithColon = tokens.isSymbol(last, ":")
            let found = Self.steps(tokens, endingAt: last - 1)
            owner = found?.steps
            start = found.map { tokens.all[$0.first].start } ?? start
        } else {
            // After a number's point nothing follows.
            owner = tokens.isKind(last, .number) && tokens.all[last].end == start ? nil : []
        }
    }

    /// The chain whose last token is at `end`, and where its first one is.
    static func steps(_ tokens: Tokens, endingAt end: Int, inGroup: Bool = false) -> (steps: [Step], first: Int)? {
        var steps: [Step] = [], place = end
        func finished(_ step: Step) -> (steps: [Step], first: Int) { ((steps + [step]).reversed(), place) }
        while tokens.all.indices.contains(place) {
            let token = tokens.all[place]
            switch token.kind {
            case .name:
                if tokens.isSymbol(place - 1, ".") {
                    steps.append(.field(tokens.text(place)))
                } else if tokens.isSymbol(place - 1, ":") {
                    steps.append(.method(tokens.text(place)))
                } else {
                    return finished(.name(tokens.text(place), at: place))
                }
                place -= 2
            case .string:
                if endsValue(tokens, place - 1) {
                    steps.append(.call(tokens.content(place)))
                    place -= 1
                } else {
                    return inGroup ? finished(.string) : nil
                }
            case .symbol:
                guard let opening = token.partner, opening < place else { return nil }
                if tokens.isSymbol(place, "]") {
                    steps.append(.index(key(tokens, opening + 1, place - 1)))
                } else if endsValue(tokens, opening - 1) {
                    steps.append(.call(opening + 2 == place ? tokens.content(opening + 1) : nil))
                } else {
                    guard tokens.isSymbol(place, ")"),
                        let inner = Self.steps(tokens, endingAt: place - 1, inGroup: true), inner.first == opening + 1
                    else { return nil }
                    place = opening
                    return finished(.group(inner.steps))
                }
                place = opening - 1
            default: return nil
            }
        }
        return nil
    }

    /// Whether a value ends there, so that a bracket behind it is a call or an index.
    private static func endsValue(_ tokens: Tokens, _ place: Int) -> Bool {
        tokens.isKind(place, .name) || tokens.isKind(place, .string) || tokens.isSymbol(place, ")]}")
    }

    private static func key(_ tokens: Tokens, _ first: Int, _ last: Int) -> Key {
        if first + 1 == last, tokens.isSymbol(first, "-"), let number = Int(tokens.text(last)) {
            return .integer(-number)
        }
        guard first == last else { return .unknown }
        if let text = tokens.content(first) { return .string(text) }
        if tokens.isKind(first, .number) { return Int(tokens.text(first)).map { .integer($0) } ?? .unknown }
        return tokens.isKind(first, .name) ? .variable(tokens.text(first)) : .unknown
    }

    /// What a variable was last set to in the text before `place`, as in `x = a.b(c)`; nil when it was not, or to
    /// something else than a chain.
    static func assignment(to name: String, before place: Int, _ tokens: Tokens) -> (found: Bool, steps: [Step]?) {
        for i in stride(from: min(place, tokens.all.count) - 3, through: 0, by: -1)
        where tokens.isSymbol(i + 1, "=") && tokens.isKind(i, .name) && tokens.text(i) == name {
            // A field, or a key in a table, is no variable.
            if tokens.isSymbol(i - 1, ".:,{") || tokens.open.contains(where: { $0 < i && tokens.isSymbol($0, "{") }) {
                continue
            }
            guard let last = end(tokens, from: i + 2), last < place, let chain = steps(tokens, endingAt: last),
                chain.first == i + 2
            else { return (true, nil) }
            return (true, chain.steps)
        }
        return (false, nil)
    }

    /// The last token of the chain that begins at `place`, when no operator follows.
    private static func end(_ tokens: Tokens, from place: Int) -> Int? {
        var last = place
        if tokens.isSymbol(place, "(") {
            guard let partner = tokens.all[place].partner else { return nil }
            last = partner
        } else if !tokens.isKind(place, .name) {
            return nil
        }
        while true {
            if tokens.isSymbol(last + 1, ".:"), tokens.isKind(last + 2, .name) {
                last += 2
            } else if tokens.isKind(last + 1, .string) {
                last += 1
            } else if tokens.isSymbol(last + 1, "([{") {
                guard let partner = tokens.all[last + 1].partner else { return nil }
                last = partner
            } else {
                break
            }
        }
        guard tokens.all.indices.contains(last + 1) else { return last }
        switch tokens.all[last + 1].kind {
        case .symbol: return tokens.isSymbol(last + 1, ";)") ? last : nil
        case .double: return nil
        case .keyword: return ["and", "or"].contains(tokens.text(last + 1)) ? nil : last
        default: return last
        }
    }
}
