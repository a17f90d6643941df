import TensorGraph
import TestSupport
import Testing

@Suite struct GradientTests {
    static let cases = OpCase.all.filter { if case .full = $0.gradient { !$0.isLarge } else { false } }

    @Test("The backward pass agrees with finite differences", arguments: cases)
    func finiteDifferences(_ opCase: OpCase) throws {
        let complaint = try opCase.complaintOfFiniteDifferences()
        #expect(complaint == nil)
    }

    @Test func aWrongGradientIsFound() throws {
        // The gradient of a product whose second factor is hidden from it: half of the true one.
        let wrong = OpCase("a stopped gradient", [.tensor([5])], .exact, gradient: .full(.exact)) { _, x in
            [try x[0] * x[0].stoppingGradient()]
        }
        #expect(try wrong.complaintOfFiniteDifferences() != nil)
    }
}
