import Support

/// The links of an Ogg file: streams that follow each other, as recorders and `cat a.ogg b.ogg` append them. Told from
/// every page; one whose checksum does not fit is damaged, and what is behind it is found by the next page's start.
///
/// Cost: one read of the file, and checksums of four times its bytes at most; memory grows with the links and the
/// damaged places.
struct OggLinks {
    struct Link {
        /// Bytes of its whole pages.
        fileprivate(set) var ranges: [Range<Int>] = []
        /// Whether its first page is there: without it nothing can be decoded.
        fileprivate(set) var begins = false
        /// Whether pages are missing or damaged.
        fileprivate(set) var isDamaged = false
        /// Whether the last page of the sound is there.
        fileprivate(set) var ends = false
        fileprivate var serials: Set<Int> = []   // of all its streams: sound, pictures
        fileprivate var serial: Int?   // of the sound
        fileprivate var vorbis: Int?   // the serial of the first stream that says it is one
        fileprivate var sound: OggSound?
        fileprivate var number: Int?, first: Int?, last = 0   // page, granules

        /// Whether the page can be its own, and is not of a link whose first page is lost.
        fileprivate func goesOn(with page: OggPage) -> Bool {
            serials.contains(page.serial) && !(ends && page.serial == serial && page.number < number ?? 0)
        }

        /// Why libsndfile should not see it (`VorbisHeaders`), nil when it may.
        func headerProblem(_ window: inout ByteWindow) throws -> String? {
            guard let vorbis else { return nil }
            return try VorbisHeaders.problem(&window, ranges, serial: vorbis)
        }

        /// Seconds that its pages state, the damaged ones too; 0 where that is unknown.
        var seconds: Double {
            guard let sound else { return 0 }
            // A recording of a broadcast does not begin at 0.
            let start = first.map { $0 > OggLinks.mostGranules ? $0 : 0 } ?? 0
            return Double(max(0, last - start - sound.skipped)) / Double(sound.rate)
        }
    }

    private(set) var links: [Link] = []
    /// Bytes behind the last page that are no part of a page.
    private(set) var tailBytes = 0

    /// Granules that one page can bring: 255 packets of 8192 samples.
    fileprivate static let mostGranules = 1 << 21
    /// More links than any recorder appends.
    static let mostLinks = 10_000

    init(_ file: RandomAccessFile, from offset: Int, to end: Int) throws {
        var window = ByteWindow(file), position = offset, pages = 0, inVain = 0, lastEnd = offset, isInHeaders = false
        while position + 27 <= end, links.count <= Self.mostLinks {
            pages += 1
            if pages & 0xFFF == 0 { try Interrupt.check() }
            guard let page = try OggPage(&window, at: position) else {
                guard let next = try window.first(UInt8(ascii: "O"), from: position + 1, before: end) else { break }
                position = next
                continue
            }
            guard try page.isWhole(&window, at: position, before: end) else {
                if addDamaged(page) { lastEnd = end }
                inVain += page.length
                // Made-up starts of pages must not make this quadratic: from then on lengths are believed.
                position += inVain < 4 * (end - offset) + OggPage.mostBytes ? 1 : page.length
                continue
            }
            let body = try window.slice(position + page.headerBytes, page.length - page.headerBytes)
            // A stream begins behind pages of another: several that begin together are one link (sound and pictures).
            add(page, position ..< position + page.length, page.begins ? OggSound(body) : nil, isFirst: !isInHeaders)
            if page.begins, body.has("\u{1}vorbis"), links[links.count - 1].vorbis == nil {
                links[links.count - 1].vorbis = page.serial
            }
            isInHeaders = page.begins
            position += page.length
            lastEnd = position
        }
        tailBytes = end - lastEnd
    }

    private mutating func add(_ page: OggPage, _ range: Range<Int>, _ sound: OggSound?, isFirst: Bool) {
        if page.begins {
            if isFirst { links.append(Link(begins: true)) }
        } else if !(links.last?.goesOn(with: page) ?? false) {
            if links.count > 1, !links[links.count - 1].begins,
                links[links.count - 2].goesOn(with: page)
            {
                // What looked like a link without a start lies among the pages of this one.
                let among = links.removeLast()
                links[links.count - 1].serials.formUnion(among.serials)
            } else {
                // Its first page is lost: most likely it has the rate of the one before.
                links.append(Link(isDamaged: true, serial: page.serial, sound: links.last?.sound))
            }
        }
        let i = links.count - 1
        links[i].serials.insert(page.serial)
        if let sound, links[i].sound == nil { (links[i].serial, links[i].sound) = (page.serial, sound) }
        if let last = links[i].ranges.last, last.upperBound == range.lowerBound {
            links[i].ranges[links[i].ranges.count - 1] = last.lowerBound ..< range.upperBound
        } else {
            links[i].ranges.append(range)
        }
        guard page.serial == links[i].serial else { return }
        if let number = links[i].number, page.number != number + 1 { links[i].isDamaged = true }
        links[i].number = page.number
        if page.granule > 0, links[i].first == nil { links[i].first = page.granule }
        links[i].last = max(links[i].last, page.granule)
        links[i].ends = links[i].ends || page.ends
    }

    /// Takes what a damaged page says of the length, where that is likely. Whether it belongs to the last link.
    private mutating func addDamaged(_ page: OggPage) -> Bool {
        guard let link = links.last, page.serial == link.serial, page.number >= link.number ?? 0 else { return false }
        links[links.count - 1].isDamaged = true
        links[links.count - 1].ends = link.ends || page.ends
        if page.granule > link.last, page.granule - link.last <= Self.mostGranules {
            links[links.count - 1].last = page.granule
        }
        return true
    }
}
