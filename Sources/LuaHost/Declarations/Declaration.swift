import LuaShim
import Support

/// What a native function does: reads its arguments from the call, pushes its results.
public typealias Body = (Call) throws -> Results

/// One binding, declared once: the argument checks, `help()`, completion and the LuaCATS stubs all
/// come from here. Made by `ModuleBuilder` and `ClassBuilder`.
public final class Declaration {
    public enum Role: Sendable {
        case function, method, property, metamethod, constant
        /// Not shown in documentation: setters, indexers, closures.
        case hidden
    }

    /// `resample`, `reshape`, `__add`.
    public let name: String
    /// As error messages and help name it: `audio.resample`, `Tensor:reshape`.
    public let path: String
    public let role: Role
    /// For functions `(a: integer) -> Tensor`; for properties and constants a type.
    public let signatureText: String
    /// One paragraph: shapes, units, index base, errors.
    public let doc: String
    public let example: String?
    /// Where results depend on which arguments there are: a signature for each case, as documentation and editors show
    /// it. Calls are checked against `signatureText`, which allows all of them.
    public let forms: [String]
    /// Options that configurations have keys for.
    public let settings: [OptionSetting]
    /// Whether a property may be assigned.
    public internal(set) var isWritable = false

    @usableFromInline let body: Body
    /// Arguments before number 1: the receiver of a method.
    @usableFromInline let receivers: Int32
    private var checks: ArgumentChecks?

    init(
        _ role: Role, _ name: String, path: String, _ signature: String, _ doc: String, example: String? = nil,
        forms: [String] = [], settings: [OptionSetting] = [], receivers: Int32 = 0, body: @escaping Body
    ) {
        self.role = role
        self.name = name
        self.path = path
        self.signatureText = signature
        self.doc = doc
        self.example = example
        self.forms = forms
        self.settings = settings
        self.receivers = receivers
        self.body = body
    }

    /// As error messages name it: operators by their sign, `Tensor +`.
    var shownPath: String {
        guard role == .metamethod, let sign = Self.signs[name] else { return path }
        return "\(path.prefix { $0 != "." }) \(sign)"
    }

    private static let signs = [
        "__add": "+", "__sub": "-", "__mul": "*", "__div": "/", "__mod": "%", "__pow": "^", "__unm": "-",
        "__idiv": "//",
        "__band": "&", "__bor": "|", "__bxor": "~", "__bnot": "~", "__concat": "..", "__len": "#"
    ]

    /// The parsed signature of a function or method; properties and constants have one result.
    public func signature() throws -> Signature {
        switch role {
        case .property, .constant:
            let type = try LuaType(parsing: signatureText)
            return Signature(
                parameters: [], results: [Parameter(name: "", type: type, isOptional: false, defaultValue: nil)])
        default: return try Signature(parsing: signatureText)
        }
    }

    /// The signatures to show: one, or one for each form.
    public func shownSignatures() throws -> [Signature] {
        forms.isEmpty ? [try signature()] : try forms.map { try Signature(parsing: $0) }
    }

    /// Parsed at the first call, so that declaring costs nothing at start-up.
    func argumentChecks() throws -> ArgumentChecks {
        if let checks { return checks }
        let made =
            role == .property || role == .constant || signatureText.isEmpty
            ? ArgumentChecks.none : ArgumentChecks(try signature(), strict: role == .function || role == .method)
        checks = made
        return made
    }

    /// Checks the arguments and runs the body.
    @inline(__always)
    func invoke(_ L: OpaquePointer) throws -> Int32 {
        let call = Call(L, self, count: Int(lua_gettop(L) - receivers))
        let checks = try self.checks ?? argumentChecks()
        if !checks.isEmpty, !checks.acceptsFast(call) { try checks.verify(call) }
        let count = try body(call).count
        if ResultChecks.isOn { ResultChecks.verify(self, L, count: count) }
        return count
    }

    var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}
