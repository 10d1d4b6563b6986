import Dataset
import LuaHost
import Support

extension PackFolder.Settings {
    /// All but `text_extension`, which is one suffix or a list of them.
    static let options = OptionTable(PackFolder.Settings()) { o in
        o.option("shard_size", \.shardSize, "MiB above which a new file is begun")
        o.option("num_codebooks", \.codebooks, "how many all codes have; as many as the first clip's unless set")
        o.option("codebook_size", \.codebookSize, "what codes are below")
        o.option("label_encoding", \.labelEncoding, "of labels that are not UTF-8, as iconv names it: CP932")
        o.option("allow_missing_labels", \.allowMissingLabels, "pack the rest when most clips have no label")
    }
}

extension SamplingSettings.Sampler: LuaChoice {}
extension HeldOutKey: LuaChoice {}

extension SamplingSettings {
    static let options = OptionTable(SamplingSettings()) { o in
        let share: ConfigMap = ["from": 0, "to": 1], part: ConfigMap = ["from": 0, "below": 1]
        o.option(
            "max_length", \.maxLength, "tokens of a row, at most", key: "train_dataset.max_length", type: ["from": 1])
        o.option(
            "sampler", \.sampler, "every clip once per pass, or the rule of the original", key: "train_dataset.sampler")
        o.option("seed", \.seed, "of what is drawn", key: "seed")
        o.option(
            "val_fraction", \.validationFraction, "of the clips, held out for validation",
            key: "train_dataset.val_fraction", type: part)
        o.option(
            "val_by", \.heldOutBy,
            "what clips are told by when some are held out: text keeps all clips of one text on one side, as copies need it",
            key: "train_dataset.val_by")
        o.option(
            "interactive_prob", \.interactiveProbability,
            "how often each clip has a turn of its own, instead of all texts in one",
            key: "train_dataset.interactive_prob", type: share)
        o.option(
            "use_speaker", "boolean|number", .boolean(false),
            "how often the name of the speaker is the role; true is 1", key: "train_dataset.use_speaker", type: share
        ) { (settings, speaker: LuaValue) in
            settings.speakerProbability = speaker.number ?? (speaker.boolean == true ? 1 : 0)
        }
        o.option(
            "skip_text_prob", \.skipTextProbability, "how often a turn has no text",
            key: "train_dataset.skip_text_prob", type: share)
        o.option(
            "corrupt_prob", \.corruptProbability,
            "how often a frame to train on is another clip's, so that the text is heeded more; with few clips 0.15 helps",
            key: "train_dataset.corrupt_prob", type: part)
        o.option("causal", \.causal, "of the sampler reference: consecutive clips, or any", key: "train_dataset.causal")
        o.option("num_codebooks", \.codebooks, "how many to keep; all that the packs hold unless set")
        o.option("codebook_size", \.codebookSize, "clips with a code of this or above are left out (see `skipped`)")
    }
}
