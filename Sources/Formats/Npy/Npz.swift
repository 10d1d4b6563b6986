import Support
import Tensors

/// NumPy's `.npz` files: a zip archive of named `.npy` arrays, stored or compressed.
public enum Npz {
    /// All arrays by name (without the `.npy` ending).
    public static func load(_ path: String) throws -> [String: Tensor] {
        Dictionary(uniqueKeysWithValues: try read(path).map { ($0.name, $0.tensor) })
    }

    /// All arrays in the order of the archive, with what the file said about each.
    public static func read(_ path: String) throws -> [(name: String, tensor: Tensor, header: NpyHeader)] {
        let archive = try ZipArchive(path)
        return try archive.entries.filter { $0.name.hasSuffix(".npy") }.map { entry in
            try Interrupt.check()
            let name = String(entry.name.dropLast(4))
            let (tensor, header) = try archive.withBytes(of: entry) {
                try Npy.parse($0, place: "\(name: path): array '\(name: name)'")
            }
            return (name, tensor, header)
        }
    }

    /// Writes named arrays, stored without compression as `numpy.savez` does. The file appears whole or not at all.
    public static func save(_ arrays: [(name: String, tensor: Tensor)], to path: String) throws {
        let archive = try ZipWriter(path)
        for (name, tensor) in arrays {
            try Interrupt.check()
            let header = NpyHeader.bytes(descr: try Npy.descr(of: tensor.dtype), shape: Array(tensor.shape))
            try archive.add(name + ".npy", size: header.count + tensor.count * tensor.dtype.size) { write in
                try header.withUnsafeBytes { try write($0) }
                try tensor.forEachRun { try write($0) }
            }
        }
        try archive.finish()
    }
}
