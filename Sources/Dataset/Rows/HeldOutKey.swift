import Support

/// What clips are told by when some of them are held out: those that are told by the same go to the same side.
public enum HeldOutKey: String, Sendable, CaseIterable {
    /// Each recording by itself.
    case codes
    /// All clips of the same texts, whoever says them: copies of a clip that sound a little different, or a sentence
    /// that was read more than once, would let a model be measured with what it has heard.
    case text

    /// Of each clip of a group.
    func ids(_ group: RowGroup) throws -> [UInt64] {
        try (0 ..< group.count).map { clip in
            switch self {
            case .codes: group.facts(clip).id
            case .text: try Self.id(ofTexts: group.texts(clip))
            }
        }
    }

    private static func id(ofTexts texts: [String]) -> UInt64 {
        // Lengths keep ("ab", "c") and ("a", "bc") apart.
        let bytes = texts.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
        return bytes.withUnsafeBytes { UInt64(Digest.of($0).prefix(16), radix: 16)! }
    }
}
