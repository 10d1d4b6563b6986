import Support

/// Few channels in a group: to write the columns of a matrix product would cost more than the product. The long side is
/// laid out by phases instead, row [channel, phase] holding long[j * stride + phase - left] at j, so that each tap reads
/// neighbours for neighbouring outputs; sums of four channels at 24 positions stay in registers while all taps pass.
extension ConvolutionKernels {
    static func isDirect(_ g: ConvolutionGeometry) -> Bool {
        !g.isDepthwise && g.kernel > 1 && g.shortPerGroup <= 16 && g.shortPerGroup * g.longPerGroup <= 256
            && g.stride <= 16 && g.left <= 4096 && reach(g) <= 4096   // zeros are laid out as well
    }

    /// Channels and positions of one tile of results.
    private static let tall = 4, wide = 24

    /// What one product of a sum reads, from the start of a row of weights and from that of the rows of input.
    private struct Tap { let weight: Int, input: Int }

    private static func wholeTiles(_ count: Int) -> Int { (count + wide - 1) / wide * wide }

    /// How many places of its row further than the first tap the last one reads.
    private static func reach(_ g: ConvolutionGeometry) -> Int { (g.kernel - 1) * g.dilation / g.stride }

    static func directForward(
        _ g: ConvolutionGeometry, long: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, short: UnsafeMutablePointer<Float>
    ) throws {
        let width = wholeTiles(g.shortLength) + reach(g), depth = g.longPerGroup * g.kernel
        let taps = phaseTaps(g, width)
        Parallel.forEach(g.batch * g.groups) { index in
            guard !Interrupt.isStopping else { return }
            let b = index / g.groups, group = index % g.groups
            let rows = Scratch(g.longPerGroup * g.stride * width)
            spread(g, long + (b * g.longChannels + group * g.longPerGroup) * g.longLength, rows.pointer, width)
            let firstShort = group * g.shortPerGroup
            let out = short + (b * g.shortChannels + firstShort) * g.shortLength
            eachTile(g.shortLength, g.shortPerGroup) { t, count, channel, channels, tile in
                correlate(
                    channels, taps, weight + (firstShort + channel) * depth, stride: depth, rows.pointer + t, into: tile
                )
                for c in 0 ..< channels {
                    let offset = bias?[firstShort + channel + c] ?? 0, to = out + (channel + c) * g.shortLength + t
                    for i in 0 ..< count { to[i] = tile[c * wide + i] + offset }
                }
            }
        }
        try Interrupt.check()
    }

    static func directInputGradient(
        _ g: ConvolutionGeometry, short: UnsafePointer<Float>, weight: UnsafePointer<Float>,
        long: UnsafeMutablePointer<Float>
    ) throws {
        let reach = reach(g), places = (g.longLength + g.left + g.stride - 1) / g.stride
        let width = reach + max(wholeTiles(places), g.shortLength)
        // By phase: every short channel, with the taps that land there.
        let taps = (0 ..< g.stride).map { phase in
            (0 ..< g.shortPerGroup).flatMap { channel in
                (0 ..< g.kernel).filter { $0 * g.dilation % g.stride == phase }.map { k in
                    Tap(
                        weight: channel * g.longPerGroup * g.kernel + k,
                        input: channel * width + reach - k * g.dilation / g.stride)
                }
            }
        }
        Parallel.forEach(g.batch * g.groups) { index in
            guard !Interrupt.isStopping else { return }
            let b = index / g.groups, group = index % g.groups
            let rows = Scratch(g.shortPerGroup * width)
            pad(
                short + (b * g.shortChannels + group * g.shortPerGroup) * g.shortLength, g.shortPerGroup, g.shortLength,
                rows.pointer, before: reach, width)
            let own = weight + group * g.shortPerGroup * g.longPerGroup * g.kernel
            let out = long + (b * g.longChannels + group * g.longPerGroup) * g.longLength
            for phase in 0 ..< g.stride {
                eachTile(places, g.longPerGroup) { j, count, channel, channels, tile in
                    correlate(
                        channels, taps[phase], own + channel * g.kernel, stride: g.kernel, rows.pointer + j, into: tile)
                    for c in 0 ..< channels {
                        let to = out + (channel + c) * g.longLength, first = j * g.stride + phase - g.left
                        for i in 0 ..< count {
                            let place = first + i * g.stride
                            if place >= 0, place < g.longLength { to[place] = tile[c * wide + i] }
                        }
                    }
                }
            }
        }
        try Interrupt.check()
    }

    /// Adds to `weight`, whose groups share the threads, so that sums over the batch keep their order.
    static func directWeightGradient(
        _ g: ConvolutionGeometry, long: UnsafePointer<Float>, short: UnsafePointer<Float>,
        weight: UnsafeMutablePointer<Float>
    ) throws {
        let positions = (g.shortLength + 7) / 8 * 8, width = max(wholeTiles(g.shortLength), positions) + reach(g)
        let depth = g.longPerGroup * g.kernel, taps = phaseTaps(g, width)
        Parallel.forEach(g.groups) { group in
            let rows = Scratch(g.longPerGroup * g.stride * width), ends = Scratch(g.shortPerGroup * positions)
            let own = weight + group * g.shortPerGroup * depth
            for b in 0 ..< g.batch {
                guard !Interrupt.isStopping else { return }
                spread(g, long + (b * g.longChannels + group * g.longPerGroup) * g.longLength, rows.pointer, width)
                pad(
                    short + (b * g.shortChannels + group * g.shortPerGroup) * g.shortLength, g.shortPerGroup,
                    g.shortLength, ends.pointer, before: 0, positions)
                // In pieces of time for which everything stays in a core's first cache.
                for t in stride(from: 0, to: positions, by: 512) {
                    let count = min(512, positions - t)
                    for channel in stride(from: 0, to: g.shortPerGroup, by: 4) {
                        let channels = min(4, g.shortPerGroup - channel)
                        for first in stride(from: 0, to: depth, by: 3) {
                            collect(
                                channels, ends.pointer + channel * positions + t, stride: positions,
                                taps[first ..< min(first + 3, depth)], rows.pointer + t, count,
                                into: own + channel * depth, stride: depth)
                        }
                    }
                }
            }
        }
        try Interrupt.check()
    }

    // MARK: layouts

    /// Taps of the long side's rows by phase, in the order of a row of weights.
    private static func phaseTaps(_ g: ConvolutionGeometry, _ width: Int) -> [Tap] {
        (0 ..< g.longPerGroup).flatMap { channel in
            (0 ..< g.kernel).map { k in
                let at = k * g.dilation
                return Tap(
                    weight: channel * g.kernel + k,
                    input: (channel * g.stride + at % g.stride) * width + at / g.stride)
            }
        }
    }

    /// The rows by phase of one group's long side, zeros around them.
    private static func spread(
        _ g: ConvolutionGeometry, _ long: UnsafePointer<Float>, _ rows: UnsafeMutablePointer<Float>, _ width: Int
    ) {
        for channel in 0 ..< g.longPerGroup {
            let from = long + channel * g.longLength - g.left
            for phase in 0 ..< g.stride {
                let row = rows + (channel * g.stride + phase) * width
                let first = min(width, phase < g.left ? (g.left - phase + g.stride - 1) / g.stride : 0)
                let end = max(first, min(width, (g.longLength + g.left - phase + g.stride - 1) / g.stride))
                row.update(repeating: 0, count: first)
                if g.stride == 1 {
                    (row + first).update(from: from + first, count: end - first)
                } else {
                    for j in first ..< end { row[j] = from[j * g.stride + phase] }
                }
                (row + end).update(repeating: 0, count: width - end)
            }
        }
    }

    /// Rows with zeros before and behind them.
    private static func pad(
        _ from: UnsafePointer<Float>, _ count: Int, _ length: Int, _ rows: UnsafeMutablePointer<Float>, before: Int,
        _ width: Int
    ) {
        for row in 0 ..< count {
            let to = rows + row * width
            to.update(repeating: 0, count: before)
            (to + before).update(from: from + row * length, count: length)
            (to + before + length).update(repeating: 0, count: width - before - length)
        }
    }

    /// Tiles of positions and channels, with room [tall, wide] for each one's results.
    private static func eachTile(
        _ positions: Int, _ channels: Int,
        _ body: (_ t: Int, _ count: Int, _ channel: Int, _ channels: Int, _ tile: UnsafeMutablePointer<Float>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: tall * wide) { tile in
            for t in stride(from: 0, to: positions, by: wide) {
                for channel in stride(from: 0, to: channels, by: tall) {
                    body(t, min(wide, positions - t), channel, min(tall, channels - channel), tile.baseAddress!)
                }
            }
        }
    }

    // MARK: sums in registers

    private typealias Lanes = SIMD8<Float>

    @inline(__always) private static func lanes(_ from: UnsafePointer<Float>) -> Lanes {
        UnsafeRawPointer(from).loadUnaligned(as: Lanes.self)
    }

    /// tile[r, i] = the sum over taps of weight[r * stride + tap.weight] * input[tap.input + i].
    private static func correlate(
        _ rows: Int, _ taps: [Tap], _ weight: UnsafePointer<Float>, stride: Int, _ input: UnsafePointer<Float>,
        into tile: UnsafeMutablePointer<Float>
    ) {
        if rows < tall {
            for row in 0 ..< rows {
                var (a0, a1, a2) = (Lanes.zero, Lanes.zero, Lanes.zero)
                for tap in taps {
                    let x = input + tap.input, w = Lanes(repeating: weight[row * stride + tap.weight])
                    a0.addProduct(w, lanes(x))
                    a1.addProduct(w, lanes(x + 8))
                    a2.addProduct(w, lanes(x + 16))
                }
                store(a0, a1, a2, tile + row * wide)
            }
            return
        }
        var (a0, a1, a2) = (Lanes.zero, Lanes.zero, Lanes.zero), (b0, b1, b2) = (Lanes.zero, Lanes.zero, Lanes.zero)
        var (c0, c1, c2) = (Lanes.zero, Lanes.zero, Lanes.zero), (d0, d1, d2) = (Lanes.zero, Lanes.zero, Lanes.zero)
        for tap in taps {
            let x = input + tap.input, (x0, x1, x2) = (lanes(x), lanes(x + 8), lanes(x + 16))
            let w = weight + tap.weight
            let a = Lanes(repeating: w[0])
            a0.addProduct(a, x0)
            a1.addProduct(a, x1)
            a2.addProduct(a, x2)
            let b = Lanes(repeating: w[stride])
            b0.addProduct(b, x0)
            b1.addProduct(b, x1)
            b2.addProduct(b, x2)
            let c = Lanes(repeating: w[2 &* stride])
            c0.addProduct(c, x0)
            c1.addProduct(c, x1)
            c2.addProduct(c, x2)
            let d = Lanes(repeating: w[3 &* stride])
            d0.addProduct(d, x0)
            d1.addProduct(d, x1)
            d2.addProduct(d, x2)
        }
        store(a0, a1, a2, tile)
        store(b0, b1, b2, tile + wide)
        store(c0, c1, c2, tile + 2 * wide)
        store(d0, d1, d2, tile + 3 * wide)
    }

    @inline(__always)
    private static func store(_ x0: Lanes, _ x1: Lanes, _ x2: Lanes, _ to: UnsafeMutablePointer<Float>) {
        let raw = UnsafeMutableRawPointer(to)
        raw.storeBytes(of: x0, as: Lanes.self)
        raw.storeBytes(of: x1, toByteOffset: 32, as: Lanes.self)
        raw.storeBytes(of: x2, toByteOffset: 64, as: Lanes.self)
    }

    /// weight[r * stride + tap.weight] += the sum over i < count of ends[r * pitch + i] * input[tap.input + i], for three
    /// taps at most; count is a multiple of eight.
    private static func collect(
        _ rows: Int, _ ends: UnsafePointer<Float>, stride pitch: Int, _ taps: ArraySlice<Tap>,
        _ input: UnsafePointer<Float>, _ count: Int, into weight: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let first = taps.startIndex
        if rows < 4 || taps.count < 3 {
            for row in 0 ..< rows {
                for tap in taps {
                    var sum = Lanes.zero, i = 0
                    while i < count {
                        sum.addProduct(lanes(ends + row * pitch + i), lanes(input + tap.input + i))
                        i += 8
                    }
                    weight[row * stride + tap.weight] += sum.sum()
                }
            }
            return
        }
        let x0 = input + taps[first].input, x1 = input + taps[first + 1].input, x2 = input + taps[first + 2].input
        var (a0, a1, a2) = (Lanes.zero, Lanes.zero, Lanes.zero), (b0, b1, b2) = (Lanes.zero, Lanes.zero, Lanes.zero)
        var (c0, c1, c2) = (Lanes.zero, Lanes.zero, Lanes.zero), (d0, d1, d2) = (Lanes.zero, Lanes.zero, Lanes.zero)
        var i = 0
        while i < count {
            let (u0, u1, u2) = (lanes(x0 + i), lanes(x1 + i), lanes(x2 + i))
            let a = lanes(ends + i)
            a0.addProduct(a, u0)
            a1.addProduct(a, u1)
            a2.addProduct(a, u2)
            let b = lanes(ends + (pitch &+ i))
            b0.addProduct(b, u0)
            b1.addProduct(b, u1)
            b2.addProduct(b, u2)
            let c = lanes(ends + (2 &* pitch &+ i))
            c0.addProduct(c, u0)
            c1.addProduct(c, u1)
            c2.addProduct(c, u2)
            let d = lanes(ends + (3 &* pitch &+ i))
            d0.addProduct(d, u0)
            d1.addProduct(d, u1)
            d2.addProduct(d, u2)
            i &+= 8
        }
        for (row, sums) in [(a0, a1, a2), (b0, b1, b2), (c0, c1, c2), (d0, d1, d2)].enumerated() {
            let to = weight + row * stride
            to[taps[first].weight] += sums.0.sum()
            to[taps[first + 1].weight] += sums.1.sum()
            to[taps[first + 2].weight] += sums.2.sum()
        }
    }
}
