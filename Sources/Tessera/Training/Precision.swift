/// In which types a model is computed while its parameters stay float32.
///
/// ```swift
/// let trainer = Trainer(model, loss: .crossEntropy, optimizer: Adam(), precision: .float16, on: executor)
/// ```
///
/// Which operations have 16 bits is ``Graph/autocast(to:file:line:_:)``'s to say, as in PyTorch. Parameters, their gradients and
/// what optimizers keep are float32: master weights (Micikevicius et al., Mixed Precision Training, 2018).
public struct Precision: Hashable, Sendable {
    /// The type that products are computed in.
    public let dtype: DType
    /// How losses are scaled so that small gradients stay numbers; `nil`, where they need not be.
    public let lossScaling: LossScaling?

    /// All of it in float32.
    public static let float32 = Precision(dtype: .float32, lossScaling: nil)
    /// float16, with losses scaled as PyTorch's `GradScaler` does by default.
    public static let float16 = float16(LossScaling())
    /// bfloat16, which has float32's range and needs no scaling.
    public static let bfloat16 = Precision(dtype: .bfloat16, lossScaling: nil)

    /// float16 with losses scaled in another way; not at all with `nil`.
    public static func float16(_ scaling: LossScaling?) -> Precision {
        Precision(dtype: .float16, lossScaling: scaling)
    }

    private init(dtype: DType, lossScaling: LossScaling?) {
        self.dtype = dtype
        self.lossScaling = lossScaling
    }
}

/// The numbers of dynamic loss scaling, PyTorch's by default. torch.amp.GradScaler.
public struct LossScaling: Hashable, Sendable {
    /// What losses are multiplied by at first.
    public var initialScale: Double
    /// What the scale is multiplied by after `growthInterval` steps in a row without overflow; above 1.
    public var growthFactor: Double
    /// What the scale is multiplied by after a step with overflow; in 0..<1.
    public var backoffFactor: Double
    /// Steps in a row without overflow after which the scale grows; at least 1.
    public var growthInterval: Int

    /// PyTorch's numbers but for those given; ``Trainer`` and ``LossScaler`` throw where one makes no sense.
    public init(
        initialScale: Double = 65536, growthFactor: Double = 2, backoffFactor: Double = 0.5, growthInterval: Int = 2000
    ) {
        self.initialScale = initialScale
        self.growthFactor = growthFactor
        self.backoffFactor = backoffFactor
        self.growthInterval = growthInterval
    }
}
