// Functions of one operand. Integers and bools become float32, except where the result is an integer
// too (neg, abs, relu, round, floor, ceil).

extension Tensor {
    public func neg() throws -> Tensor {
        try function(Negate.self, "neg", NegateGradient.self, .nothing, floating: false)
    }
    public func abs() throws -> Tensor {
        try function(Magnitude.self, "abs", MagnitudeGradient.self, .input, floating: false)
    }
    public func relu() throws -> Tensor {
        try function(Rectify.self, "relu", RectifyGradient.self, .output, floating: false)
    }
    /// Halves go to the even neighbour.
    public func round() throws -> Tensor {
        try function(RoundEven.self, "round", NoGradient.self, .nothing, floating: false)
    }
    public func floor() throws -> Tensor {
        try function(RoundDown.self, "floor", NoGradient.self, .nothing, floating: false)
    }
    public func ceil() throws -> Tensor {
        try function(RoundUp.self, "ceil", NoGradient.self, .nothing, floating: false)
    }
    public func exp() throws -> Tensor { try function(Exponential.self, "exp", Multiply.self, .output) }
    /// The natural logarithm: -inf of 0, NaN below.
    public func log() throws -> Tensor { try function(Logarithm.self, "log", Divide.self, .input) }
    public func sqrt() throws -> Tensor { try function(SquareRoot.self, "sqrt", SquareRootGradient.self, .output) }
    /// 1 / sqrt(x)
    public func rsqrt() throws -> Tensor {
        try function(ReciprocalRoot.self, "rsqrt", ReciprocalRootGradient.self, .output)
    }
    public func tanh() throws -> Tensor {
        try function(HyperbolicTangent.self, "tanh", HyperbolicTangentGradient.self, .output)
    }
    public func sigmoid() throws -> Tensor { try function(Sigmoid.self, "sigmoid", SigmoidGradient.self, .output) }
    /// x sigmoid(x)
    public func silu() throws -> Tensor { try function(SigmoidLinear.self, "silu", SigmoidLinearGradient.self, .input) }
    /// x/2 (1 + erf(x / sqrt 2)): the exact one.
    public func gelu() throws -> Tensor {
        try function(GaussianLinear.self, "gelu", GaussianLinearGradient.self, .input)
    }
    public func sin() throws -> Tensor { try function(Sine.self, "sin", SineGradient.self, .input) }
    public func cos() throws -> Tensor { try function(Cosine.self, "cos", CosineGradient.self, .input) }

    @discardableResult public func neg_() throws -> Tensor { try replace("neg_", Negate.self) { try $0.neg() } }
    @discardableResult public func abs_() throws -> Tensor { try replace("abs_", Magnitude.self) { try $0.abs() } }
    @discardableResult public func relu_() throws -> Tensor { try replace("relu_", Rectify.self) { try $0.relu() } }
    @discardableResult public func round_() throws -> Tensor {
        try replace("round_", RoundEven.self) { try $0.round() }
    }
    @discardableResult public func floor_() throws -> Tensor {
        try replace("floor_", RoundDown.self) { try $0.floor() }
    }
    @discardableResult public func ceil_() throws -> Tensor { try replace("ceil_", RoundUp.self) { try $0.ceil() } }
    @discardableResult public func exp_() throws -> Tensor { try replace("exp_", Exponential.self) { try $0.exp() } }
    @discardableResult public func log_() throws -> Tensor { try replace("log_", Logarithm.self) { try $0.log() } }
    @discardableResult public func sqrt_() throws -> Tensor { try replace("sqrt_", SquareRoot.self) { try $0.sqrt() } }
    @discardableResult public func rsqrt_() throws -> Tensor {
        try replace("rsqrt_", ReciprocalRoot.self) { try $0.rsqrt() }
    }
    @discardableResult public func tanh_() throws -> Tensor {
        try replace("tanh_", HyperbolicTangent.self) { try $0.tanh() }
    }
    @discardableResult public func sigmoid_() throws -> Tensor {
        try replace("sigmoid_", Sigmoid.self) { try $0.sigmoid() }
    }
    @discardableResult public func silu_() throws -> Tensor {
        try replace("silu_", SigmoidLinear.self) { try $0.silu() }
    }
    @discardableResult public func gelu_() throws -> Tensor {
        try replace("gelu_", GaussianLinear.self) { try $0.gelu() }
    }
    @discardableResult public func sin_() throws -> Tensor { try replace("sin_", Sine.self) { try $0.sin() } }
    @discardableResult public func cos_() throws -> Tensor { try replace("cos_", Cosine.self) { try $0.cos() } }

    /// What the gradient of a function is made from.
    enum Keeps { case nothing, input, output }

    /// `K` of every element; its gradient is `G` of the result's gradient and of what is kept.
    func function<K: UnaryKernel, G: BinaryKernel>(
        _: K.Type, _ name: String, _: G.Type, _ keeps: Keeps,
        floating: Bool = true
    ) throws -> Tensor {
        let result = try apply(K.self, floating: floating)
        if Autograd.wants(self) {
            let dtype = gradientDType
            let kept: Saved? =
                switch keeps {
                case .nothing: nil
                case .input: Saved(self)
                case .output: Saved(result)
                }
            Autograd.record(result, name, [self]) { g in
                [try g.combine(G.self, name, kept?.value(name) ?? g).to(dtype)]
            }
        }
        return result
    }

    /// `K` of every element, not recorded.
    func apply<K: UnaryKernel>(_: K.Type, floating: Bool) throws -> Tensor {
        let dtype = floating && !self.dtype.isFloating ? .float32 : self.dtype
        let computing = dtype.computing
        let result = try Tensor(empty: shape, computing)
        Elementwise.unary(K.self, try plain(computing), into: result)
        return try result.plain(dtype)
    }

    /// Writes directly where the arithmetic runs in this tensor's own type.
    private func replace<K: UnaryKernel>(
        _ name: String, _: K.Type, _ operation: (Tensor) throws -> Tensor
    ) throws -> Tensor {
        guard dtype == dtype.computing, dtype.isFloating else { return try replace(name, nil, operation) }
        return try inPlace(name, direct: { Elementwise.unary(K.self, self, into: self) }, recorded: operation)
    }
}
