import LuaHost
import Support
import Workbench

/// `opah file.lua ...`, `opah -e 'code' ...`, `opah - ...`: as lua itself.
struct PlainLua {
    private enum Source { case code(String), file(String) }
    private let source: Source
    private let arguments: [String]

    /// Nil when the command line is not one of these.
    init?(_ arguments: [String]) {
        guard let first = arguments.first else { return nil }
        if first == "-e" {
            guard arguments.count > 1 else { return nil }
            source = .code(arguments[1])
            self.arguments = Array(arguments.dropFirst(2))
        } else if first == "-" || first.hasSuffix(".lua") {
            source = .file(first)
            self.arguments = Array(arguments.dropFirst())
        } else {
            return nil
        }
    }

    func run() -> Int32 {
        do {
            switch source {
            case .file(let path): return try Session.run(file: path, arguments: arguments)
            case .code(let code):
                let lua = try Session.interpreter(scriptFolder: nil)
                try lua.setArguments(script: nil, arguments)
                return Session.exitCode(try lua.run(code, arguments: arguments))
            }
        } catch let error as OpahError {
            return Failure.report(error)
        } catch {
            return Failure.report(OpahError(.lua, "\(error)"))
        }
    }
}
