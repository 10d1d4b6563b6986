import Support

extension NN {
    /// out[b, o, t] = bias[o] + sum over i, k of weight[o, i, k] * x[b, i, t * stride + k * dilation - left].
    /// - Parameters:
    ///   - x: [B, inChannels, T], or [inChannels, T] without a batch.
    ///   - weight: [outChannels, inChannels / groups, K].
    ///   - bias: [outChannels].
    ///   - padding: zeros before and after x, in samples.
    /// - Returns: [B, outChannels, (T + left + right - dilation * (K - 1) - 1) / stride + 1] in float32.
    public static func conv1d(
        _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1,
        padding: (left: Int, right: Int) = (0, 0), dilation: Int = 1, groups: Int = 1
    ) throws -> Tensor {
        let name = "conv1d", x = try x.single(), weight = try weight.single(), bias = try bias?.single()
        try ConvolutionGeometry.check(name, stride: stride, padding: padding, dilation: dilation, groups: groups)
        let (batch, channels, length) = try layout(name, x, weight)
        let outChannels = weight.shape[0], kernel = weight.shape[2]
        try ConvolutionGeometry.checkTaps(name, kernel, dilation: dilation)
        guard channels % groups == 0, outChannels % groups == 0, weight.shape[1] == channels / groups else {
            throw OpahError(
                .shape, "\(name): weight \(weight.shape) does not fit input \(x.shape) with \(groups) groups",
                hint: "the weight must be [outChannels, inChannels / groups, kernel]")
        }
        try checkBias(name, bias, outChannels)
        let free = length + padding.left + padding.right - dilation * (kernel - 1) - 1
        guard free >= 0 else {
            throw OpahError(
                .shape,
                "\(name): an input of \(length) with padding \(padding.left) + \(padding.right) is shorter than the kernel's reach of \(dilation * (kernel - 1) + 1)"
            )
        }
        let g = ConvolutionGeometry(
            batch: batch, longChannels: channels, longLength: length, shortChannels: outChannels,
            shortLength: free / stride + 1, kernel: kernel, stride: stride, dilation: dilation,
            groups: groups, left: padding.left, right: padding.right)
        let input = try x.dense(name), filters = try weight.dense(name), offsets = try bias?.dense(name)
        let result = try Tensor(empty: shape(like: x, g.shortChannels, g.shortLength))
        try ConvolutionKernels.forward(
            g, long: input.pointer(), weight: filters.pointer(),
            bias: offsets.map { UnsafePointer($0.pointer(Float.self)) }, short: result.pointer())

        let savedX = Saved(input), savedWeight = Saved(filters),
            shapes = (x: x.shape, weight: weight.shape, bias: bias?.shape)
        let wants = (x: x.requiresGrad, weight: weight.requiresGrad, bias: bias?.requiresGrad ?? false)
        Autograd.record(result, name, [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
            let gradient = try gradient.dense(name)
            var dx: Tensor?, dWeight: Tensor?
            if wants.x {
                let part = try Tensor(empty: shapes.x)
                try ConvolutionKernels.inputGradient(
                    g, short: gradient.pointer(), weight: savedWeight.pointer(name), long: part.pointer())
                dx = part
            }
            if wants.weight {
                let part = try Tensor(zeros: shapes.weight)
                try ConvolutionKernels.weightGradient(
                    g, long: savedX.pointer(name), short: gradient.pointer(), weight: part.pointer())
                dWeight = part
            }
            return try [dx, dWeight] + biasGradient(shapes.bias, wants.bias, batch, g.shortLength, gradient)
        }
        return result
    }

    /// The adjoint of `conv1d`: every input sample adds its filter to the output, `stride` samples apart.
    /// - Parameters:
    ///   - x: [B, inChannels, T], or [inChannels, T] without a batch.
    ///   - weight: [inChannels, outChannels / groups, K].
    ///   - bias: [outChannels].
    ///   - padding: samples cropped from the start and the end of the result.
    /// - Returns: [B, outChannels, (T - 1) * stride + dilation * (K - 1) + 1 - left - right] in float32.
    public static func convTranspose1d(
        _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1,
        padding: (left: Int, right: Int) = (0, 0), dilation: Int = 1, groups: Int = 1
    ) throws -> Tensor {
        let name = "conv_transpose1d", x = try x.single(), weight = try weight.single(), bias = try bias?.single()
        try ConvolutionGeometry.check(name, stride: stride, padding: padding, dilation: dilation, groups: groups)
        let (batch, channels, length) = try layout(name, x, weight)
        let kernel = weight.shape[2]
        try ConvolutionGeometry.checkTaps(name, kernel, dilation: dilation)
        let (outChannels, tooMany) = weight.shape[1].multipliedReportingOverflow(by: groups)
        guard weight.shape[0] == channels, channels % groups == 0, !tooMany else {
            throw OpahError(
                .shape, "\(name): weight \(weight.shape) does not fit input \(x.shape) with \(groups) groups",
                hint: "the weight must be [inChannels, outChannels / groups, kernel]")
        }
        try checkBias(name, bias, outChannels)
        let (span, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
        guard length >= 1, !overflow, span < Int.max / 4 else {
            throw OpahError(.shape, "\(name): an input of length \(length) with stride \(stride) has no usable output")
        }
        let whole = span + dilation * (kernel - 1) + 1, outLength = whole - padding.left - padding.right
        guard outLength >= 1 else {
            throw OpahError(
                .shape,
                "\(name): cropping \(padding.left) + \(padding.right) leaves nothing of the \(whole) output samples")
        }
        let g = ConvolutionGeometry(
            batch: batch, longChannels: outChannels, longLength: outLength, shortChannels: channels,
            shortLength: length, kernel: kernel, stride: stride, dilation: dilation,
            groups: groups, left: padding.left, right: padding.right)
        let input = try x.dense(name), filters = try weight.dense(name)
        let result = try Tensor(empty: shape(like: x, g.longChannels, g.longLength))
        try ConvolutionKernels.inputGradient(
            g, short: input.pointer(), weight: filters.pointer(), long: result.pointer())
        if let offsets = try bias?.dense(name) {
            let values = offsets.pointer(Float.self), target = result.pointer(Float.self)
            for row in 0 ..< (batch * outChannels) {
                let samples = target + row * outLength, value = values[row % outChannels]
                for t in 0 ..< outLength { samples[t] += value }
            }
        }

        let savedX = Saved(input), savedWeight = Saved(filters),
            shapes = (x: x.shape, weight: weight.shape, bias: bias?.shape)
        let wants = (x: x.requiresGrad, weight: weight.requiresGrad, bias: bias?.requiresGrad ?? false)
        Autograd.record(result, name, [x, weight] + (bias.map { [$0] } ?? [])) { gradient in
            let gradient = try gradient.dense(name)
            var dx: Tensor?, dWeight: Tensor?
            if wants.x {
                let part = try Tensor(empty: shapes.x)
                try ConvolutionKernels.forward(
                    g, long: gradient.pointer(), weight: savedWeight.pointer(name), bias: nil, short: part.pointer())
                dx = part
            }
            if wants.weight {
                let part = try Tensor(zeros: shapes.weight)
                try ConvolutionKernels.weightGradient(
                    g, long: gradient.pointer(), short: savedX.pointer(name), weight: part.pointer())
                dWeight = part
            }
            return try [dx, dWeight] + biasGradient(shapes.bias, wants.bias, batch, g.longLength, gradient)
        }
        return result
    }

    /// Batch, channels and length of the input, once input and weight have the right ranks.
    private static func layout(
        _ name: String, _ x: Tensor, _ weight: Tensor
    ) throws -> (batch: Int, channels: Int, length: Int) {
        guard x.rank == 2 || x.rank == 3 else {
            throw OpahError(
                .shape, "\(name): the input must be [batch, channels, time] or [channels, time], not \(x.shape)")
        }
        guard weight.rank == 3 else {
            throw OpahError(.shape, "\(name): the weight must have three dimensions, not \(weight.shape)")
        }
        guard weight.shape[0] > 0, weight.shape[1] > 0, x.shape[x.rank - 2] > 0 else {
            throw OpahError(.shape, "\(name): input \(x.shape) and weight \(weight.shape) need at least one channel")
        }
        return x.rank == 3 ? (x.shape[0], x.shape[1], x.shape[2]) : (1, x.shape[0], x.shape[1])
    }

    private static func checkBias(_ name: String, _ bias: Tensor?, _ channels: Int) throws {
        guard let bias, bias.shape != [channels] else { return }
        throw OpahError(
            .shape, "\(name): the bias must be [\(channels)], one value per output channel, not \(bias.shape)")
    }

    private static func shape(like x: Tensor, _ channels: Int, _ length: Int) -> Dims {
        x.rank == 3 ? [x.shape[0], channels, length] : [channels, length]
    }

    /// None without a bias, nil when it wants none.
    private static func biasGradient(
        _ shape: Dims?, _ isWanted: Bool, _ batch: Int, _ length: Int, _ gradient: Tensor
    ) throws -> [Tensor?] {
        guard let shape else { return [] }
        guard isWanted else { return [nil] }
        let part = try Tensor(empty: shape)
        ConvolutionKernels.biasGradient(
            batch: batch, channels: shape[0], length: length, gradient.pointer(), bias: part.pointer())
        return [part]
    }
}
