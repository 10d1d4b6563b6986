import Bindings
import LuaHost
import LuaTestSupport
import Tensors
import XCTest

/// Wrong arguments give errors, never a crash, and leave the interpreter usable.
final class TensorFuzzTests: TensorTestCase {
    func testAnyArgumentsAreSurvived() throws {
        let methods = Tensor.luaClass.declarations.filter { $0.role == .method }.map(\.name)
        // `nn` and `tensor` functions; files, settings of the process and sizes are not for guessing.
        let kept: Set = ["save", "save_npy", "load", "load_npy", "load_npz", "set_threads", "manual_seed"]
        let functions = [LuaModule.tensor, .nn].flatMap { m in
            m.declarations.filter { $0.role == .function && !kept.contains($0.name) }.map { (m.shortName, $0.name) }
        }
        try lua.setGlobal("methods", methods)
        try lua.setGlobal("modules", functions.map(\.0))
        try lua.setGlobal("names", functions.map(\.1))
        try lua.run(script: .file("any_arguments_are_survived"))
        let calls = try XCTUnwrap(lua.global("calls").integer), errors = try XCTUnwrap(lua.global("errors").integer)
        XCTAssertGreaterThan(calls, 50_000)
        XCTAssertGreaterThan(calls - errors, calls / 20, "most calls should not fail for one reason only")
        check("same(tensor.ones(2) + 1, {2, 2})")
    }
}
