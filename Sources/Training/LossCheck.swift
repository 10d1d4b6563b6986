import Glibc

/// Whether a model's loss before training is that of a model, or of a dice.
public enum LossCheck {
    /// A warning when either loss is no better than 85 % of guessing (ln V for text tokens, ln K for codes); trained
    /// models lie near a third of it.
    public static func warning(base: Double, semantic: Double, vocabulary: Int, codebookSize: Int) -> String? {
        let guessText = log(Double(vocabulary)), guessCodes = log(Double(codebookSize))
        var bad: [String] = []
        if !(base < 0.85 * guessText) { bad.append("text \(rounded(base)) where guessing gives \(rounded(guessText))") }
        if !(semantic < 0.85 * guessCodes) {
            bad.append("codes \(rounded(semantic)) where guessing gives \(rounded(guessCodes))")
        }
        guard !bad.isEmpty else { return nil }
        return "before training the model is no better than a guess (loss of \(bad.joined(separator: "; ")))"
            + ": random weights, another model's tokenizer, or codes of another codec?"
    }

    private static func rounded(_ value: Double) -> String { String((value * 100).rounded() / 100) }
}
