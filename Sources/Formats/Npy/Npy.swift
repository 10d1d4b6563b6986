import Support
import Tensors

/// NumPy's `.npy` files: one array each.
public enum Npy {
    /// The array as a tensor in C order.
    ///
    /// Reads formats 1.0 to 3.0, both byte orders, C and Fortran order. uint16 becomes int32, uint32
    /// and uint64 become int64 (a value of 2^63 or more is an error). Arrays of objects are refused.
    public static func load(_ path: String) throws -> Tensor { try read(path).tensor }

    /// The array, with what the file said about it (its original dtype, byte order and so on).
    public static func read(_ path: String) throws -> (tensor: Tensor, header: NpyHeader) {
        let file = try MappedFile(path)
        return try withExtendedLifetime(file) { try parse(file.bytes, place: path) }
    }

    /// The header alone: the shape and dtype of a file without reading its elements.
    public static func header(_ path: String) throws -> NpyHeader {
        let file = try MappedFile(path)
        return try withExtendedLifetime(file) { try NpyHeader(parsing: file.bytes, place: path) }
    }

    /// `bytes` are a whole `.npy` file; `place` names it in errors.
    static func parse(_ bytes: UnsafeRawBufferPointer, place: String) throws -> (tensor: Tensor, header: NpyHeader) {
        let header = try NpyHeader(parsing: bytes, place: place)
        let tensor = try Tensor(empty: Dims(header.shape), header.dtype)
        let elements = UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
        switch header.originalType {
        case "bool":
            try copy(elements, header, tensor, UInt8.self, UInt8.self, place)
            let values = tensor.pointer(UInt8.self)
            for i in 0 ..< tensor.count where values[i] > 1 { values[i] = 1 }
        case "uint16": try copy(elements, header, tensor, UInt16.self, Int32.self, place)
        case "uint32": try copy(elements, header, tensor, UInt32.self, Int64.self, place)
        case "uint64": try copy(elements, header, tensor, UInt64.self, Int64.self, place)
        default:
            // The bits are already those of the tensor's dtype.
            switch header.itemSize {
            case 1: try copy(elements, header, tensor, UInt8.self, UInt8.self, place)
            case 2: try copy(elements, header, tensor, UInt16.self, UInt16.self, place)
            case 4: try copy(elements, header, tensor, UInt32.self, UInt32.self, place)
            default: try copy(elements, header, tensor, UInt64.self, UInt64.self, place)
            }
        }
        return (tensor, header)
    }

    /// Copies elements stored as `Raw` to a C-order tensor of `Element`.
    private static func copy<Raw: FixedWidthInteger, Element: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, _ header: NpyHeader, _ tensor: Tensor, _: Raw.Type, _: Element.Type,
        _ place: String
    ) throws {
        guard tensor.count > 0 else { return }
        if Raw.self == Element.self, !header.isBigEndian, !header.isFortranOrder {
            tensor.storage.pointer.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            return
        }
        let target = tensor.pointer(Element.self)
        // Strides of the file's order, walked in the tensor's order.
        let shape = header.shape
        var strides = Array(tensor.strides), position = [Int](repeating: 0, count: shape.count), source = 0
        if header.isFortranOrder {
            var step = 1
            for axis in shape.indices { strides[axis] = step; step *= max(shape[axis], 1) }
        }
        for i in 0 ..< tensor.count {
            let raw = bytes.loadUnaligned(fromByteOffset: source * MemoryLayout<Raw>.size, as: Raw.self)
            let value = header.isBigEndian ? Raw(bigEndian: raw) : Raw(littleEndian: raw)
            guard let element = Element(exactly: value) else {
                throw OpahError(.dtype, "\(name: place): \(value) does not fit \(header.dtype.rawValue)")
            }
            target[i] = element
            var axis = shape.count - 1
            while axis >= 0 {
                position[axis] += 1
                source += strides[axis]
                if position[axis] < shape[axis] { break }
                source -= strides[axis] * shape[axis]
                position[axis] = 0
                axis -= 1
            }
        }
    }

    /// Writes format 1.0, C order, byte for byte as `numpy.save` does. The file appears whole or not at all.
    public static func save(_ tensor: Tensor, to path: String) throws {
        let descr = try descr(of: tensor.dtype)
        let file = try AtomicFile(path)
        try file.write(NpyHeader.bytes(descr: descr, shape: Array(tensor.shape)))
        try tensor.forEachRun { try file.write($0) }
        try file.commit()
    }

    static func descr(of dtype: DType) throws -> String {
        switch dtype {
        case .float16: "<f2"
        case .float32: "<f4"
        case .float64: "<f8"
        case .int8: "|i1"
        case .int16: "<i2"
        case .int32: "<i4"
        case .int64: "<i8"
        case .uint8: "|u1"
        case .bool: "|b1"
        case .bfloat16:
            throw OpahError(.dtype, "NumPy has no bfloat16", hint: "convert to float32 first, or save as safetensors")
        }
    }
}
