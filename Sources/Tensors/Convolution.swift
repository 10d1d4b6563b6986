import Support

/// One-dimensional convolutions of tensors, with gradients. Float32; PyTorch's meaning and layouts.
public enum Convolution {
    /// out[b, o, t] = bias[o] + sum over i, k of weight[o, i, k] * x[b, i, t * stride + k * dilation - left].
    /// - Parameters:
    ///   - x: [B, inChannels, T], or [inChannels, T] without a batch.
    ///   - weight: [outChannels, inChannels / groups, K].
    ///   - bias: [outChannels].
    ///   - padding: zeros before and after x, in samples.
    /// - Returns: [B, outChannels, (T + left + right - dilation * (K - 1) - 1) / stride + 1].
    /// - Throws: `shape` when the sizes do not fit, `dtype` for anything but float32.
    public static func conv1d(_ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1,
                              padding: (left: Int, right: Int) = (0, 0), dilation: Int = 1, groups: Int = 1) throws -> Tensor {
        let name = "conv1d"
        try check(name, x, weight, bias)
        try ConvolutionGeometry.check(name, stride: stride, padding: padding, dilation: dilation, groups: groups)
        let (batch, channels, length) = layout(x)
        let outChannels = weight.shape[0], kernel = weight.shape[2]
        try ConvolutionGeometry.checkTaps(name, kernel, dilation: dilation)
        guard channels % groups == 0, outChannels % groups == 0, weight.shape[1] == channels / groups else {
            throw OpahError(.shape, "\(name): weight \(weight.shape) does not fit input \(x.shape) with \(groups) groups",
                            hint: "the weight must be [outChannels, inChannels / groups, kernel]")
        }
        try checkBias(name, bias, outChannels)
        let free = length + padding.left + padding.right - dilation * (kernel - 1) - 1
        guard free >= 0 else {
            throw OpahError(.shape, "\(name): an input of \(length) with padding \(padding.left) + \(padding.right) is shorter than the kernel's reach of \(dilation * (kernel - 1) + 1)")
        }
        let g = ConvolutionGeometry(batch: batch, longChannels: channels, longLength: length, shortChannels: outChannels,
                                    shortLength: free / stride + 1, kernel: kernel, stride: stride, dilation: dilation,
                                    groups: groups, left: padding.left, right: padding.right)
        let input = try dense(x), filters = try dense(weight), offsets = try bias.map(dense)
        let result = try Tensor(empty: shape(x, g.shortChannels, g.shortLength))
        try ConvolutionKernels.forward(g, long: input.pointer(), weight: filters.pointer(),
                                       bias: offsets.map { UnsafePointer($0.pointer(Float.self)) }, short: result.pointer())
        Autograd.record(result, name, [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
            let gradient = try dense(gradient)
            var parts: [Tensor?] = [nil, nil]
            if x.requiresGrad {
                let part = try Tensor(empty: x.shape)
                try ConvolutionKernels.inputGradient(g, short: gradient.pointer(), weight: filters.pointer(), long: part.pointer())
                parts[0] = part
            }
            if weight.requiresGrad {
                let part = try Tensor(zeros: weight.shape)
                try ConvolutionKernels.weightGradient(g, long: input.pointer(), short: gradient.pointer(), weight: part.pointer())
                parts[1] = part
            }
            return try parts + biasPart(bias, batch, g.shortLength, gradient)
        }
        return result
    }

    /// The adjoint of `conv1d`: every input sample adds its filter, `stride` samples apart.
    /// - Parameters:
    ///   - x: [B, inChannels, T], or [inChannels, T] without a batch.
    ///   - weight: [inChannels, outChannels / groups, K].
    ///   - bias: [outChannels].
    ///   - padding: samples cropped from the start and the end of the result.
    /// - Returns: [B, outChannels, (T - 1) * stride + dilation * (K - 1) + 1 - left - right].
    /// - Throws: `shape` when the sizes do not fit, `dtype` for anything but float32.
    public static func convTranspose1d(_ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1,
                                       padding: (left: Int, right: Int) = (0, 0), dilation: Int = 1, groups: Int = 1) throws -> Tensor {
        let name = "conv_transpose1d"
        try check(name, x, weight, bias)
        try ConvolutionGeometry.check(name, stride: stride, padding: padding, dilation: dilation, groups: groups)
        let (batch, channels, length) = layout(x)
        let kernel = weight.shape[2], outChannels = weight.shape[1] * groups
        try ConvolutionGeometry.checkTaps(name, kernel, dilation: dilation)
        guard weight.shape[0] == channels, channels % groups == 0 else {
            throw OpahError(.shape, "\(name): weight \(weight.shape) does not fit input \(x.shape) with \(groups) groups",
                            hint: "the weight must be [inChannels, outChannels / groups, kernel]")
        }
        try checkBias(name, bias, outChannels)
        let (span, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
        guard length >= 1, !overflow, span < Int.max / 4 else {
            throw OpahError(.shape, "\(name): an input of length \(length) with stride \(stride) has no usable output")
        }
        let outLength = span + dilation * (kernel - 1) + 1 - padding.left - padding.right
        guard outLength >= 1 else {
            throw OpahError(.shape, "\(name): cropping \(padding.left) + \(padding.right) leaves nothing of the \(outLength + padding.left + padding.right) output samples")
        }
        let g = ConvolutionGeometry(batch: batch, longChannels: outChannels, longLength: outLength, shortChannels: channels,
                                    shortLength: length, kernel: kernel, stride: stride, dilation: dilation,
                                    groups: groups, left: padding.left, right: padding.right)
        let input = try dense(x), filters = try dense(weight)
        let result = try Tensor(empty: shape(x, g.longChannels, g.longLength))
        try ConvolutionKernels.inputGradient(g, short: input.pointer(), weight: filters.pointer(), long: result.pointer())
        if let bias {
            let offsets = try dense(bias), target = result.pointer(Float.self)
            for row in 0..<(batch * outChannels) {
                let value = offsets.pointer(Float.self)[row % outChannels], samples = target + row * outLength
                for t in 0..<outLength { samples[t] += value }
            }
        }
        Autograd.record(result, name, [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
            let gradient = try dense(gradient)
            var parts: [Tensor?] = [nil, nil]
            if x.requiresGrad {
                let part = try Tensor(empty: x.shape)
                try ConvolutionKernels.forward(g, long: gradient.pointer(), weight: filters.pointer(), bias: nil, short: part.pointer())
                parts[0] = part
            }
            if weight.requiresGrad {
                let part = try Tensor(zeros: weight.shape)
                try ConvolutionKernels.weightGradient(g, long: gradient.pointer(), short: input.pointer(), weight: part.pointer())
                parts[1] = part
            }
            return try parts + biasPart(bias, batch, g.longLength, gradient)
        }
        return result
    }

    private static func check(_ name: String, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?) throws {
        guard x.rank == 2 || x.rank == 3 else {
            throw OpahError(.shape, "\(name): the input must be [batch, channels, time] or [channels, time], not \(x.shape)")
        }
        guard weight.rank == 3 else { throw OpahError(.shape, "\(name): the weight must have three dimensions, not \(weight.shape)") }
        for tensor in [x, weight] + (bias.map { [$0] } ?? []) where tensor.dtype != .float32 {
            throw OpahError(.dtype, "\(name): works on float32, not \(tensor.dtype.rawValue)", hint: "convert with t:to(\"float32\")")
        }
        guard weight.shape[0] > 0, weight.shape[1] > 0, x.shape[x.rank - 2] > 0 else {
            throw OpahError(.shape, "\(name): input \(x.shape) and weight \(weight.shape) need at least one channel")
        }
    }

    private static func checkBias(_ name: String, _ bias: Tensor?, _ channels: Int) throws {
        guard let bias, bias.shape != [channels] else { return }
        throw OpahError(.shape, "\(name): the bias must be [\(channels)], one value per output channel, not \(bias.shape)")
    }

    /// The same elements one after the other in C order.
    private static func dense(_ t: Tensor) throws -> Tensor {
        if t.isContiguous { return t }
        let result = try Tensor(empty: t.shape), source = t.pointer(Float.self), target = result.pointer(Float.self)
        var position = Dims(repeating: 0, count: t.rank)
        for i in 0..<t.count {
            var from = 0
            for d in 0..<t.rank { from += position[d] * t.strides[d] }
            target[i] = source[from]
            for d in stride(from: t.rank - 1, through: 0, by: -1) {
                position[d] += 1
                if position[d] < t.shape[d] { break }
                position[d] = 0
            }
        }
        return result
    }

    private static func layout(_ x: Tensor) -> (batch: Int, channels: Int, length: Int) {
        x.rank == 3 ? (x.shape[0], x.shape[1], x.shape[2]) : (1, x.shape[0], x.shape[1])
    }

    private static func shape(_ x: Tensor, _ channels: Int, _ length: Int) -> Dims {
        x.rank == 3 ? [x.shape[0], channels, length] : [channels, length]
    }

    private static func biasPart(_ bias: Tensor?, _ batch: Int, _ length: Int, _ gradient: Tensor) throws -> [Tensor?] {
        guard let bias else { return [] }
        guard bias.requiresGrad else { return [nil] }
        let part = try Tensor(empty: bias.shape)
        ConvolutionKernels.biasGradient(batch: batch, channels: bias.count, length: length, gradient.pointer(), bias: part.pointer())
        return [part]
    }
}
