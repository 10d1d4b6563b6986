import Glibc

/// Triangular filters on Slaney's mel scale (linear up to 1 kHz, logarithmic above), each of unit area ("slaney"
/// norm), from 0 Hz to half the sampling rate. Stored sparse: a filter touches few of the FFT's bins.
public struct MelBank: Sendable {
    /// The first FFT bin (from 0) of each filter, and how many it has; 0 where a filter is narrower than a bin.
    public let firstBin: [Int]
    public let count: [Int]
    /// The weights of all filters, one filter after the other.
    public let values: [Float]

    init(sampleRate: Int, nFFT: Int, nMels: Int) {
        let bins = nFFT / 2 + 1, highest = Double(sampleRate / 2)
        let top = Self.mel(highest)
        let edges = (0 ..< nMels + 2).map { Self.hertz(top * Double($0) / Double(nMels + 1)) }
        var firstBin: [Int] = [], count: [Int] = [], values: [Float] = []
        for m in 0 ..< nMels {
            let (low, centre, high) = (edges[m], edges[m + 1], edges[m + 2])
            var first = 0, found = 0
            for bin in 0 ..< bins {
                let frequency = highest * Double(bin) / Double(bins - 1)
                let weight = min((frequency - low) / (centre - low), (high - frequency) / (high - centre))
                guard weight > 0 else {
                    if found > 0 { break }
                    continue
                }
                if found == 0 { first = bin }
                found += 1
                values.append(Float(weight * 2 / (high - low)))
            }
            firstBin.append(first)
            count.append(found)
        }
        (self.firstBin, self.count, self.values) = (firstBin, count, values)
    }

    private static let step = log(6.4) / 27   // of the natural logarithm of Hz per mel, above 1 kHz = 15 mel

    private static func mel(_ hertz: Double) -> Double {
        hertz < 1000 ? hertz * 3 / 200 : 15 + log(hertz / 1000) / step
    }
    private static func hertz(_ mel: Double) -> Double { mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * step) }
}
