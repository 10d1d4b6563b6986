import CEditline
import Console
import Glibc
import LuaHost
import Support

/// What came from the keyboard.
enum PromptInput: Equatable {
    case text(String)
    /// Ctrl-C: what was typed is dropped.
    case interrupted
    case end
}

/// What an editor asks the prompt.
struct PromptKnowledge {
    /// Whether Enter ends the input; if not, it begins another line.
    var isComplete: (String) -> Bool
    /// What may follow the text up to the cursor.
    var completions: (String) -> Completions
    /// How the function is used in whose arguments the cursor is.
    var usage: (String) -> String?
}

/// Editing at a terminal, by libedit. A piece of Lua is one text in one buffer, however many lines it has:
/// Enter adds a line while the piece is incomplete, the arrows move through all of them, and the history
/// brings a whole piece back. In the buffer every line but the first starts with a gutter as wide as the
/// prompt, so that the lines stand below each other; it is taken off before anyone sees the text.
final class LineEditor {
    private static let gutter = "  "
    private let editor: OpaquePointer, past: OpaquePointer
    let knowledge: PromptKnowledge
    private let prompt: UnsafeMutablePointer<CChar>
    private var wasInterrupted = false
    private var shown: [String] = []

    init?(_ knowledge: PromptKnowledge, colour: Bool) {
        // Characters beyond ASCII are only known to libedit in a UTF-8 locale; messages stay as they are.
        setlocale(LC_CTYPE, "")
        if String(cString: nl_langinfo(Int32(CODESET))) != "UTF-8" { setlocale(LC_CTYPE, "C.UTF-8") }
        guard let editor = edit_open("opah"), let past = history_init() else { return nil }
        self.editor = editor
        self.past = past
        self.knowledge = knowledge
        prompt = strdup(colour ? "\u{1}\u{1B}[1;34m\u{1}>\u{1}\u{1B}[0m\u{1} " : "> ")
        edit_set_client(editor, Unmanaged.passUnretained(self).toOpaque())
        edit_use_emacs_keys(editor)
        el_source(editor, nil)   // the person's ~/.editrc
        edit_handle_signals(editor)
        edit_set_prompt(editor) { LineEditor.of($0).prompt }
        edit_history_limit(past, Int32(PromptHistory.limit))
        edit_use_history(editor, past)
        addKeys()
        Self.leaveTerminalAtQuit()
    }

    /// Ctrl-\ ends the program; the terminal must not go on marking what is pasted. libedit puts back the rest.
    private static func leaveTerminalAtQuit() {
        signal(SIGQUIT) { _ in
            let text: StaticString = "\u{1B}[?2004l"
            _ = Glibc.write(1, text.utf8Start, text.utf8CodeUnitCount)
            signal(SIGQUIT, SIG_DFL)
            raise(SIGQUIT)
        }
    }

    deinit {
        el_end(editor)
        history_end(past)
        free(prompt)
    }

    private static func of(_ editor: OpaquePointer?) -> LineEditor {
        Unmanaged<LineEditor>.fromOpaque(edit_client(editor)!).takeUnretainedValue()
    }

    // MARK: reading

    /// The next piece of input.
    func read() -> PromptInput {
        fflush(nil)
        // To the start of a line, wherever the output ended: as many blanks as the line is wide run over
        // into the next one unless they began at its start.
        put(String(repeating: " ", count: Terminal.outputWidth - 1) + " \r\u{1B}[K\u{1B}[?2004h")
        defer { put("\u{1B}[?2004l") }
        let interruptKey = Self.takeInterruptKey()
        defer { Self.giveBack(interruptKey) }
        var count: Int32 = 0
        wasInterrupted = false
        var found = el_gets(editor, &count)
        while found == nil, count < 0, !wasInterrupted, !isInterruptComing, isatty(0) != 0 {
            // A signal that ends nothing, such as Ctrl-Z where no shell can stop the program: the line stands there
            // again.
            let (before, after) = parts
            put("\n")
            el_push(
                editor,
                "\u{1B}[200~" + Self.withoutGutter(before + after) + "\u{1B}[201~"
                    + String(repeating: Own.left, count: after.unicodeScalars.count))
            found = el_gets(editor, &count)
        }
        guard let line = found else {
            put("\n")
            // A terminal that is gone gives errors for ever.
            return wasInterrupted || Interrupts.isPending || count < 0 && isatty(0) != 0 ? .interrupted : .end
        }
        var text = String(decoding: UnsafeRawBufferPointer(start: line, count: strlen(line)), as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        return .text(Self.withoutGutter(text))
    }

    /// Ctrl-C becomes a key like the others, in its place among them, instead of a signal. (libedit's own setting for
    /// that is lost when it first reads the terminal's.) Gives what to give back.
    private static func takeInterruptKey() -> termios? {
        var terminal = termios()
        guard tcgetattr(0, &terminal) == 0 else { return nil }
        let before = terminal
        withUnsafeMutableBytes(of: &terminal.c_cc) { $0[Int(VINTR)] = 0 }   // _POSIX_VDISABLE
        return tcsetattr(0, TCSADRAIN, &terminal) == 0 ? before : nil
    }

    private static func giveBack(_ terminal: termios?) {
        if var terminal { tcsetattr(0, TCSADRAIN, &terminal) }
    }

    /// Whether the signal that ended reading stops the program. libedit passes a signal on while this thread is closed
    /// to it, so that another thread gets it first and hands it over here, in its time.
    private var isInterruptComing: Bool {
        for _ in 0 ..< 500 where !Interrupts.isPending { usleep(1000) }
        return Interrupts.isPending
    }

    /// What the arrows bring back, oldest first.
    func setHistory(_ entries: [String]) {
        if entries == shown { return }
        shown = entries
        edit_history_clear(past)
        for entry in entries { edit_history_add(past, Self.withGutter(entry)) }
    }

    static func withGutter(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n" + gutter)
    }

    static func withoutGutter(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return ([lines[0]] + lines.dropFirst().map { $0.hasPrefix(gutter) ? $0.dropFirst(2) : $0.drop { $0 == " " } })
            .joined(separator: "\n")
    }

    // MARK: keys

    /// Sequences that no key sends, for calling libedit's own functions from ours.
    private enum Own {
        static let submit = "\u{1B}[999;1~", left = "\u{1B}[999;2~", right = "\u{1B}[999;3~"
        static let older = "\u{1B}[999;4~", newer = "\u{1B}[999;5~"
    }

    private func addKeys() {
        edit_add_function(editor, "opah-enter", "run the input, or begin another line") { editor, _ in
            LineEditor.of(editor).enter()
        }
        edit_add_function(editor, "opah-newline", "begin another line") { editor, _ in
            LineEditor.of(editor).insert("\n")
        }
        edit_add_function(editor, "opah-complete", "complete") { editor, _ in LineEditor.of(editor).complete() }
        edit_add_function(editor, "opah-up", "a line up, or the older input") { editor, _ in LineEditor.of(editor).up()
        }
        edit_add_function(editor, "opah-down", "a line down, or the newer input") { editor, _ in
            LineEditor.of(editor).down()
        }
        edit_add_function(editor, "opah-interrupt", "drop the input") { editor, _ in LineEditor.of(editor).interrupt() }
        edit_add_function(editor, "opah-paste", "take pasted text as it is") { editor, _ in
            LineEditor.of(editor).paste()
        }
        for (keys, function) in [
            (Own.submit, "ed-newline"), (Own.left, "ed-prev-char"), (Own.right, "ed-next-char"),
            (Own.older, "ed-prev-history"), (Own.newer, "ed-next-history"),
            ("\r", "opah-enter"), ("\n", "opah-enter"), ("\u{1B}\r", "opah-newline"), ("\u{1B}\n", "opah-newline"),
            ("\t", "opah-complete"), ("\u{1B}[200~", "opah-paste"),
            ("\u{1B}[A", "opah-up"), ("\u{1B}OA", "opah-up"), ("\u{1B}[B", "opah-down"), ("\u{1B}OB", "opah-down"),
            ("\u{1B}[H", "ed-move-to-beg"), ("\u{1B}OH", "ed-move-to-beg"), ("\u{1B}[1~", "ed-move-to-beg"),
            ("\u{1B}[F", "ed-move-to-end"), ("\u{1B}OF", "ed-move-to-end"), ("\u{1B}[4~", "ed-move-to-end"),
            ("\u{1B}[3~", "ed-delete-next-char"), ("\u{1B}[1;5C", "em-next-word"), ("\u{1B}[1;5D", "ed-prev-word"),
            ("\u{12}", "em-inc-search-prev"), ("\u{3}", "opah-interrupt")
        ] { edit_bind(editor, keys, function) }
    }

    /// The text before and after the cursor, as it is in the buffer.
    var parts: (before: String, after: String) {
        guard let line = el_line(editor)?.pointee else { return ("", "") }
        func text(_ from: UnsafePointer<CChar>, _ to: UnsafePointer<CChar>) -> String {
            String(decoding: UnsafeRawBufferPointer(start: from, count: to - from), as: UTF8.self)
        }
        return (text(line.buffer, line.cursor), text(line.cursor, line.lastchar))
    }

    private func push(_ keys: String) -> UInt8 {
        el_push(editor, keys)
        return UInt8(CC_REFRESH)
    }

    func insert(_ text: String) -> UInt8 {
        el_insertstr(editor, Self.withGutter(text)) == 0 ? UInt8(CC_REFRESH) : UInt8(CC_ERROR)
    }

    /// Runs what is complete; else begins a line, indented as a person would unless more keys are waiting already (a
    /// paste).
    private func enter() -> UInt8 {
        let (before, after) = parts
        if after.isEmpty, let line = PromptIndent.dedented(before.lastLine) {
            el_deletestr(editor, Int32(before.lastLine.unicodeScalars.count))
            el_insertstr(editor, line)
        }
        if knowledge.isComplete(Self.withoutGutter(before + after)) { return push(Own.submit) }
        return insert("\n" + (isMoreWaiting ? "" : PromptIndent.next(after: Self.withoutGutter(before))))
    }

    private func interrupt() -> UInt8 {
        wasInterrupted = true
        let (before, after) = parts
        put(String(repeating: "\n", count: rows(before + after) - rows(before)))   // below all of it
        return UInt8(CC_EOF)
    }

    private var isMoreWaiting: Bool {
        var keyboard = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&keyboard, 1, 0) > 0
    }

    private func up() -> UInt8 {
        let lines = parts.before.split(separator: "\n", omittingEmptySubsequences: false).map(\.unicodeScalars.count)
        guard lines.count > 1 else { return push(Own.older) }
        let column = lines[lines.count - 1], above = lines[lines.count - 2]
        return push(String(repeating: Own.left, count: column + 1 + max(0, above - column)))
    }

    private func down() -> UInt8 {
        let (before, after) = parts
        let lines = after.split(separator: "\n", omittingEmptySubsequences: false).map(\.unicodeScalars.count)
        guard lines.count > 1 else { return push(Own.newer) }
        return push(
            String(repeating: Own.right, count: lines[0] + 1 + min(before.lastLine.unicodeScalars.count, lines[1])))
    }

    /// Between the marks that a terminal puts around pasted text.
    private func paste() -> UInt8 {
        let end = Array("\u{1B}[201~".unicodeScalars)
        var scalars: [Unicode.Scalar] = [], next: wchar_t = 0
        while scalars.suffix(end.count) != end[...], scalars.count < 1 << 20 {
            guard el_wgetc(editor, &next) == 1 else { return UInt8(CC_ERROR) }
            if let scalar = Unicode.Scalar(UInt32(bitPattern: next)) { scalars.append(scalar) }
        }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars.dropLast(end.count))
        text = String(text.map { $0 == "\r" || $0 == "\r\n" ? "\n" : $0 })
        while text.hasSuffix("\n") { text.removeLast() }
        return insert(text)
    }

    // MARK: the screen

    /// Rows above the last one that a text takes on the screen.
    func rows(_ text: String) -> Int {
        var row = 0, column = Self.gutter.count
        let width = Terminal.outputWidth
        for character in text {
            if character == "\n" {
                (row, column) = (row + 1, 0)
            } else {
                column += String(character).columns
                if column >= width { (row, column) = (row + 1, 0) }
            }
        }
        return row
    }

    func put(_ text: String) {
        fflush(nil)
        let bytes = Array(text.utf8)
        _ = write(1, bytes, bytes.count)
    }
}

extension String {
    var lastLine: String { lastIndex(of: "\n").map { String(self[index(after: $0)...]) } ?? self }
}
