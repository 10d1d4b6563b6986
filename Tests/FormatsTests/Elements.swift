import Tensors

/// The bits of every element in C order, whatever the strides: for comparing exactly, NaN included.
func bits(_ tensor: Tensor) -> [UInt64] {
    var result: [UInt64] = []
    let size = tensor.dtype.size
    func walk(_ axis: Int, _ position: Int) {
        if axis == tensor.rank {
            let bytes = UnsafeRawPointer(tensor.storage.pointer) + position * size
            switch size {
            case 1: result.append(UInt64(bytes.loadUnaligned(as: UInt8.self)))
            case 2: result.append(UInt64(bytes.loadUnaligned(as: UInt16.self)))
            case 4: result.append(UInt64(bytes.loadUnaligned(as: UInt32.self)))
            default: result.append(bytes.loadUnaligned(as: UInt64.self))
            }
            return
        }
        for i in 0 ..< tensor.shape[axis] { walk(axis + 1, position + i * tensor.strides[axis]) }
    }
    withExtendedLifetime(tensor) { walk(0, tensor.offset) }
    return result
}

/// The elements of a contiguous tensor of any dtype.
func doubles(_ tensor: Tensor) -> [Double] {
    func all<T>(_ type: T.Type, _ convert: (T) -> Double) -> [Double] {
        withExtendedLifetime(tensor) { (0 ..< tensor.count).map { convert(tensor.pointer(type)[$0]) } }
    }
    return switch tensor.dtype {
    case .float32: all(Float.self, Double.init)
    case .float64: all(Double.self) { $0 }
    case .float16: all(Float16.self, Double.init)
    case .bfloat16: all(BFloat16.self) { Double($0.float) }
    case .int64: all(Int64.self, Double.init)
    case .int32: all(Int32.self, Double.init)
    case .int16: all(Int16.self, Double.init)
    case .int8: all(Int8.self, Double.init)
    case .uint8, .bool: all(UInt8.self, Double.init)
    }
}
