/// What lowering knows of the device: which style of kernel suits it, and with which numbers.
package struct DeviceProfile: Sendable {
    /// The two styles of every heavy kernel.
    package enum KernelStyle: String, Hashable, Sendable, CaseIterable {
        /// Work-groups that stage tiles in local memory.
        case gpu
        /// Local size 1: one work-item a block, explicit vectors, no local memory, no barriers.
        case cpu
    }

    package var style: KernelStyle
    /// The number of floats in the widest vector worth using: 4, 8 or 16.
    package var vectorWidth: Int
    package var computeUnits: Int
    package var maximumWorkGroupSize: Int
    /// In bytes.
    package var localMemory: Int
    /// How to do the convolutions that it fits, instead of what ``ConvolutionCosts`` estimate to be the fastest.
    package var convolution: ConvolutionAlgorithm?
    /// What was measured to be fast there.
    package var tuning: TuningTable
    /// Matrix units that kernels may use; nil for none.
    package var matrixUnits: MatrixUnits?
    /// Whether products of float32 may be computed from operands cut to the 10 bits of fraction of TF32.
    package var allowsTF32 = false

    package init(
        style: KernelStyle, vectorWidth: Int, computeUnits: Int, maximumWorkGroupSize: Int, localMemory: Int,
        tuning: TuningTable = TuningTable()
    ) {
        self.style = style
        self.vectorWidth = vectorWidth
        self.computeUnits = computeUnits
        self.maximumWorkGroupSize = maximumWorkGroupSize
        self.localMemory = localMemory
        self.tuning = tuning
    }
}
