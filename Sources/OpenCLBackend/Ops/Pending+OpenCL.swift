import Execution
import TensorGraph

// Operations without kernels as yet; each leaves this file when its kernels arrive.
extension OpenCLLowering {
    package func lstm() throws -> Lowering { .declined("there is no kernel yet") }
    package func lstmGradient() throws -> Lowering { .declined("there is no kernel yet") }
    package func gru() throws -> Lowering { .declined("there is no kernel yet") }
    package func gruGradient() throws -> Lowering { .declined("there is no kernel yet") }
}
