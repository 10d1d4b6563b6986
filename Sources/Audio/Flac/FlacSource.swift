import Support

/// A damaged FLAC file: frames that are whole, decoded by libsndfile stretch by stretch. What is lost is cut out, as it
/// is of MPEG audio.
final class FlacSource: SampleSource {
    let info: AudioInfo
    let stated: Int?
    let notes: [String]
    private let file: RandomAccessFile
    private let head: FlacHead
    private let stretches: [FlacScan.Stretch]
    private var number = -1   // of the stretch that is being decoded
    private var left = 0   // samples that it still has
    private var decoder: SndfileDecoder?

    /// One stretch as a file of its own.
    private static func view(_ file: RandomAccessFile, _ head: FlacHead, _ stretch: FlacScan.Stretch) -> FileView {
        FileView(file, [.bytes(head.bytes(samples: stretch.samples)), .range(stretch.range)])
    }

    /// How many samples of a stretch can be decoded.
    static func decoded(_ file: RandomAccessFile, _ head: FlacHead, _ stretch: FlacScan.Stretch) throws -> Int {
        try SndfileSource.count(view(file, head, stretch)).frames
    }

    /// Nil when the frames follow each other without damage: what is missing at the end `SndfileSource` sees.
    init?(_ file: RandomAccessFile, _ scan: FlacScan) {
        let head = scan.head
        guard scan.damagedPlaces > 0, let first = scan.stretches.first,
            let decoder = SndfileDecoder(Self.view(file, head, first))
        else { return nil }
        (self.file, self.head, stretches) = (file, head, scan.stretches)
        let rate = Int(decoder.format.samplerate), frames = stretches.reduce(0) { $0 + $1.samples }
        info = AudioInfo(
            sampleRate: rate, channels: Int(decoder.format.channels), frames: frames,
            format: SndfileNames.container(decoder.format.format),
            subtype: SndfileNames.subtype(decoder.format.format))
        // A length of more samples than any coding puts into so many bytes is none.
        let promised = head.samples / 65536 <= file.size ? head.samples : 0
        let lost = max(scan.lost, promised - frames)
        stated = lost > frames ? frames + lost : nil
        notes = [
            AudioSources.damageNote(
                places: scan.damagedPlaces, first: Double(scan.firstDamage) / Double(max(1, rate)), lost: lost,
                rate: max(1, rate), frame: "FLAC frame")
        ]
    }

    private func open(_ stretch: Int) throws {
        number = stretch
        left = stretches[stretch].samples
        let view = Self.view(file, head, stretches[stretch])
        decoder = SndfileDecoder(view)
        try view.check()
    }

    func seek(to frame: Int) throws {
        var target = frame, stretch = 0
        while stretch < stretches.count - 1, target >= stretches[stretch].samples {
            target -= stretches[stretch].samples
            stretch += 1
        }
        try open(stretch)
        try skip(target)
    }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        while true {
            if left > 0, let decoder {
                let got = decoder.read(into: samples, frames: min(frames, left))
                if got > 0 {
                    left -= got
                    return got
                }
                try decoder.view.check()
            }
            guard number + 1 < stretches.count else { return 0 }
            try open(number + 1)
        }
    }
}
