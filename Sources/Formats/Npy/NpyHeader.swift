import Support
import Tensors

/// What the header of a `.npy` file says about the array behind it.
public struct NpyHeader: Equatable, Sendable {
    /// NumPy's own name of the element type in the file: `uint16`, `float32`, ...
    public let originalType: String
    /// The dtype of the tensor it becomes: unsigned types that we lack turn into the next wider one.
    public let dtype: DType
    public let isBigEndian: Bool
    public let isFortranOrder: Bool
    public let shape: [Int]
    /// Bytes of one element in the file.
    let itemSize: Int
    /// Where the elements start, in bytes from the start of the file.
    let dataOffset: Int
    /// Elements in the array.
    let count: Int
}

extension NpyHeader {
    static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

    /// Reads a header of format 1.0, 2.0 or 3.0, and checks that the elements it promises are there.
    init(parsing bytes: UnsafeRawBufferPointer, place: String) throws {
        var reader = ByteReader(bytes, place: place)
        guard bytes.count >= 6, Array(bytes[0 ..< 6]) == Self.magic else {
            throw OpahError(.format, "\(name: place): not a .npy file: \(describeContent(bytes))")
        }
        _ = try reader.take(6, "the .npy magic")
        let major: UInt8 = try reader.integer("the .npy version"), minor: UInt8 = try reader.integer("the .npy version")
        guard (1 ... 3).contains(major), minor == 0 else {
            throw OpahError(
                .format, "\(name: place): .npy format version \(major).\(minor) is unknown (1.0, 2.0 and 3.0 are read)")
        }
        let length =
            major == 1
            ? Int(try reader.integer(UInt16.self, "the .npy header length"))
            : Int(try reader.integer(UInt32.self, "the .npy header length"))
        // NumPy itself stops at 10 000 bytes.
        guard length <= 1 << 16 || length > reader.remaining else {
            throw OpahError(
                .format, "\(name: place): a .npy header of \(length) bytes is too long (\(1 << 16) are read)")
        }
        var literal = PythonLiteral(Array(try reader.take(length, "the .npy header")), place: place)
        let fields = try literal.dictionary()
        guard let descr = fields["descr"], let order = fields["fortran_order"], let shape = fields["shape"],
            fields.count == 3
        else {
            throw OpahError(
                .format,
                "\(name: place): the .npy header must have exactly descr, fortran_order and shape; it has "
                    + fields.keys.sorted().joined(separator: ", "))
        }
        guard case .bool(let isFortran) = order, case .tuple(let sizes) = shape else {
            throw OpahError(.format, "\(name: place): the .npy header has a wrong fortran_order or shape")
        }
        guard case .string(let code) = descr else {
            throw OpahError(.dtype, "\(name: place): arrays of records (structured dtypes) cannot be read")
        }
        let (element, name, size) = try Self.element(code, place: place)
        guard sizes.count <= Dims.maxCount else {
            throw OpahError(
                .shape, "\(name: place): an array of rank \(sizes.count) cannot be read (at most \(Dims.maxCount))")
        }
        var count = 1
        for extent in sizes {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow, product <= Int.max / size else {
                throw OpahError(.format, "\(name: place): impossible shape \(sizes) in the .npy header")
            }
            count = product
        }
        let promised = count * size
        guard promised == reader.remaining else {
            throw OpahError(
                .format,
                "\(name: place): the .npy header promises \(promised) bytes (\(name) \(sizes)), and the file has "
                    + "\(reader.remaining)", hint: "the file is cut short or damaged; make it again")
        }
        self.init(
            originalType: name, dtype: element, isBigEndian: code.hasPrefix(">"), isFortranOrder: isFortran,
            shape: sizes, itemSize: size, dataOffset: reader.position, count: count)
    }

    /// `<u2` -> (.int32, "uint16", 2).
    private static func element(_ descr: String, place: String) throws -> (DType, String, Int) {
        let known: [String: (DType, String, Int)] = [
            "f2": (.float16, "float16", 2), "f4": (.float32, "float32", 4), "f8": (.float64, "float64", 8),
            "i1": (.int8, "int8", 1), "i2": (.int16, "int16", 2), "i4": (.int32, "int32", 4),
            "i8": (.int64, "int64", 8),
            "u1": (.uint8, "uint8", 1), "u2": (.int32, "uint16", 2), "u4": (.int64, "uint32", 4),
            "u8": (.int64, "uint64", 8),
            "b1": (.bool, "bool", 1)
        ]
        let order = descr.first.map { "<>|=".contains($0) } == true ? 1 : 0
        let code = String(descr.dropFirst(order))
        if code.hasPrefix("O") {
            throw OpahError(
                .unsafe, "\(name: place): an array of Python objects: reading it would run code from the file",
                hint: "save plain numbers: numpy.save(path, array.astype('int32'))")
        }
        guard let found = known[code] else {
            throw OpahError(
                .dtype, "\(name: place): elements of NumPy type '\(name: descr)' cannot be read",
                hint: "numbers of 8 to 64 bits and bool are read")
        }
        return found
    }

    /// The bytes that `numpy.save` writes before the elements of a C-order array: format 1.0, padded
    /// so that the first axis can grow in place and the elements start at a multiple of 64.
    static func bytes(descr: String, shape: [Int]) -> [UInt8] {
        let tuple = "(" + shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? ",)" : ")")
        var text = "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(tuple), }"
        if let first = shape.first { text += String(repeating: " ", count: max(0, 21 - String(first).count)) }
        let prefix = magic.count + 4
        text += String(repeating: " ", count: 64 - (prefix + text.utf8.count + 1) % 64) + "\n"
        return magic + [1, 0] + UInt16(text.utf8.count).littleEndianBytes + Array(text.utf8)
    }
}
