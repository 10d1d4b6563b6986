import Dataset
import Support
import Training

extension FuzzReader {
    /// What a run finds of earlier ones: its own files, but anybody may have been at them.
    static let runFiles: [FuzzReader] = [
        FuzzReader(
            "metrics", maxLength: 2000,
            dictionary: ["\"step\"", "\"stage\"", "\"loss\"", "\n", "1e999", "-1", "9223372036854775808"],
            seeds: {
                Seeds.texts(
                    #"""
                    {"step": 1, "stage": "train", "loss": 2.5}
                    {"step": 2, "stage": "val", "loss": 2.25}
                    {"step": 3, "sta
                    """#
                )
            }
        ) {
            let log = try MetricsLog(Scratch.file("metrics.jsonl", $0), keepingSteps: 2)
            precondition(log.kept.allSatisfy { ($0["step"]?.int ?? .max) <= 2 }, "metrics: a later step was kept")
        },
        FuzzReader(
            "packs", maxLength: 2000,
            dictionary: [
                "\"complete\"", "true", "\"shards\"", "\"name\"", "\"bytes\"", "\"digest\"", "00000000.protos", "../",
                "-1"
            ],
            seeds: {
                Seeds.texts(
                    #"""
                    {"complete": true, "shards": [
                    {"name": "00000000.protos", "bytes": 1, "digest": "a96faf705af16834e6c632b61e964e1f"}]}
                    """#
                )
            }
        ) {
            _ = try PackFolder.shards(Scratch.folder("packs", ["packs.json": $0, "00000000.protos": [97]]))
        },
        // The index of packs that are there: its digest is made right, and stamps that are asked for are theirs.
        FuzzReader(
            "pack-index", maxLength: 12_000,
            dictionary: [
                "\"shards\"", "\"groups\"", "\"digest\"", "STAMP", "00000000.protos", "-1", "9223372036854775807"
            ],
            seeds: { [try PackIndexFuzz.seed()] }
        ) {
            try PackIndexFuzz.read($0)
        }
    ]
}
