/// A step's loss is NaN or infinite. No variable has changed.
public struct NonFiniteLoss: Error, CustomStringConvertible {
    /// Which loss it is; `nil` where the step has one alone.
    public let name: String?
    /// The loss: NaN or an infinity.
    public let loss: Double
    /// The number of steps before this one.
    public let step: Int
    /// What the batch holds that is not finite, in words.
    private let findings: [String]

    init(_ name: String?, loss: Double, step: Int, batch: Batch) {
        self.name = name
        self.loss = loss
        self.step = step
        findings = batch.tensors.sorted { $0.key < $1.key }.compactMap { name, tensor in
            guard let numbers = try? tensor.converted(to: .float32)?.elements(Float.self) else { return nil }
            guard let first = numbers.firstIndex(where: { !$0.isFinite }) else { return nil }
            let count = numbers.count { !$0.isFinite }
            return "\(count) of \(numbers.count) numbers of the batch's \(name), the first"
                + " \(decimal(Double(numbers[first]), 4)) at element \(first)"
        }
    }

    public var description: String {
        let which = name.map { "the loss “\($0)”" } ?? "the loss"
        var text = "\(which) at step \(step) is \(decimal(loss, 4)); no variable has changed. "
        text +=
            findings.isEmpty
            ? "All numbers of the batch are finite: try a lower learning rate or a gradientNorm"
            : "Not finite: " + findings.joined(separator: "; ")
        return text + ". onNonFiniteLoss says whether to skip such a step or to take it"
    }
}
