import CLua
import Glibc
import LuaShim
import Support

/// Lua 5.4 with the native modules of a catalog. Belongs to the thread that made it.
public final class Interpreter {
    public let catalog: Catalog
    /// Where `require` looks first, besides the preloaded modules.
    public var scriptFolder: String?
    /// Where the Lua files that come with the program are.
    public var libraryFolder: String?

    /// The Lua files of the script's and the library folder that `require` has loaded.
    public internal(set) var loadedFiles: [String] = []

    /// The first name that was refused to confined code, and whether it is that of a native function.
    public internal(set) var refused: (name: String, isNative: Bool)?

    /// What the program has hung on it, for the native functions of its own that are called from here.
    public var attachment: AnyObject?

    let confinement: Confinement?
    let budget: UnsafeMutablePointer<shim_budget>?
    let L: OpaquePointer
    let thread = pthread_self()
    let bin: ReferenceBin
    private let shared = ExternalMemory.newState()
    /// Of an error value that cannot carry one itself.
    var pendingTraceback: String?
    /// What belongs to the interpreter and is called from Lua.
    private var owned: [Declaration] = []

    /// - Parameters:
    ///   - catalog: the native modules, opened by the first `require`.
    ///   - scriptFolder: searched by `require` before everything else.
    ///   - libraryFolder: searched next, before `LUA_PATH`; modules of the name `opah` come from here alone.
    ///   - confinement: for code that may be a stranger's.
    public init(
        _ catalog: Catalog = Catalog([]), scriptFolder: String? = nil, libraryFolder: String? = nil,
        confinement: Confinement? = nil
    ) throws {
        Dispatch.install
        let budget = confinement.map { Confinement.newBudget($0.bytes) }
        guard let L = budget.map({ shim_open_confined($0, confinement?.names != .data) }) ?? shim_open() else {
            throw OpahError(.memory, "cannot start Lua")
        }
        self.L = L
        self.confinement = confinement
        self.budget = budget
        self.catalog = catalog
        self.scriptFolder = scriptFolder
        self.libraryFolder = libraryFolder
        bin = ReferenceBin(L)
        shared.pointee.host = Unmanaged.passUnretained(self).toOpaque()
        shim_share(L, shared)
        if confinement?.names != .data { try setUpRequire() }
        try setUpConfinement()
    }

    deinit {
        lua_close(L)
        budget?.deallocate()
        bin.close()
        shared.deallocate()
    }

    /// The interpreter of a Lua thread.
    @usableFromInline
    static func of(_ L: OpaquePointer) -> Interpreter {
        Unmanaged<Interpreter>.fromOpaque(shim_shared(L).pointee.host).takeUnretainedValue()
    }

    /// The coroutine that runs now, else the main one.
    var current: OpaquePointer {
        if let running = shim_running(), shim_shared(running) == shared { return running }
        return L
    }

    var stack: Stack { Stack(current) }

    /// A native function that lives as long as the interpreter.
    func own(_ name: String, _ body: @escaping Body) -> Declaration {
        let declaration = Declaration(.hidden, name, path: name, "", "", body: body)
        owned.append(declaration)
        return declaration
    }

    // MARK: running

    /// Runs a file; `-` is standard input. `arguments` become `arg` and `...`; `before` is what stood before the file.
    @discardableResult
    public func run(file path: String, arguments: [String] = [], before: [String] = ["opah"]) throws -> [LuaValue] {
        try setArguments(script: path, arguments, before: before)
        if path == "-" {
            try load(shim_load_file(L, nil))
        } else {
            try Self.checkReadable(path)
            // Messages and tracebacks begin with the name that a piece of Lua was loaded under.
            let shown = ShownText.name(path)
            if shown == path {
                try load(shim_load_file(L, path))
            } else {
                try load(SourceText.read(path), name: "@" + shown)
            }
        }
        return try runLoaded(arguments)
    }

    /// Runs a piece of Lua. `name` is what messages call it.
    @discardableResult
    public func run(_ code: String, name: String = "=(command line)", arguments: [String] = []) throws -> [LuaValue] {
        try load(code, name: name)
        return try runLoaded(arguments)
    }

    /// Compiles without running: throws the syntax error, if there is one.
    public func check(_ code: String, name: String) throws {
        try load(code, name: name)
        shim_pop(L, 1)
    }

    func load(_ code: String, name: String) throws {
        var code = code
        try load(
            code.withUTF8 { text in
                shim_load(
                    L,
                    UnsafeRawPointer(text.baseAddress ?? UnsafePointer(bitPattern: 1)!).assumingMemoryBound(
                        to: CChar.self), text.count, name)
            })
    }

    /// Leaves the chunk on the stack or throws the syntax error.
    private func load(_ status: Int32) throws {
        pendingTraceback = nil
        try protected(L, status)
    }

    private static func checkReadable(_ path: String) throws {
        var info = stat()
        guard stat(path, &info) == 0 else { throw OpahError.system(path, errno: errno, doing: "open") }
        if info.st_mode & S_IFMT == S_IFDIR { throw OpahError.system(path, errno: EISDIR, doing: "run") }
        guard access(path, R_OK) == 0 else { throw OpahError.system(path, errno: errno, doing: "open") }
        // A pipe's bytes are Lua's alone.
        guard info.st_mode & S_IFMT == S_IFREG, let file = fopen(path, "r") else { return }
        defer { fclose(file) }
        var start = [UInt8](repeating: 0, count: 2)
        let count = fread(&start, 1, 2, file)
        guard start.prefix(count).first != 0x1B else {
            throw OpahError(
                .lua, "\(name: path): this is compiled Lua (bytecode), which is never run", hint: "give its source")
        }
        try SourceText.refuseUTF16(start.prefix(count), path)
    }

    /// Calls the chunk on top.
    func runLoaded(_ arguments: [String]) throws -> [LuaValue] {
        let before = lua_gettop(L) - 1
        try Stack(L).reserve(arguments.count + 8)
        for argument in arguments { Stack(L).push(argument) }
        let outermost = shim_running() == nil
        defer {
            lua_settop(L, before)
            if outermost { clearInterrupt() }
        }
        pendingTraceback = nil
        if let confinement, let budget { shim_begin_budget(L, budget, confinement.instructions, confinement.seconds) }
        let status = shim_call(L, Int32(arguments.count), LUA_MULTRET)
        if let excess = excess(status) { throw excess }
        if status != LUA_OK {
            var error = takeError(L, status)
            // Whatever went wrong while being stopped went wrong because of it.
            if outermost, shim_interrupt_pending(), error.kind != .interrupted {
                let traceback = error.traceback
                error = OpahError(.interrupted, "interrupted")
                error.traceback = traceback
            }
            throw error
        }
        let stack = Stack(L), count = Int(lua_gettop(L) - before)
        try stack.reserve(8)
        return try (0 ..< count).map { try LuaValue.reading(stack, before + Int32($0 + 1), as: "result \($0 + 1)") }
    }

    /// Forgets a stop that was asked for. Running code from outside does this at its end.
    public func clearInterrupt() { shim_clear_interrupt(current) }

    /// Runs Lua code that must come to its end: whoever asks to stop meanwhile is heard afterwards.
    public func deferringInterrupts<T>(_ body: () throws -> T) rethrows -> T {
        shim_defer_interrupt(current, true)
        defer { shim_defer_interrupt(current, false) }
        return try Interrupt.deferred(body)
    }

    // MARK: globals

    /// `arg` as the lua program has it: the script at 0, the program and its options before it, the rest after.
    /// Without a script, the program is at 0.
    public func setArguments(script: String?, _ arguments: [String], before: [String] = ["opah"]) throws {
        let stack = self.stack
        try stack.reserve(4)
        stack.pushTable(list: arguments.count, fields: 2)
        for (i, argument) in arguments.enumerated() { try stack.setElement(i + 1, argument) }
        for (i, word) in (before + (script.map { [$0] } ?? [])).reversed().enumerated() {
            try stack.setElement(-i, word)
        }
        try setGlobalFromTop("arg")
    }

    /// Sets a global without asking strict mode.
    public func setGlobal(_ name: String, _ value: some LuaPushable) throws {
        try value.push(onto: stack)
        try setGlobalFromTop(name)
    }

    private func setGlobalFromTop(_ name: String) throws {
        let L = current
        try Stack(L).reserve(4)
        shim_pushglobals(L)
        Stack(L).push(name)
        lua_rotate(L, -3, -1)
        lua_rawset(L, -3)
        shim_pop(L, 1)
    }

    /// A global's value, nil where there is none; runs no metamethod.
    public func global(_ name: String) throws -> LuaValue {
        let stack = self.stack
        try stack.reserve(6)
        shim_pushglobals(stack.L)
        stack.push(name)
        lua_rawget(stack.L, -2)
        shim_remove(stack.L, -2)
        do { return try stack.take(LuaValue.self) } catch { throw OpahError(.argument, error.problem) }
    }

    /// What `tostring` gives.
    public func text(_ value: some LuaPushable) throws -> String {
        let stack = self.stack
        try value.push(onto: stack)
        defer { shim_pop(stack.L, 1) }
        return Stack.text(stack.L, lua_gettop(stack.L))
    }

    /// Bytes outside Lua that its objects keep alive.
    public var externalBytes: Int { Int(shared.pointee.bytes) }
    /// Host objects that Lua holds.
    public var externalObjects: Int { Int(shared.pointee.objects) }
    /// Bytes of Lua itself.
    public var luaBytes: Int { Int(shim_gc_count(L)) }

    /// Collects all garbage now.
    public func collectGarbage() { shim_gc_collect(current) }

}
