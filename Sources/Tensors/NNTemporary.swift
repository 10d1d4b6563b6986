extension Tensor {
    @discardableResult
    public func setRequiresGrad(_ on: Bool = true) throws -> Tensor { requiresGrad = on; return self }
}
