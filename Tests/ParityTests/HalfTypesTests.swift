import Execution
import Foundation
import ParityRunner
import TensorGraph
import TestSupport
import Testing

/// Float16 and bfloat16 are types of every family of kernels.
@Suite(.serialized) struct HalfTypesTests {
    /// No node of the cases in them is left to the CPU path.
    @Test func everyNodeIn16BitsRunsOnOpenCL() throws {
        let cases = OpCase.all.filter { $0.halfRoundings != nil && !$0.isLarge }
        let support = try OperationSupport(cases)
        #expect(support.declinedIn16Bits.isEmpty, "\(support.declinedIn16Bits)")
        let kinds: Set<OpKind> = [
            .softmax, .softmaxGradient, .logSoftmax, .logSoftmaxGradient, .crossEntropy, .crossEntropyGradient,
            .layerNorm, .layerNormGradient, .rmsNorm, .rmsNormGradient, .groupNorm, .groupNormGradient, .batchNorm,
            .batchNormGradient, .maxPool, .maxPoolGradient, .averagePool, .averagePoolGradient, .reduce, .argMax,
            .embedding, .embeddingGradient, .gather, .scatter, .scan, .sort,
            .transpose, .concatenate, .slice, .pad, .dropout, .elementwise, .matMul, .convolution, .attention,
        ]
        #expect(kinds.isSubset(of: support.kindsIn16Bits), "\(kinds.subtracting(support.kindsIn16Bits))")
    }

    /// A step of training with all parameters in 16 bits, built and run: normalisation, pooling, softmax, a loss, reductions, the
    /// gradient and the update.
    @Test(arguments: [DType.float16, .bfloat16]) func aStepRunsWithoutTheCPUPath(_ dtype: DType) throws {
        for device in try ParityDevice.all(.both) where device.name != "cpu" {
            let graph = Graph()
            func variable(_ name: String, _ shape: Shape) throws -> Variable {
                Variable(name, try HostTensor(filledWith: 0.75, TensorType(shape, dtype)))
            }
            let x = try graph.input("x", [4, 6, 8, 10], dtype)
            let labels = try graph.input("labels", [24], .int32)
            let variables = try [variable("channels", [6]), variable("width", [4])]
            let (channels, width) = try (graph.read(variables[0]), graph.read(variables[1]))
            let planes = try x.batchNorm(scale: channels, bias: channels).normalized
                .groupNorm(groups: 3, scale: channels, bias: channels)
                .maxPool2D(window: 2).averagePool2D(window: 2, stride: 1)
            let rows = try planes.layerNorm(scale: width, bias: width).rmsNorm(scale: width).softmax()
            let logits = try (rows.maximum(axes: [2]) + rows.product(axes: [2])).reshaped(to: [24, 4]).logSoftmax()
            let loss = try logits.crossEntropy(labels: labels).mean() + rows.sum() * 0.125
            let gradients = try graph.gradients(of: loss, withRespectTo: [channels, width])
            let updates = try zip(variables, gradients).map { ($0, try graph.read($0) - 0.1 * $1) }
            let executor = try device.executor(isolatesTensors: false)
            let plan = try executor.compile(
                graph, outputs: [loss, logits.argMax().cast(to: dtype)], updates: updates)
            let schedule = try #require(plan.deviceSchedule)
            for (node, choice) in zip(schedule.computation.nodes, schedule.placement.choices) {
                #expect(choice.map { $0.backend == 0 && $0.refusals.isEmpty } ?? true, "\(node.op.name) on \(device)")
            }
            let numbers = (0..<x.shape.elementCount).map { Double($0 % 17) / 8 - 1 }
            let results = try executor.run(
                plan,
                inputs: ["x": HostTensor(x.type, doubles: numbers), "labels": HostTensor(filledWith: 1, labels.type)])
            // A loss of four classes that are nearly alike, and an eighth of the sum of 72 rows of probabilities.
            #expect(results[0].type.dtype == dtype)
            #expect(abs(results[0].doubles()[0] - (Foundation.log(4) + 9)) < 0.5)
            for variable in variables {
                #expect(try executor.value(of: variable).doubles().allSatisfy(\.isFinite))
            }
        }
    }
}
