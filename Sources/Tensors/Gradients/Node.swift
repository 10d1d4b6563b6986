import Support

/// One recorded operation: where its gradients go, and how a gradient of its result becomes them.
public final class Node {
    /// The operation's name, for error messages.
    public let name: String
    /// Where the gradients go, in the order of the operation's inputs; nil for what needs none.
    fileprivate(set) var inputs: [Edge?]
    /// Gradient of the result -> gradients of `inputs`, same order, nil where none is wanted.
    /// Dropped after use, which frees what it saved.
    var backward: ((Tensor) throws -> [Tensor?])?
    /// Makes the result's elements again from what the operation has saved anyway. Whoever needs them in its own
    /// backward pass keeps this instead of the elements. Only operations that cost next to nothing beside a matrix
    /// product have it.
    var remake: (() throws -> Tensor)?

    init(name: String, inputs: [Edge?], backward: @escaping (Tensor) throws -> [Tensor?]) {
        self.name = name
        self.inputs = inputs
        self.backward = backward
    }

    /// Long chains would be freed recursively, one stack frame per operation: unlink them in a loop.
    deinit {
        var pending: [Node] = []
        func unlink(_ node: Node) {
            for case .node(let input)? in node.inputs { pending.append(input) }
            node.inputs = []
            node.backward = nil
            node.remake = nil
        }
        unlink(self)
        while var node = pending.popLast() {
            if isKnownUniquelyReferenced(&node) { unlink(node) }
        }
    }
}

/// Where a gradient goes: to a tensor that keeps it, or to the operation that made the value.
///
/// Not simply to a tensor: an operation in place gives a tensor another history, while operations
/// recorded earlier go on referring to the one that it had.
enum Edge {
    case leaf(Tensor)
    case node(Node)
}

/// A value that a backward closure needs: the same elements without their history, and the means to
/// notice that they have been overwritten since.
public struct Saved {
    private let tensor: Tensor
    private let version: Int

    public init(_ tensor: Tensor) {
        self.tensor = tensor.detach()
        version = tensor.storage.version
    }

    /// The value, or an error that names `operation`, the one that saved it.
    public func value(_ operation: String) throws -> Tensor {
        guard tensor.storage.version == version else {
            throw OpahError(
                .gradient,
                "backward of \(operation): a tensor of shape \(tensor.shape) that it needs was changed in place after it was used",
                hint: "change a copy (t:clone()), or use the operation without the underscore")
        }
        return tensor
    }
}

extension Tensor {
    /// Wants a gradient (a leaf), or comes from something that does. Setting it has no effect on the
    /// result of a recorded operation, nor on integers; `setRequiresGrad` says so.
    public var requiresGrad: Bool {
        @inline(__always) get { isTracked || (viewVersion >= 0 && viewVersion != storage.version && followsBase()) }
        set { _ = try? setRequiresGrad(newValue) }
    }

    /// Whether this tensor was made by the user, not by a recorded operation.
    public var isLeaf: Bool { !requiresGrad || node == nil }

    /// The dtype of this tensor's gradient: gradients are never rounded to a half type.
    public var gradientDType: DType { dtype.isHalf ? .float32 : dtype }

    /// Says whether `backward` shall leave a gradient in `grad`. Only floating leaves can.
    @discardableResult
    public func setRequiresGrad(_ on: Bool = true) throws -> Tensor {
        guard !on || dtype.isFloating else {
            throw OpahError(
                .gradient, "requires_grad: a tensor of \(dtype.rawValue) has no gradient",
                hint: "convert it first: t:to(\"float32\")")
        }
        guard isLeaf else {
            if on { return self }
            throw OpahError(
                .gradient, "requires_grad: this tensor is the result of an operation (\(node?.name ?? ""))",
                hint: "use t:detach() for the same values without their history")
        }
        isTracked = on
        if on { viewVersion = -1 }
        return self
    }

    /// The same elements, without their history: gradients stop here.
    public func detach() -> Tensor {
        Tensor(storage: storage, offset: offset, shape: shape, strides: strides, dtype: dtype)
    }

    /// Gradients of this one number with respect to every leaf behind it, added to their `grad`.
    public func backward(seed: Tensor? = nil, retainGraph: Bool = false) throws {
        try Autograd.backward(self, seed: seed, retainGraph: retainGraph)
    }

    /// Where a gradient of this tensor goes, as of now.
    var edge: Edge? {
        if viewVersion >= 0, viewVersion != storage.version { _ = followsBase() }
        if let node { return .node(node) }
        return isTracked ? .leaf(self) : nil
    }

    /// A write in place has happened somewhere in the storage of this view: its history is now that of
    /// its base, from which it takes its elements again. True when that wants gradients.
    private func followsBase() -> Bool {
        viewVersion = storage.version
        guard let base, base.requiresGrad, let edge = base.edge else { return isTracked }
        let geometry = Geometry(self), whole = Geometry(base), dtype = base.gradientDType
        isTracked = true
        node = Node(name: "view", inputs: [edge]) { gradient in
            let result = try Tensor(zeros: whole.shape, dtype)
            try geometry.within(whole, of: result).copyElements(from: gradient.to(dtype))
            return [result]
        }
        return true
    }
}

/// Where a view's elements lie, to find the same elements in a gradient.
struct Geometry {
    let offset: Int, shape: Dims, strides: Dims, isContiguous: Bool

    init(_ tensor: Tensor) {
        (offset, shape, strides, isContiguous) = (tensor.offset, tensor.shape, tensor.strides, tensor.isContiguous)
    }

    /// The part of `gradient`, contiguous and laid out as `base` is, that this view is of `base`.
    func within(_ base: Geometry, of gradient: Tensor) throws -> Tensor {
        guard base.isContiguous else {
            throw OpahError(
                .gradient,
                "backward through a write in place: the tensor of shape \(base.shape) that was written to is not contiguous",
                hint: "write to t:contiguous() instead")
        }
        return Tensor(
            storage: gradient.storage, offset: offset - base.offset, shape: shape, strides: strides,
            dtype: gradient.dtype)
    }
}
