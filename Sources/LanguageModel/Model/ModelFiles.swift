import Formats
import Glibc
import Support
import Tensors
import Text

extension LanguageModel {
    /// Reads a model folder: `config.json`, the weights (`model.pth`, or safetensors, single or sharded) and the
    /// tokenizer. Weights are mapped and read when first used, unless `weights` asks for another form.
    ///
    /// - Parameter path: the folder, or a file of weights beside its `config.json`.
    /// - Parameter maxLength: the longest sequence; what `config.json` says unless given.
    public static func load(
        _ path: String, maxLength: Int? = nil, weights form: WeightForm = .asStored
    ) throws -> LanguageModel {
        let place = try ModelFolder(path)
        let state = try Checkpoint.stateDict(place.weights)
        let role = StateDictRole(state)
        if let other = role.reasonNotAModel {
            throw OpahError(.checkpoint, "\(name: place.weights): \(other.message)", hint: other.hint)
        }
        let configuration = try ModelConfiguration.read(place.folder)
        try configuration.refuseMisspelt(place.folder + "/config.json")
        try ModelRelease.check(configuration, nil, folder: place.folder)
        let tokenizer = Tokenizer.exists(in: place.folder) ? try Tokenizer(directory: place.folder) : nil
        if let tokenizer {
            _ = try TurnWriter(tokenizer)
            try ModelRelease.check(configuration, tokenizer, folder: place.folder)
        }
        let matched = try WeightMatcher(configuration).match(state, place.weights)
        let tensors = try matched.tensors.map { tensor in
            let converted =
                switch form {
                case .asStored, .int8, .int4: tensor
                case .float32: try tensor.to(.float32)
                case .bfloat16: try tensor.to(.bfloat16)
                }
            if converted.storage !== tensor.storage { tensor.storage.releasePages() }
            return converted
        }
        let model = try LanguageModel(
            configuration, tensors: tensors, stored: matched.tensors, tokenizer: tokenizer, folder: place.folder,
            maxLength: maxLength, form: form)
        if let note = configuration.noteOnUnknownKeys { model.notes.append(note) }
        if tokenizer == nil {
            model.notes.append(
                "\(name: place.folder) has no tokenizer.json and no tokenizer.tiktoken: this model cannot read text")
        }
        model.notes += matched.notes
        return model
    }

    /// Writes `config.json`, `model.pth` (names and dtypes as loaded, without adapters) and the tokenizer files.
    public func save(_ folder: String) throws {
        try Folders.make(folder)
        try DiskSpace.require(weights.reduce(1 << 20) { $0 + $1.tensor.count * $1.tensor.dtype.size }, at: folder)
        try Checkpoint.save(
            .tensors(namedWeights.map { (name: $0.name, tensor: $0.tensor.detach()) }), to: folder + "/model.pth")
        try tokenizer?.save(to: folder)
        // Last, because a folder with config.json is taken for a model.
        try AtomicFile.write(folder + "/config.json", JSON.encode(.map(configuration.json), indent: 4))
    }
}

/// Where the files of a model are.
struct ModelFolder {
    let folder: String, weights: String
    private static let names = ["model.pth", "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin"]

    init(_ path: String) throws {
        var info = stat()
        guard stat(path, &info) == 0 else { throw OpahError.system(path, errno: errno, doing: "open the model") }
        if info.st_mode & S_IFMT == S_IFREG {
            weights = path
            folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            return
        }
        var base = path
        while base.count > 1, base.hasSuffix("/") { base.removeLast() }
        folder = base
        guard let name = Self.names.first(where: { access(base + "/" + $0, F_OK) == 0 }) else {
            throw OpahError(
                .file, "\(base): there are no weights in this folder (\(Self.names.joined(separator: ", ")))",
                hint: "pass the folder of a fish-speech \(ModelRelease.names) checkpoint")
        }
        weights = base + "/" + name
    }

    func has(_ name: String) -> Bool { access(folder + "/" + name, F_OK) == 0 }
}

/// Tells from its names what a state dict belongs to.
struct StateDictRole {
    let reasonNotAModel: (message: String, hint: String)?

    init(_ state: StateDict) {
        let names = state.names.map(StateDict.bareName)
        let codecParts = ["backbone.", "quantizer.", "head.", "generator.", "spec_transform."]
        let lora = names.count(where: LoRAAdapter.isParameter)
        if !names.contains(where: { $0.hasPrefix("embeddings.") }),
            names.contains(where: { name in codecParts.contains { name.hasPrefix($0) } })
        {
            reasonNotAModel = (
                "this is a codec (it turns audio into codes and back), not a language model",
                "pass it as the codec's checkpoint, and here the folder with config.json and model.pth"
            )
        } else if lora > 0, lora == names.count {
            reasonNotAModel = (
                "this is a LoRA adapter of \(lora) tensors, not a whole model",
                "load the base model and put the adapter on it, or merge the two first"
            )
        } else {
            reasonNotAModel = nil
        }
    }
}

/// Folders on disk.
enum Folders {
    /// Makes a folder and those above it.
    static func make(_ path: String) throws {
        guard !path.isEmpty else { throw OpahError(.argument, "the name of the output folder is empty") }
        try FileKind.makeFolder(path)
    }

    /// Whether two paths lead to one folder that exists.
    static func areSame(_ a: String, _ b: String) -> Bool {
        var first = stat(), second = stat()
        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }

    static func names(_ folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw OpahError.system(folder, errno: errno, doing: "list") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
