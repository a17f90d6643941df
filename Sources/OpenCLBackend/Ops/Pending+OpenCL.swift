import Execution
import TensorGraph

// Operations without kernels as yet; each leaves this file when its kernels arrive.
extension OpenCLLowering {
    package func reduce(_ attributes: Reduce) throws -> Lowering { .declined("there is no kernel yet") }
    package func argMax() throws -> Lowering { .declined("there is no kernel yet") }
    package func maxPool2D(_ attributes: Pool2D) throws -> Lowering { .declined("there is no kernel yet") }
    package func maxPool2DGradient(_ attributes: Pool2D) throws -> Lowering { .declined("there is no kernel yet") }
    package func averagePool2D(_ attributes: Pool2D) throws -> Lowering { .declined("there is no kernel yet") }
    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> Lowering { .declined("there is no kernel yet") }
    package func softmax() throws -> Lowering { .declined("there is no kernel yet") }
    package func softmaxGradient() throws -> Lowering { .declined("there is no kernel yet") }
    package func logSoftmax() throws -> Lowering { .declined("there is no kernel yet") }
    package func logSoftmaxGradient() throws -> Lowering { .declined("there is no kernel yet") }
    package func crossEntropy() throws -> Lowering { .declined("there is no kernel yet") }
    package func crossEntropyGradient() throws -> Lowering { .declined("there is no kernel yet") }
    package func layerNorm(_ attributes: Normalization) throws -> Lowering { .declined("there is no kernel yet") }
    package func layerNormGradient(_ attributes: Normalization) throws -> Lowering { .declined("there is no kernel yet") }
    package func batchNorm(_ attributes: Normalization) throws -> Lowering { .declined("there is no kernel yet") }
    package func batchNormGradient(_ attributes: Normalization) throws -> Lowering { .declined("there is no kernel yet") }
    package func attention(_ attributes: Attention) throws -> Lowering { .declined("there is no kernel yet") }
    package func attentionGradient(_ attributes: Attention) throws -> Lowering { .declined("there is no kernel yet") }
    package func lstm() throws -> Lowering { .declined("there is no kernel yet") }
    package func lstmGradient() throws -> Lowering { .declined("there is no kernel yet") }
    package func gru() throws -> Lowering { .declined("there is no kernel yet") }
    package func gruGradient() throws -> Lowering { .declined("there is no kernel yet") }
}
