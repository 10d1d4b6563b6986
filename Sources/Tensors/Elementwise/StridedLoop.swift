/// How a kernel walks over one, two or three operands of the same shape but different strides.
///
/// Dimensions that follow each other in every operand are joined first, so contiguous operands become
/// one long row, and a broadcast bias becomes rows with a repeated operand. Rows are cut into pieces
/// and shared out to the threads.
struct StridedLoop {
    /// Steps of the three operands along one dimension, in elements.
    typealias Steps = (Int, Int, Int)

    private var sizes = Dims()
    private var a = Dims(), b = Dims(), c = Dims()
    /// Elements of a row, and the operands' steps along it.
    private(set) var inner = 1
    private(set) var steps: Steps = (1, 1, 1)
    private let rows: Int

    init(_ shape: Dims, _ first: Dims, _ second: Dims, _ third: Dims) {
        for i in 0 ..< shape.count where shape[i] != 1 {
            let last = sizes.count - 1, size = shape[i]
            if last >= 0, a[last] == first[i] &* size, b[last] == second[i] &* size, c[last] == third[i] &* size {
                sizes[last] *= size
                (a[last], b[last], c[last]) = (first[i], second[i], third[i])
            } else {
                sizes.append(size)
                a.append(first[i]); b.append(second[i]); c.append(third[i])
            }
        }
        if let last = sizes.indices.last {
            inner = sizes[last]
            steps = (a[last], b[last], c[last])
            sizes.remove(at: last); a.remove(at: last); b.remove(at: last); c.remove(at: last)
        }
        rows = sizes.product
    }

    /// Calls `body` with the positions of the operands' first elements and the number of elements to
    /// do from there. Rows longer than a piece come in several calls.
    /// - Parameter grain: elements below which another thread is not worth waking.
    func run(grain: Int = Parallel.grain, _ body: (_ positions: Steps, _ count: Int) -> Void) {
        guard inner > 0, rows > 0 else { return }
        if rows == 1 {
            Parallel.forRange(inner, grain: grain) { range in
                let at = range.lowerBound
                body((at &* steps.0, at &* steps.1, at &* steps.2), range.count)
            }
            return
        }
        // Long rows are cut too, at fixed places.
        let piece = Swift.min(inner, Swift.max(grain, 1 << 15)), perRow = (inner + piece - 1) / piece
        Parallel.forRange(rows * perRow, grain: Swift.max(1, grain / piece)) { range in
            var (row, part) = range.lowerBound.quotientAndRemainder(dividingBy: perRow)
            var index = Dims(repeating: 0, count: sizes.count)
            var position: Steps = (0, 0, 0)
            func locate() {
                var rest = row
                position = (0, 0, 0)
                for d in stride(from: sizes.count - 1, through: 0, by: -1) {
                    index[d] = rest % sizes[d]
                    rest /= sizes[d]
                    position.0 &+= index[d] &* a[d]
                    position.1 &+= index[d] &* b[d]
                    position.2 &+= index[d] &* c[d]
                }
            }
            locate()
            for _ in range {
                let at = part &* piece
                body(
                    (position.0 &+ at &* steps.0, position.1 &+ at &* steps.1, position.2 &+ at &* steps.2),
                    Swift.min(piece, inner &- at))
                part &+= 1
                guard part == perRow else { continue }
                part = 0
                row &+= 1
                // Like an odometer: the innermost outer dimension turns first.
                var d = sizes.count &- 1
                while d >= 0 {
                    index[d] &+= 1
                    position.0 &+= a[d]; position.1 &+= b[d]; position.2 &+= c[d]
                    if index[d] < sizes[d] { break }
                    position.0 &-= a[d] &* sizes[d]; position.1 &-= b[d] &* sizes[d]; position.2 &-= c[d] &* sizes[d]
                    index[d] = 0
                    d &-= 1
                }
            }
        }
    }
}

extension Parallel {
    /// Elements of cheap work below which a second thread costs more than it saves.
    static let grain = 1 << 14
}

extension Dims {
    /// The strides that repeat a tensor of shape `shape` and these strides over `target`, NumPy's way:
    /// dimensions are matched from the end, and size 1 repeats. The shapes must fit.
    func broadcast(from shape: Dims, to target: Dims) -> Dims {
        if shape == target { return self }
        var result = Dims(repeating: 0, count: target.count)
        let lead = target.count - shape.count
        for i in 0 ..< shape.count { result[lead + i] = shape[i] == 1 ? 0 : self[i] }
        return result
    }

    /// The shape that both broadcast to, or nil.
    static func broadcast(_ a: Dims, _ b: Dims) -> Dims? {
        if a == b { return a }
        var result = a.count >= b.count ? a : b
        let short = a.count >= b.count ? b : a, lead = result.count - short.count
        for i in 0 ..< short.count where short[i] != result[lead + i] {
            if result[lead + i] == 1 { result[lead + i] = short[i] } else if short[i] != 1 { return nil }
        }
        return result
    }
}
