import Support

/// Where the frames of MPEG audio lie in a file, told from every frame's header: what a tag promises, and what a
/// decoder's own search would stumble over, is checked against this.
///
/// Cost: one read of the file; memory grows with the number of damaged places only.
struct MpegScan {
    /// Frames that one decoder reads without a break, since all of them are whole.
    struct Run {
        var pieces: [Range<Int>] = []   // bytes of the file; tags between frames are left out
        var frames = 0
    }

    /// What one encoder wrote: its tag and its frames. Files that were joined hold several.
    struct Track {
        var header: MpegHeader
        var offset: Int   // of its first byte
        var tag: MpegTag?
        var runs: [Run] = []
        var frames = 0
        var bytes = 0   // of all frames
        var damagedPlaces = 0
        var firstDamage = 0   // frames before it
        var damagedFrames = 0   // about as many were lost there
        var unwrittenFrames = 0   // of those, about as many where the file was never written to
        var unwrittenTail = 0   // bytes behind the last frame that were never written
        var isCutOff = false   // the last frame is not whole

        var end: Int { runs.last?.pieces.last?.upperBound ?? offset }
        var meanFrameBytes: Int { max(1, frames > 0 ? bytes / frames : header.frameBytes) }
    }

    private(set) var tracks: [Track] = []
    /// The first byte that is in no frame and no tag.
    private(set) var firstDamage: Int?
    private var window: ByteWindow
    private let end: Int

    /// Follows the frames from `offset`, where one was found, to `end`.
    init(_ file: RandomAccessFile, from offset: Int, to end: Int) throws {
        window = ByteWindow(file)
        self.end = end
        try walk(from: offset)
    }

    // MARK: Finding the first frame

    /// The first place from `offset` on, before `limit`, where MPEG frames follow each other.
    static func start(in file: RandomAccessFile, from offset: Int, before limit: Int) throws -> Int? {
        var search = try MpegScan(file)
        return try search.find(from: offset, before: limit, like: nil, links: 3)
            ?? search.find(from: offset, before: min(limit, offset + 1 << 16), like: nil, links: 2)
    }

    private init(_ file: RandomAccessFile) throws {
        window = ByteWindow(file)
        end = file.size
    }

    /// The first place where frames of the same stream follow each other (`links` of them, fewer up to a tag or the
    /// file's end).
    private mutating func find(from offset: Int, before limit: Int, like known: MpegHeader?, links: Int) throws -> Int?
    {
        var offset = offset
        while let place = try window.first(0xFF, from: offset, before: limit) {
            if let header = try header(at: place) {
                if known.map(header.isSameStream) ?? true, try follows(header, place, links: links) { return place }
                // Another stream begins behind the damage, as in joined files.
                if known != nil, try follows(header, place, links: 4) { return place }
            }
            offset = place + 1
        }
        return nil
    }

    private mutating func header(at offset: Int) throws -> MpegHeader? { MpegHeader(try window.slice(offset, 4)) }

    private mutating func tag(_ header: MpegHeader, at offset: Int) throws -> MpegTag? {
        guard header.layer == 3 else { return nil }
        return MpegTag(header, try window.slice(offset, header.frameBytes))
    }

    /// Whether so many frames follow each other from `offset` on.
    private mutating func follows(_ first: MpegHeader, _ offset: Int, links: Int) throws -> Bool {
        var header = first, place = offset
        for _ in 1 ..< links {
            place += header.frameBytes
            if place == end { return true }
            if place > end { return false }
            guard let next = try self.header(at: place), next.isSameStream(as: first) else {
                return try tagLength(at: place) != nil || tag(first, at: offset) != nil
            }
            header = next
        }
        return true
    }

    // MARK: Following them

    private mutating func walk(from offset: Int) throws {
        var position = offset, sinceCheck = 0
        while position < end {
            sinceCheck += 1
            if sinceCheck & 0xFFF == 0 { try Interrupt.check() }
            guard let header = try header(at: position), try continues(header, position) else {
                if let length = try tagLength(at: position) { position += length; continue }
                guard let next = try find(from: position + 1, before: end, like: tracks.last?.header, links: 2) else {
                    if end - position >= 4 { try leaveTail(position ..< end) }
                    return
                }
                try damage(position ..< next, isLost: false)
                position = next
                continue
            }
            let after = position + header.frameBytes
            if after > end {
                // Its length may be what is damaged.
                if let next = try find(from: position + 4, before: end, like: header, links: 2) {
                    open(header, position)
                    try damage(position ..< next, isLost: true)
                    position = next
                    continue
                }
                open(header, position)
                tracks[tracks.count - 1].isCutOff = true
                return
            }
            if let tag = try tag(header, at: position) {
                tracks.append(Track(header: header, offset: position, tag: tag))
            } else if try after == end || self.header(at: after) != nil || tagLength(at: after) != nil {
                try add(header, position ..< after)
            } else if let next = try find(from: position + 4, before: end, like: header, links: 2) {
                // Bytes are missing in this frame when the next one begins too early; else what follows is damaged.
                if next >= after { try add(header, position ..< after) } else { open(header, position) }
                try damage(min(after, next) == next ? position ..< next : after ..< next, isLost: next < after)
                position = next
                continue
            } else {
                try add(header, position ..< after)
            }
            position = after
        }
    }

    /// Whether the frame at `offset` goes on with the stream, or is surely the first of another.
    private mutating func continues(_ header: MpegHeader, _ offset: Int) throws -> Bool {
        guard let last = tracks.last?.header, !header.isSameStream(as: last) else { return true }
        return try follows(header, offset, links: 4)
    }

    private mutating func open(_ header: MpegHeader, _ offset: Int) {
        guard !(tracks.last?.header.isSameStream(as: header) ?? false) else { return }
        tracks.append(Track(header: header, offset: offset))
    }

    private mutating func add(_ header: MpegHeader, _ range: Range<Int>) throws {
        if let track = tracks.last, let tag = track.tag, let bytes = tag.bytes, tag.frames == track.frames,
            track.frames > 0,
            range.lowerBound >= track.offset + bytes, header.isSelfContained(try window.slice(range.lowerBound, 8))
        {
            // The tag's stream is complete, and what follows needs nothing of it: files joined end to end.
            tracks.append(Track(header: header, offset: range.lowerBound))
        }
        open(header, range.lowerBound)
        let last = tracks.count - 1
        if tracks[last].runs.isEmpty { tracks[last].runs.append(Run()) }
        let run = tracks[last].runs.count - 1, piece = tracks[last].runs[run].pieces.count - 1
        if piece >= 0, tracks[last].runs[run].pieces[piece].upperBound == range.lowerBound {
            tracks[last].runs[run].pieces[piece] = tracks[last].runs[run].pieces[piece].lowerBound ..< range.upperBound
        } else {
            tracks[last].runs[run].pieces.append(range)
        }
        tracks[last].runs[run].frames += 1
        tracks[last].frames += 1
        tracks[last].bytes += range.count
    }

    /// Bytes that are no frame. Where they are few, part of a frame may have been cut out with them; a few zeros are
    /// padding.
    private mutating func damage(_ range: Range<Int>, isLost: Bool) throws {
        firstDamage = firstDamage ?? range.lowerBound
        guard !tracks.isEmpty else { return }
        let last = tracks.count - 1, mean = tracks[last].meanFrameBytes
        var frames = (range.count + mean / 2) / mean
        if frames == 0,
            try isLost || window.firstOther(than: 0, from: range.lowerBound, before: range.upperBound) != nil
        {
            frames = 1
        }
        guard frames > 0 else { return }
        let written = (range.count - (try unwritten(range)) + mean / 2) / mean
        tracks[last].unwrittenFrames += max(0, frames - max(written, isLost ? 1 : 0))
        if tracks[last].damagedPlaces == 0 { tracks[last].firstDamage = tracks[last].frames }
        tracks[last].damagedPlaces += 1
        tracks[last].damagedFrames += frames
        // The decoder begins anew behind it: bits of frames that are gone would be noise.
        if tracks[last].runs.last.map({ $0.frames > 0 }) ?? false { tracks[last].runs.append(Run()) }
    }

    /// What lies behind the last frame. Downloads that were broken off and recorders that reserve their room leave a tail
    /// that was never written: no sound was lost in it.
    private mutating func leaveTail(_ range: Range<Int>) throws {
        guard let mean = tracks.last?.meanFrameBytes else { return }
        let tag = range.upperBound - 128
        let end = try tag >= range.lowerBound && window.has("TAG", at: tag) ? tag : range.upperBound
        let blank = try unwritten(range.lowerBound ..< end)
        // With it goes what is left of a frame.
        guard blank > 0, end - range.lowerBound - blank < mean else { return try damage(range, isLost: false) }
        tracks[tracks.count - 1].unwrittenTail = blank
    }

    /// How many bytes of a range lie in long runs of zeros, or of 0xFF as erased memory cards have it.
    private mutating func unwritten(_ range: Range<Int>) throws -> Int {
        var count = 0, run = 0, last: UInt8 = 0, place = range.lowerBound
        func long() -> Int { run >= Self.shortestUnwritten && (last == 0 || last == 0xFF) ? run : 0 }
        while place < range.upperBound {
            try Interrupt.check()
            let part = try window.slice(place, min(1 << 16, range.upperBound - place))
            if part.isEmpty { break }
            for byte in part {
                if byte != last {
                    count += long()
                    (last, run) = (byte, 0)
                }
                run += 1
            }
            place += part.count
        }
        return count + long()
    }

    /// Bytes; shorter runs are as likely to have been written.
    private static let shortestUnwritten = 256

    /// The length of a tag that begins at `offset`: ID3v2, APE, ID3v1. Nil when none does.
    private mutating func tagLength(at offset: Int) throws -> Int? {
        let head = try window.slice(offset, 32)
        if let size = ID3.size(head) { return offset + size <= end ? size : nil }
        if head.has("TAG"), offset + 128 <= end { return 128 }
        if head.has("APETAGEX"), head.count == 32 {
            // a header, or a footer
            let length = head.littleEndian32(at: 20) & 0x2000_0000 != 0 ? 32 + head.littleEndian32(at: 12) : 32
            return offset + length <= end ? length : nil
        }
        return nil
    }
}

/// ID3v2 tags: "ID3", version, flags, a size of 4 x 7 bits; a cover image makes them megabytes long.
enum ID3 {
    /// The length of the tag with its header and footer; nil when `head` does not begin with one.
    static func size(_ head: ArraySlice<UInt8>) -> Int? {
        guard head.count >= 10, head.has("ID3") else { return nil }
        let size = head.dropFirst(6).prefix(4)
        guard size.allSatisfy({ $0 < 0x80 }) else { return nil }
        return 10 + size.reduce(0) { $0 << 7 | Int($1) } + (head[head.startIndex + 5] & 0x10 != 0 ? 10 : 0)
    }
}
