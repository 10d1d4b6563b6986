import Tensors

/// One object of a pickle. Containers hold positions in the arena of all nodes, so that shared and
/// deeply nested objects cost no recursion, neither when they are made nor when they are freed.
enum PickleNode {
    case none
    case bool(Bool)
    case int(Int)
    case bigInt(String)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([Int32])
    case tuple([Int32])
    /// Keys and values in turn.
    case dict([Int32])
    case global(PickleGlobal)
    indirect case storage(PickleStorage)
    indirect case tensor(PickleTensor)
    indirect case record(PickleRecord)
}

/// An object of a class that is not data. It is never made: this is what its maker would have been given.
struct PickleRecord {
    /// `argparse.Namespace`; of what a record would have returned if called, its name and `()`.
    let className: String
    var arguments: [Int32]
    /// What would have become its attributes.
    var state: Int32?
    /// What was appended to it, and the keys and values that were set in it, in turn.
    var items: [Int32] = []
    var entries: [Int32] = []
}

/// A storage that a pickle speaks of: its bytes lie elsewhere in the file.
struct PickleStorage {
    let key: String
    /// nil: an untyped storage, counted in bytes.
    let dtype: DType?
    let count: Int
    var byteCount: Int { count * (dtype?.size ?? 1) }
}

/// A tensor that a pickle speaks of. Sizes have been checked against the storage.
struct PickleTensor {
    let storage: PickleStorage
    let dtype: DType
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}
