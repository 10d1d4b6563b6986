import LuaHost
import Support
import Tensors

extension Tensor: LuaObject {
    /// What Lua sees of a tensor.
    public static let luaClass = LuaClass("Tensor", of: Tensor.self, "An n-dimensional array. Positions and dimensions count from 1, negatives from the end; values are never shifted.") { c in
        c.bytes { $0.storage.byteCount }
        c.method("shape", "() -> integer[]", "The sizes of all dimensions.") { t, call in try call.push(Array(t.shape)) }
        c.method("size", "(dim: integer) -> integer", "The size of one dimension (1-based).") { t, call in try call.push(t.shape[call.integer(1) - 1]) }
    }
}
