import Foundation
import Support

/// How the program talks: data to standard output, everything else here, to standard error.
public enum Terminal {
    public enum Style: Sendable {
        /// Lines of text, and a live line on a terminal.
        case text
        /// Only errors and what was skipped.
        case quiet
        /// One JSON object per event.
        case json
    }

    nonisolated(unsafe) public static var style = Style.text   // set once, before anything runs

    /// Of one of several processes that does not speak for all: who it is. Only its warnings are shown, with this in
    /// front.
    nonisolated(unsafe) public static var speaker: String?   // set once, before anything runs

    /// Whether standard error is a terminal that can redraw a line.
    public static let isLive = isatty(2) != 0 && getenv("TERM").map { String(cString: $0) } != "dumb"
    /// Whether colours are welcome.
    public static let hasColour = isLive && getenv("NO_COLOR") == nil

    /// Columns of the terminal.
    public static var width: Int { columns(of: 2) }

    /// Whether standard output is a terminal that moves its cursor.
    public static let isOutputLive = isatty(1) != 0 && getenv("TERM").map { String(cString: $0) } != "dumb"
    /// Whether colours are welcome in standard output.
    public static let hasOutputColour = isOutputLive && getenv("NO_COLOR") == nil
    /// Columns of the terminal that standard output is, else 80.
    public static var outputWidth: Int { columns(of: 1) }

    /// Rows of the terminal.
    package static var height: Int { size(of: 2).map { $0.ws_row > 0 ? Int($0.ws_row) : 24 } ?? 24 }

    private static func columns(of descriptor: Int32) -> Int {
        size(of: descriptor).map { $0.ws_col > 0 ? Int($0.ws_col) : 80 } ?? 80
    }

    private static func size(of descriptor: Int32) -> winsize? {
        var size = winsize()
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
    }

    /// Text for standard output in a colour or style, where that is welcome: 1 is bold, 2 dim, 31 red.
    public static func styled(_ text: String, _ code: Int, colour: Bool = hasOutputColour) -> String {
        colour && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// The live line that is on the screen now, to be cleared before anything else is written.
    nonisolated(unsafe) private static var liveLine = false

    /// Names on the command line that hold what a terminal would obey, the longest first: as arguments, and as values
    /// behind `=`.
    private static let namesGiven: [String] = {
        var names: Set<String> = []
        for argument in CommandLine.arguments.dropFirst() where ShownText.name(argument) != argument {
            let value = argument.split(separator: "=", maxSplits: 1).last.map(String.init) ?? argument
            names.formUnion([argument, value, value.trimmingCharacters(in: CharacterSet(charactersIn: "'\"[]"))])
        }
        // Words that are nothing but a line's end would be found everywhere.
        return names.filter { $0.first?.isWhitespace == false && $0.last?.isWhitespace == false }
            .sorted { $0.count > $1.count }
    }()

    /// A message as a terminal may show it: what is no visible character is written out, lines stay, and a name that was
    /// given is one, wherever in the message it stands.
    static func shown(_ message: String) -> String {
        ShownText.message(namesGiven.reduce(message) { $0.replacing($1, with: ShownText.name($1)) })
    }

    /// A line for people. What is no visible character in it is written out, since names and other people's words are
    /// in it.
    /// - Parameter isStyled: it was made of `styled` parts and shown text, and is written as it is.
    public static func log(_ line: String, isStyled: Bool = false) {
        if speaker != nil { return }
        switch style {
        case .text: write((clearing() + (isStyled ? line : shown(line)) + "\n"))
        case .quiet: break
        case .json: event(["event": "log", "message": .string(line)])
        }
    }

    /// A line that even `--quiet` shows.
    public static func warn(_ line: String, isStyled: Bool = false) {
        let line = speaker.map { "\($0): \(line)" } ?? line
        if style == .json {
            tell(["event": "warning", "message": .string(line)])
        } else {
            write(clearing() + (isStyled ? line : shown(line)) + "\n")
        }
    }

    /// A line on standard output: as a person may see it on a terminal, as it is for a program.
    public static func show(_ line: String) { print(isatty(1) != 0 ? ShownText.message(line) : line) }

    /// Something for programs: shown with `--json`, and kept in the file `OPAH_EVENTS`, which a batch reads.
    public static func event(_ map: ConfigMap) {
        if speaker == nil { tell(map) }
    }

    private static func tell(_ map: ConfigMap) {
        guard hasListener else { return }
        let line = JSON.encode(.map(map)) + "\n"
        if style == .json { write(line) }
        if let eventFile { write(line, to: eventFile) }
    }

    /// Whether anybody wants events.
    public static var hasListener: Bool { style == .json || eventFile != nil }

    private static let eventFile: Int32? = getenv("OPAH_EVENTS").flatMap { path in
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        return descriptor >= 0 ? descriptor : nil
    }

    /// Redraws the live line; nothing where there is no terminal.
    public static func live(_ line: String) {
        guard isLive, style == .text, speaker == nil else { return }
        write("\r" + ShownText.name(line) + "\u{1B}[K")
        liveLine = true
    }

    /// Leaves the live line where it is.
    public static func endLive() {
        guard liveLine else { return }
        liveLine = false
        write("\n")
    }

    private static func clearing() -> String {
        guard liveLine else { return "" }
        liveLine = false
        return "\r\u{1B}[K"
    }

    private static func write(_ text: String, to descriptor: Int32 = 2) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            if count <= 0, errno != EINTR { return }
            done += max(count, 0)
        }
    }
}
