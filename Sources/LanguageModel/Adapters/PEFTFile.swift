import Formats
import Support

/// An adapter as PEFT saves it: `base_model.model.<module>.lora_A.weight` (`.lora_A.default.weight` in a model's own
/// state), and beside it `adapter_config.json`, which says its rank and strength.
enum PEFTFile {
    private static let prefix = "base_model.model."
    /// PEFT's words for a tensor of an adapter, and this program's.
    private static let parameters = [
        "lora_A": "lora_A", "lora_B": "lora_B", "lora_embedding_A": "lora_A", "lora_embedding_B": "lora_B",
        "lora_magnitude_vector": "lora_magnitude_vector"
    ]

    /// Whether names are PEFT's: this program and the original write neither its prefix nor anything behind a factor's
    /// name.
    static func isOne(_ state: StateDict) -> Bool { state.names.contains { plain($0) != $0 } }

    /// `layers.0.attention.wqkv.lora_A` of `base_model.model.layers.0.attention.wqkv.lora_A.weight`; other names stay.
    static func plain(_ name: String) -> String {
        let bare = name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
        let parts = bare.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let place = parts.lastIndex(where: { parameters[$0] != nil }), place > 0 else { return name }
        // Behind it: nothing, `weight`, the adapter's name, or both.
        let rest = parts[(place + 1)...]
        guard rest.count < 2 || rest.count == 2 && rest.last == "weight" else { return name }
        return (parts[..<place] + [parameters[parts[place]]!]).joined(separator: ".")
    }

    /// What `adapter_config.json` beside the file says; nil where there is none. What this program has no form for is
    /// an error.
    static func configuration(beside path: String) throws -> LoRAConfiguration? {
        let file = PathName.join(PathName.folder(path), "adapter_config.json")
        guard FileKind.isFile(file) else { return nil }
        let said = try JSON.read(file)
        guard let rank = said["r"]?.int, let alpha = said["lora_alpha"]?.double else {
            throw OpahError(
                .checkpoint, "\(name: file): it does not say r and lora_alpha",
                hint: "get it again from where the adapter came")
        }
        func unknown(_ what: String) -> OpahError {
            OpahError(
                .checkpoint, "\(name: file): \(what), which this program does not know",
                hint: "merge it with PEFT (merge_and_unload), and use the merged model")
        }
        for key in ["rank_pattern", "alpha_pattern"] where said[key]?.map?.contains(where: { _ in true }) ?? false {
            throw unknown("\(key) gives layers ranks or strengths of their own")
        }
        let isDoRA = said["use_dora"]?.bool ?? false, isRS = said["use_rslora"]?.bool ?? false
        if isDoRA, isRS { throw unknown("it is DoRA with the strength of rsLoRA") }
        return try LoRAConfiguration(kind: isDoRA ? .dora : isRS ? .rslora : .lora, rank: rank, alpha: alpha)
    }
}
