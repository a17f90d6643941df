import TensorGraph

/// The operations by name. `OpKind.allCases` is complete because the visitor below has to name a case for each.
package enum OpKind: String, CaseIterable, Sendable {
    case input, variable, constant, fill, random
    case unary, binary, select, cast, elementwise, dropout
    case reshape, stopGradient, broadcast, transpose, concatenate, slice, pad
    case reduce, argMax
    case matMul, conv2D, conv2DInputGradient, conv2DWeightGradient
    case maxPool2D, maxPool2DGradient, averagePool2D, averagePool2DGradient
    case softmax, softmaxGradient, logSoftmax, logSoftmaxGradient, crossEntropy, crossEntropyGradient
    case layerNorm, layerNormGradient, batchNorm, batchNormGradient
    case attention, attentionGradient
    case lstm, lstmGradient, gru, gruGradient
    case embedding, embeddingGradient
    case adam, sgd
}

package struct OpKindVisitor: OpVisitor {
    package init() {}

    package func input(_ attributes: Input) -> OpKind { .input }
    package func variable(_ variable: Variable) -> OpKind { .variable }
    package func constant(_ value: HostTensor) -> OpKind { .constant }
    package func fill(_ attributes: Fill) -> OpKind { .fill }
    package func random(_ attributes: Random) -> OpKind { .random }
    package func unary(_ function: UnaryFunction) -> OpKind { .unary }
    package func binary(_ function: BinaryFunction) -> OpKind { .binary }
    package func select() -> OpKind { .select }
    package func cast(_ dtype: DType) -> OpKind { .cast }
    package func elementwise(_ program: ElementwiseProgram) -> OpKind { .elementwise }
    package func dropout(_ attributes: Dropout) -> OpKind { .dropout }
    package func reshape(_ shape: Shape) -> OpKind { .reshape }
    package func stopGradient() -> OpKind { .stopGradient }
    package func broadcast(_ shape: Shape) -> OpKind { .broadcast }
    package func transpose(_ attributes: Transpose) -> OpKind { .transpose }
    package func concatenate(_ attributes: Concatenate) -> OpKind { .concatenate }
    package func slice(_ attributes: Slice) -> OpKind { .slice }
    package func pad(_ attributes: Pad) -> OpKind { .pad }
    package func reduce(_ attributes: Reduce) -> OpKind { .reduce }
    package func argMax() -> OpKind { .argMax }
    package func matMul(_ attributes: MatMul) -> OpKind { .matMul }
    package func conv2D(_ attributes: Conv2D) -> OpKind { .conv2D }
    package func conv2DInputGradient(_ attributes: Conv2DInputGradient) -> OpKind { .conv2DInputGradient }
    package func conv2DWeightGradient(_ attributes: Conv2DWeightGradient) -> OpKind { .conv2DWeightGradient }
    package func maxPool2D(_ attributes: Pool2D) -> OpKind { .maxPool2D }
    package func maxPool2DGradient(_ attributes: Pool2D) -> OpKind { .maxPool2DGradient }
    package func averagePool2D(_ attributes: Pool2D) -> OpKind { .averagePool2D }
    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) -> OpKind { .averagePool2DGradient }
    package func softmax() -> OpKind { .softmax }
    package func softmaxGradient() -> OpKind { .softmaxGradient }
    package func logSoftmax() -> OpKind { .logSoftmax }
    package func logSoftmaxGradient() -> OpKind { .logSoftmaxGradient }
    package func crossEntropy() -> OpKind { .crossEntropy }
    package func crossEntropyGradient() -> OpKind { .crossEntropyGradient }
    package func layerNorm(_ attributes: Normalization) -> OpKind { .layerNorm }
    package func layerNormGradient(_ attributes: Normalization) -> OpKind { .layerNormGradient }
    package func batchNorm(_ attributes: Normalization) -> OpKind { .batchNorm }
    package func batchNormGradient(_ attributes: Normalization) -> OpKind { .batchNormGradient }
    package func attention(_ attributes: Attention) -> OpKind { .attention }
    package func attentionGradient(_ attributes: Attention) -> OpKind { .attentionGradient }
    package func lstm() -> OpKind { .lstm }
    package func lstmGradient() -> OpKind { .lstmGradient }
    package func gru() -> OpKind { .gru }
    package func gruGradient() -> OpKind { .gruGradient }
    package func embedding() -> OpKind { .embedding }
    package func embeddingGradient(_ attributes: EmbeddingGradient) -> OpKind { .embeddingGradient }
    package func adam(_ attributes: Adam) -> OpKind { .adam }
    package func sgd(_ attributes: SGD) -> OpKind { .sgd }
}
