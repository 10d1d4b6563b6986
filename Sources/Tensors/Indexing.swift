import Support
extension Tensor {
    public func indexSelect(dim: Int, _ positions: Tensor) throws -> Tensor { throw OpahError(.argument, "soon") }
    public func any() throws -> Tensor { try to(.bool).sum().ne(0) }
    public func all() throws -> Tensor { try logicalNot().sum().eq(0) }
}
