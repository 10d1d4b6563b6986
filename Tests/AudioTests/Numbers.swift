import Tensors
import XCTest

/// The values of a reference array of any dtype that occurs in the audio vectors, as float32.
func numbers(_ tensor: Tensor?) throws -> [Float] {
    let tensor = try XCTUnwrap(tensor)
    func values<T>(_ convert: (T) -> Float) -> [Float] {
        UnsafeBufferPointer(start: tensor.pointer(T.self), count: tensor.count).map(convert)
    }
    switch tensor.dtype {
    case .float32: return values { (x: Float) in x }
    case .float64: return values { (x: Double) in Float(x) }
    case .int64: return values { (x: Int64) in Float(x) }
    case .int32: return values { (x: Int32) in Float(x) }
    case .int16: return values { (x: Int16) in Float(x) }
    default:
        XCTFail("no reference array has dtype \(tensor.dtype)")
        return []
    }
}
