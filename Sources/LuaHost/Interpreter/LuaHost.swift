/// Lua 5.4 inside Swift: an interpreter, and modules and classes declared in Swift. In ten lines:
///
///     let audio = LuaModule("opah.audio", "Reading, writing and measuring sound.") { m in
///         m.function("resample", "(samples: Tensor, from_rate: integer, opts?: {width?: integer = 6}) -> Tensor",
///                    "Samples [T] or [channels, T] at another rate in Hz.") { call in
///             let samples = try call.object(1, as: Tensor.self)      // arguments count from 1, already checked
///             let width: Int = try call.option("width")              // 6, as declared, when left out
///             return try call.push(resample(samples, from: call.integer(2), width: width))
///         }
///         m.type(Tensor.luaClass)                                    // see `LuaObject` for declaring a class
///     }
///     let lua = try Interpreter(Catalog([audio]), scriptFolder: "recipes")
///     try lua.run(file: "recipes/mine.lua", arguments: ["data"])     // throws OpahError with a traceback
///
/// Swift errors thrown in a body arrive in Lua as values with `kind`, `message`, `hint` and `traceback`; Lua
/// errors arrive in Swift as `OpahError`. The rules that keep Lua's longjmp away from Swift frames are in
/// LuaShim, the only code that may raise.
public enum LuaHost {
    /// `Lua 5.4`
    public static let luaVersion = "Lua 5.4"
}
