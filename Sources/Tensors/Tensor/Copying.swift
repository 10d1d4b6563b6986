import Glibc
import Support

extension Tensor {
    /// Itself when its elements lie in C order, else a copy that does.
    public func contiguous() throws -> Tensor { isContiguous ? self : try clone() }

    /// A copy with its own storage, in C order.
    public func clone() throws -> Tensor {
        let result = try Tensor(empty: shape, dtype)
        result.copyElements(from: self)
        if Autograd.wants(self) { Autograd.record(result, "clone", [self]) { [$0] } }
        return result
    }

    /// Copies the elements of `source`, of the same shape and dtype. No checks, no record.
    func copyElements(from source: Tensor) {
        guard count > 0 else { return }
        if isContiguous, source.isContiguous {
            let size = dtype.size
            let to = storage.pointer + offset * size, from = source.storage.pointer + source.offset * size
            if count * size <= 1 << 16 { memmove(to, from, count * size); return }
            Parallel.forRange(count * size, grain: 1 << 18) { range in
                memmove(to + range.lowerBound, from + range.lowerBound, range.count)
            }
            return
        }
        switch dtype.size {
        case 1: copyStrided(UInt8.self, source)
        case 2: copyStrided(UInt16.self, source)
        case 4: copyStrided(UInt32.self, source)
        default: copyStrided(UInt64.self, source)
        }
    }

    private func copyStrided<T>(_: T.Type, _ source: Tensor) {
        let to = pointer(T.self), from = UnsafePointer(source.pointer(T.self))
        if copyTransposed(to, from, source) { return }
        let loop = StridedLoop(shape, strides, source.strides, strides)
        let (step, fromStep, _) = loop.steps
        loop.run { at, n in
            let to = to + at.0, from = from + at.1
            if step == 1, fromStep == 1 {
                to.update(from: from, count: n)
            } else if step == 1, fromStep == 0 {
                to.update(repeating: from.pointee, count: n)
            } else {
                for i in 0 ..< n { to[i &* step] = from[i &* fromStep] }
            }
        }
    }

    /// Copies where the source's closest elements lie along another dimension than ours: in square
    /// tiles, so that both sides use whole cache lines. False when that is not the case.
    private func copyTransposed<T>(_ to: UnsafeMutablePointer<T>, _ from: UnsafePointer<T>, _ source: Tensor) -> Bool {
        let tile = 32
        guard let column = (0 ..< rank).last(where: { shape[$0] > 1 }), strides[column] == 1,
            let row = (0 ..< rank).first(where: { source.strides[$0] == 1 && shape[$0] > 1 }), row != column,
            shape[row] >= 4, shape[column] >= 4
        else { return false }
        let rows = shape[row], columns = shape[column]
        let rowStep = strides[row], columnStep = source.strides[column]
        var outer = shape, outerTo = strides, outerFrom = source.strides
        for d in [Swift.max(row, column), Swift.min(row, column)] {
            outer.remove(at: d); outerTo.remove(at: d); outerFrom.remove(at: d)
        }
        let rowTiles = (rows + tile - 1) / tile, outerCount = outer.product
        Parallel.forRange(outerCount * rowTiles, grain: Swift.max(1, Parallel.grain / (tile * columns))) { range in
            for task in range {
                var (rest, rowTile) = task.quotientAndRemainder(dividingBy: rowTiles)
                var to = to, from = from
                for d in stride(from: outer.count - 1, through: 0, by: -1) {
                    let index = rest % outer[d]
                    rest /= outer[d]
                    to += index * outerTo[d]
                    from += index * outerFrom[d]
                }
                rowTile *= tile
                let height = Swift.min(tile, rows - rowTile)
                for left in stride(from: 0, to: columns, by: tile) {
                    let width = Swift.min(tile, columns - left)
                    for r in rowTile ..< (rowTile + height) {
                        let to = to + (r &* rowStep &+ left), from = from + (r &+ left &* columnStep)
                        for c in 0 ..< width { to[c] = from[c &* columnStep] }
                    }
                }
            }
        }
        return true
    }
}
