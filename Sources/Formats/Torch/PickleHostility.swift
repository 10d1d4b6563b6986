/// Tells names that a file of weights may mention (`argparse.Namespace`, `omegaconf.DictConfig`) from those that only
/// an attack needs (`os.system`, `builtins.eval`).
///
/// Nothing is called either way. A file that names one of these was made to run code in other programs, so that none
/// of its content deserves trust: it is refused as a whole.
extension PickleGlobal {
    static func isHostile(module: String, name: String) -> Bool {
        let path = module.split(separator: ".", omittingEmptySubsequences: false)
        let steps = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let root = path.first, let last = steps.last, !path.contains(""), !steps.contains("") else { return true }
        // `logging.os.system`: a name may lead through a module to another one.
        if roots.contains(root) || steps.dropLast().contains(where: roots.contains) { return true }
        if path.dropFirst().contains(where: roots.contains) || root == "torch" && path.dropFirst().first == "hub" {
            return true
        }
        if functions.contains(last) { return true }
        if steps.contains(where: isInternal), !["__newobj__", "__newobj_ex__"].contains(name) { return true }
        guard root == "builtins" || root == "__builtin__" else { return false }
        return !(plainBuiltins.contains(last) || ["Error", "Exception", "Warning"].contains { last.hasSuffix($0) })
    }

    /// `__globals__`, `__class__`: the ways into an interpreter's inside.
    private static func isInternal(_ step: Substring) -> Bool { step.hasPrefix("__") && step.hasSuffix("__") }

    /// Modules that start processes, load code, open connections, or get hold of other names.
    private static let roots: Set<Substring> = [
        "os", "posix", "nt", "posixpath", "ntpath", "subprocess", "_posixsubprocess", "sys", "importlib", "imp",
        "runpy", "ctypes", "_ctypes",
        "cffi", "socket", "_socket", "shutil", "pty", "popen2", "commands", "code", "codeop", "marshal", "pickle",
        "_pickle", "cPickle",
        "cloudpickle", "dill", "joblib", "shelve", "gc", "operator", "_operator", "webbrowser", "httplib", "urllib",
        "urllib2", "urllib3",
        "requests", "aiohttp", "ftplib", "smtplib", "telnetlib", "asyncio", "_thread", "bdb", "pdb", "cProfile",
        "timeit", "pip", "setuptools",
        "distutils", "ensurepip", "pkgutil", "zipimport", "antigravity", "_winapi", "winreg", "msvcrt", "cpp_extension"
    ]
    /// Names that run, load or reach something wherever they come from.
    private static let functions: Set<Substring> = [
        "system", "popen", "Popen", "spawn", "fork", "kill", "eval", "exec", "execfile", "execv", "execve", "compile",
        "compile_file", "open",
        "fdopen", "FileIO", "load", "loads", "load_module", "import_module", "load_library", "load_dynamic", "getattr",
        "setattr", "delattr",
        "globals", "locals", "vars", "input", "breakpoint", "apply", "attrgetter", "methodcaller", "itemgetter",
        "run_code", "run_path",
        "run_module", "runstring", "runcode", "runsource", "check_output", "check_call", "CodeType", "FunctionType",
        "_make_function",
        "_create_code", "_create_function", "unlink", "rmtree", "urlopen", "urlretrieve", "read_pickle",
        "NamedTemporaryFile", "mkstemp"
    ]
    private static let plainBuiltins: Set<Substring> = [
        "object", "complex", "slice", "range", "xrange", "type", "memoryview", "Ellipsis",
        "NotImplemented", "NoneType", "unicode", "property", "enumerate", "zip", "reversed"
    ]
}
