/// How generation holds a model's matrices: those of the feed-forward layers, and all others; nil as they are stored.
///
/// The feed-forward layers are six sevenths of what a frame reads. The rest gains little from four bits, and loses more:
/// an error of the attention's scores is one of every key, one of the output layer shows as it is.
struct MatrixForms {
    let feedForward, others: StreamedMatrix.Quantization?

    init(_ form: LanguageModel.WeightForm) {
        switch form {
        case .asStored, .float32, .bfloat16: (feedForward, others) = (nil, nil)
        case .int8: (feedForward, others) = (.int8, .int8)
        case .int4: (feedForward, others) = (.int4, .int8)
        }
    }
}
