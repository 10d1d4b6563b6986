import LuaHost
import Tensors

extension Tensor: LuaObject {
    /// What Lua sees of a tensor.
    public static let luaClass = LuaClass(
        "Tensor", of: Tensor.self,
        """
        An n-dimensional array of one dtype: float32 (the default), float64, float16, bfloat16, int64, int32, int16, int8, uint8 or \
        bool. Half types are for storage: arithmetic on them computes in float32. Dimensions and positions count from 1, negative \
        ones from the end, and 0 is an error; values are never shifted. Names and rules are PyTorch's: `add` makes a new tensor, \
        `add_` writes in place, `*` is elementwise, shapes broadcast, views share storage. Keys, also on the left of `=`: `t[2]` and `t[-1]` \
        are rows (numbers, when there is one dimension), `t[{2, 3}]` has one entry per dimension, `t[{{2, 4}, {}}]` are ranges with both ends \
        included, `{first, last, step}` steps, `t[mask]` is where a bool tensor is true, `t[positions]` are rows by position. `a == b` asks whether both are the same \
        tensor, as Lua's `==` can only give a boolean; compare elements with `a:eq(b)`, `a:equal(b)` or `a:allclose(b)`.
        """
    ) { c in
        ExternalMemory.countAlso { Memory.live }
        c.declareInspection()
        c.declareIndexing()
        c.declareViews()
        c.declareSelection()
        c.declareConversion()
        c.declareOperators()
        c.declareArithmetic()
        c.declareFunctions()
        c.declareProducts()
        c.declareReductions()
        c.declareSorting()
        c.declareComparisons()
        c.declareGradients()
        c.otherNames(Tensor.otherMethods)
        c.asData("t:totable() gives its elements as lists, t:item() its only one")
    }
}
