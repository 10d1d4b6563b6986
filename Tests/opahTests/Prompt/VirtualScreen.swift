/// What a terminal shows after some bytes: the part of a VT100 with xterm's additions that line editors use.
struct VirtualScreen {
    private(set) var width: Int, height: Int
    private var cells: [[Character]]
    /// Lines that have left at the top.
    private(set) var scrolled: [String] = []
    private(set) var row = 0, column = 0
    /// The last column was written; the next character goes to the next line.
    private var isFull = false
    private var pending: [UInt8] = []

    init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        cells = Array(repeating: Array(repeating: " ", count: width), count: height)
    }

    /// Everything there is to read, without blanks at the ends; a wide character is followed by an empty cell.
    var lines: [String] {
        var all = scrolled + cells.map(Self.text)
        while all.last == "" { all.removeLast() }
        return all
    }

    /// The line that the cursor is in.
    var current: String { Self.text(cells[row]) }

    private static func text(_ cells: [Character]) -> String {
        var text = String(cells.filter { $0 != "\0" })
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    /// Another size: lines that are too long now take several rows, as in most terminals; the cursor stays in its text.
    mutating func resize(width: Int, height: Int) {
        var rows: [[Character]] = [], place = (row: 0, column: 0)
        for (i, line) in cells.enumerated() {
            let used = max(1, (line.lastIndex { $0 != " " } ?? -1) + 1, i == row ? min(column + 1, line.count) : 0)
            if i > row, used == 1, line[0] == " " { break }
            if i == row { place = (rows.count + column / width, column % width) }
            for start in stride(from: 0, to: used, by: width) {
                let part = Array(line[start ..< min(used, start + width)])
                rows.append(part + Array(repeating: " ", count: width - part.count))
            }
        }
        let above = max(0, rows.count - height)
        scrolled += rows.prefix(above).map(Self.text)
        cells = Array(rows.dropFirst(above))
        while cells.count < height { cells.append(Array(repeating: " ", count: width)) }
        (row, column, isFull) = (max(0, place.row - above), place.column, false)
        (self.width, self.height) = (width, height)
    }

    mutating func feed(_ bytes: some Sequence<UInt8>) {
        pending += bytes
        var position = 0
        while position < pending.count {
            let used = step(pending[position...])
            if used == 0 { break }
            position += used
        }
        pending.removeFirst(position)
    }

    /// Takes one character or control sequence; 0 when it is not complete yet.
    private mutating func step(_ bytes: ArraySlice<UInt8>) -> Int {
        let first = bytes[bytes.startIndex]
        switch first {
        case 0x0D: (column, isFull) = (0, false)
        case 0x0A: newLine()
        case 0x08: (column, isFull) = (max(0, column - 1), false)
        case 0x09: column = min(width - 1, (column / 8 + 1) * 8)
        case 0x1B: return escape(bytes)
        case 0 ..< 0x20: break
        default:
            let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard bytes.count >= length else { return 0 }
            put(Character(String(decoding: bytes.prefix(length), as: UTF8.self)))
            return length
        }
        return 1
    }

    private mutating func put(_ character: Character) {
        let wide = character.unicodeScalars.contains {
            (0x1100 ... 0x115F).contains($0.value) || (0x2E80 ... 0xA4CF).contains($0.value)
                || (0xAC00 ... 0xD7A3).contains($0.value) || (0xFF00 ... 0xFF60).contains($0.value)
        }
        if isFull || wide && column == width - 1 { column = 0; newLine() }
        cells[row][column] = character
        if wide { cells[row][column + 1] = "\0" }
        let next = column + (wide ? 2 : 1)
        (column, isFull) = (min(next, width - 1), next >= width)
    }

    private mutating func newLine() {
        isFull = false
        if row + 1 < height { row += 1; return }
        scrolled.append(Self.text(cells.removeFirst()))
        cells.append(Array(repeating: " ", count: width))
    }

    private mutating func escape(_ bytes: ArraySlice<UInt8>) -> Int {
        guard bytes.count >= 2 else { return 0 }
        let rest = Array(bytes.dropFirst())
        if rest[0] == UInt8(ascii: "(") || rest[0] == UInt8(ascii: ")") { return bytes.count >= 3 ? 3 : 0 }
        guard rest[0] == UInt8(ascii: "[") else { return 2 }
        guard let end = rest.dropFirst().firstIndex(where: { (0x40 ... 0x7E).contains($0) }) else { return 0 }
        let numbers = String(decoding: rest[1 ..< end], as: UTF8.self).split(separator: ";").map { Int($0) ?? 0 }
        let n = max(1, numbers.first ?? 1), blank = [Character](repeating: " ", count: width)
        isFull = isFull && rest[end] == UInt8(ascii: "m")
        switch Character(UnicodeScalar(rest[end])) {
        case "A": row = max(0, row - n)
        case "B": row = min(height - 1, row + n)
        case "C": column = min(width - 1, column + n)
        case "D": column = max(0, column - n)
        case "G": column = min(width, n) - 1
        case "d": row = min(height, n) - 1
        case "H": (row, column) = (min(height, n) - 1, min(width, numbers.count > 1 ? max(1, numbers[1]) : 1) - 1)
        case "K":
            switch numbers.first ?? 0 {
            case 0: for i in column ..< width { cells[row][i] = " " }
            case 1: for i in 0 ... column { cells[row][i] = " " }
            default: cells[row] = blank
            }
        case "J":
            if (numbers.first ?? 0) == 0 { for i in column ..< width { cells[row][i] = " " } }
            for i in (numbers.first ?? 0) == 0 ? row + 1 ..< height : 0 ..< height { cells[i] = blank }
        case "P": cells[row] = Array((cells[row][..<column] + cells[row].dropFirst(column + n) + blank).prefix(width))
        case "@": cells[row] = Array((cells[row][..<column] + blank.prefix(n) + cells[row][column...]).prefix(width))
        case "X": for i in column ..< min(width, column + n) { cells[row][i] = " " }
        case "L": for _ in 0 ..< min(n, height - row) { cells.insert(blank, at: row); cells.removeLast() }
        case "M": for _ in 0 ..< min(n, height - row) { cells.remove(at: row); cells.append(blank) }
        default: break
        }
        return end + 2
    }
}
