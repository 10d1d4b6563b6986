import Support
import Tensors

/// Weights and training state in files: `.pth` and `.ckpt` as torch writes them (zip and older), single
/// and sharded safetensors. The content decides what a file is, not its name.
public enum Checkpoint {
    /// Everything in the file. Tensors are read-only views of the mapped file: nothing is copied, and
    /// tensors that shared their storage when saved still do.
    ///
    /// - Parameter verify: also checks every weight against its checksum, which reads the whole file.
    public static func load(_ path: String, verify: Bool = false) throws -> CheckpointValue {
        let file = try MappedFile(path), bytes = file.bytes
        defer { withExtendedLifetime(file) {} }
        if bytes.starts(with: [0x50, 0x4B]) { return try TorchReader.loadZip(file, verify: verify) }
        if bytes.count > 2, bytes[0] == 0x80, (2 ... 5).contains(bytes[1]) { return try TorchReader.loadLegacy(file) }
        if SafeTensors.recognizes(bytes) || path.hasSuffix(".safetensors") {
            return .tensors(try SafeTensors.read(file).tensors)
        }
        if path.hasSuffix(".json") { return .tensors(try SafeTensors.loadShards(path)) }
        throw OpahError(.format, "\(name: path): neither a torch checkpoint nor safetensors: \(describeContent(bytes))")
    }

    /// The named tensors of a checkpoint of any format, wherever in it they lie (`state_dict`, `model`, ...).
    public static func stateDict(_ path: String, verify: Bool = false) throws -> StateDict {
        do { return try load(path, verify: verify).stateDict() } catch let error as OpahError { throw error.at(path) }
    }

    /// Writes a zip checkpoint that `torch.load(weights_only=True)` opens, or safetensors when the name ends
    /// so and the value is a dict of tensors. The file appears whole or not at all.
    public static func save(_ value: CheckpointValue, to path: String) throws {
        guard path.hasSuffix(".safetensors") else { return try TorchWriter.save(value, to: path) }
        guard let pairs = value.dict, pairs.allSatisfy({ $0.key.string != nil && $0.value.tensor != nil }) else {
            throw OpahError(
                .argument, "\(name: path): safetensors hold named tensors only",
                hint: "pass a flat table of tensors, or save as .pth")
        }
        try SafeTensors.save(StateDict(pairs: pairs, wrapper: nil), to: path)
    }
}
