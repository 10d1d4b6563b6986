import Tensors

/// The names that a pickle may mention, and what we do instead of calling them. Names of other classes stand for
/// themselves: what is made with them is an inert record. Names that only an attack needs are refused where they
/// are mentioned (`isHostile`).
enum PickleGlobal: Equatable {
    /// dict, OrderedDict, defaultdict, Counter: all become dicts.
    case dictionary
    /// defaultdict's first argument is its factory.
    case defaultDictionary
    case list, tuple, set, bytearray
    /// `_codecs.encode`, with which protocol 2 writes bytes.
    case encode
    /// Types that may only stand as a factory or a type argument, never be called.
    case inertType(String)
    /// Any other class or function, by its whole name: never looked for, never called.
    case foreign(String)
    /// `torch.FloatStorage` and its sisters; nil for untyped storages, which count bytes.
    case storage(DType?)
    /// `torch.float32`, ...
    case dtype(String)
    case device, size
    case rebuildTensor, rebuildTensorV3, rebuildParameter, rebuildFromType

    init?(module: String, name: String) {
        switch module {
        case "collections":
            switch name {
            case "OrderedDict", "Counter": self = .dictionary
            case "defaultdict": self = .defaultDictionary
            default: return nil
            }
        case "builtins", "__builtin__":
            switch name {
            case "dict": self = .dictionary
            case "list": self = .list
            case "tuple": self = .tuple
            case "set", "frozenset": self = .set
            case "bytearray": self = .bytearray
            case "int", "float", "bool", "str", "bytes", "long": self = .inertType("builtins." + name)
            default: return nil
            }
        case "_codecs":
            guard name == "encode" else { return nil }
            self = .encode
        case "torch":
            if let dtype = Self.storages[name] { self = .storage(dtype); return }
            if ["UntypedStorage", "_UntypedStorage"].contains(name) { self = .storage(nil); return }
            if Self.dtypes.contains(name) { self = .dtype(name); return }
            switch name {
            case "Size": self = .size
            case "device": self = .device
            case "Tensor": self = .inertType("torch.Tensor")
            default: return nil
            }
        case "torch.storage":
            guard ["UntypedStorage", "_UntypedStorage"].contains(name) else { return nil }
            self = .storage(nil)
        case "torch.nn.parameter":
            guard name == "Parameter" else { return nil }
            self = .inertType("torch.nn.parameter.Parameter")
        case "torch._utils":
            switch name {
            case "_rebuild_tensor", "_rebuild_tensor_v2": self = .rebuildTensor
            case "_rebuild_tensor_v3": self = .rebuildTensorV3
            case "_rebuild_parameter", "_rebuild_parameter_with_state": self = .rebuildParameter
            default: return nil
            }
        case "torch._tensor":
            guard name == "_rebuild_from_type_v2" else { return nil }
            self = .rebuildFromType
        default: return nil
        }
    }

    /// The class as a record calls it that stands where a value is expected.
    var className: String {
        switch self {
        case .inertType(let name), .foreign(let name): name
        case .dtype(let name): "torch." + name
        case .storage(let dtype): dtype.map { "torch storage of " + $0.rawValue } ?? "torch.UntypedStorage"
        default: "\(self)"
        }
    }

    /// Storage classes by dtype, as torch names them.
    static let storages: [String: DType] = [
        "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8,
        "BoolStorage": .bool
    ]

    /// torch's names of dtypes and their older aliases; those that we lack are refused when a tensor has them.
    static let dtypes: Set<String> = [
        "float32", "float", "float64", "double", "float16", "half", "bfloat16", "int64", "long", "int32", "int",
        "int16", "short",
        "int8", "uint8", "bool", "uint16", "uint32", "uint64", "complex32", "complex64", "complex128", "float8_e4m3fn",
        "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "qint8", "quint8", "qint32"
    ]
}
