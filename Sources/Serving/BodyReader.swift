/// Takes a request's body out of the bytes as they come, of a stated length or in chunks.
package struct BodyReader {
    private enum State { case size, data(Int), dataEnd, trailer, done }

    package private(set) var bytes: [UInt8] = []
    private let limit: Int
    private let isChunked: Bool
    private var state: State
    /// Of a chunk's size and of the trailer: what came of the line so far, and how much of the trailer.
    private var line: [UInt8] = [], trailer = 0

    private static let maxLine = 256, maxTrailer = 4096

    package var isComplete: Bool { if case .done = state { true } else { false } }

    package init(_ framing: RequestHead.Framing, limit: Int) throws(Rejection) {
        self.limit = limit
        switch framing {
        case .none: (state, isChunked) = (.done, false)
        case .chunked: (state, isChunked) = (.size, true)
        case .length(let count):
            guard count <= limit else { throw Rejection(413, "the body has \(count) bytes, and \(limit) are allowed") }
            (state, isChunked) = (.data(count), false)
        }
    }

    /// - Returns: how many of the bytes belong to the body; the rest is the next request's.
    package mutating func take(_ input: ArraySlice<UInt8>) throws(Rejection) -> Int {
        var at = input.startIndex
        while at < input.endIndex {
            switch state {
            case .done: return at - input.startIndex
            case .data(let left):
                let count = min(left, input.endIndex - at)
                bytes.append(contentsOf: input[at ..< (at + count)])
                at += count
                state = count < left ? .data(left - count) : isChunked ? .dataEnd : .done
            case .size, .dataEnd, .trailer:
                let byte = input[at]
                at += 1
                if byte != UInt8(ascii: "\n") {
                    line.append(byte)
                    guard line.count <= Self.maxLine else {
                        throw Rejection(400, "a line of the chunked body is too long")
                    }
                    continue
                }
                guard line.popLast() == UInt8(ascii: "\r"), !line.contains(UInt8(ascii: "\r")) else {
                    throw Rejection(400, "a line of the chunked body does not end with CR LF")
                }
                try endLine()
                line.removeAll(keepingCapacity: true)
            }
        }
        return at - input.startIndex
    }

    private mutating func endLine() throws(Rejection) {
        switch state {
        case .dataEnd:
            guard line.isEmpty else { throw Rejection(400, "a chunk is longer than it says") }
            state = .size
        case .size:
            let digits = line.prefix { $0 != UInt8(ascii: ";") }
            guard !digits.isEmpty, digits.count <= 8 else {
                throw Rejection(digits.isEmpty ? 400 : 413, "a chunk's size is wrong")
            }
            var size = 0
            for digit in digits {
                guard let value = RequestHead.hexDigit(digit) else {
                    throw Rejection(400, "a chunk's size is no number")
                }
                size = size << 4 | value
            }
            guard size <= limit - bytes.count else { throw Rejection(413, "the body has more than \(limit) bytes") }
            state = size == 0 ? .trailer : .data(size)
        case .trailer:
            trailer += line.count + 2
            guard trailer <= Self.maxTrailer else { throw Rejection(431, "the trailer is too long") }
            if line.isEmpty { state = .done }
        case .data, .done: break
        }
    }
}
