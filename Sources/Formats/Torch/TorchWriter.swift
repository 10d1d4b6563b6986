import Support
import Tensors

/// Writes checkpoints that `torch.load(weights_only=True)` opens: a zip with the pickle, the byte order
/// and each storage once. The same value always gives the same bytes; weights are streamed, never buffered.
enum TorchWriter {
    static func save(_ value: CheckpointValue, to path: String) throws {
        let pickler = try Pickler(value)
        let zip = try ZipWriter(path)
        try zip.add("archive/data.pkl", pickler.bytes)
        try zip.add("archive/byteorder", Array("little".utf8))
        for (key, storage) in pickler.storages.enumerated() {
            try zip.add("archive/data/\(key)", size: storage.count * storage.tensor.dtype.size) { write in
                try storage.forEachRun(write)
            }
        }
        try zip.add("archive/version", Array("3\n".utf8))
        try zip.finish()
    }
}
