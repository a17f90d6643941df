/// A layer whose inner values are not kept for the backward pass, which computes them again from the layer's input: less memory
/// for the time of one more forward pass of the layer. torch.utils.checkpoint.
///
/// ```swift
/// let model = Sequential(Rematerialized(block1), Rematerialized(block2), head)
/// ```
///
/// Gradients are the same to the bit, those behind dropout too, whose mask depends on its seed and the step alone; statistics of
/// ``BatchNorm`` follow each batch once. Variables keep their names. In code of one's own,
/// ``Graph/rematerializing(_:)`` does the same.
public struct Rematerialized<Block: Layer>: Layer {
    /// What is computed twice.
    public var block: Block

    /// - Parameter block: what is computed again by the backward pass.
    public init(_ block: Block) { self.block = block }

    public var members: [LayerMember] { block.members }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.rematerializing { try block(input, pass) }
    }
}
