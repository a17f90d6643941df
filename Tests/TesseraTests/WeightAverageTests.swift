import Foundation
import Tessera
import TestSupport
import Testing

/// Averages of weights, beside torch.optim.swa_utils.AveragedModel: `Tests/References/averages.py`.
@Suite struct WeightAverageTests {
    @Test(arguments: Place.available) func averagesAreThoseOfPyTorch(_ place: Place) throws {
        let reference = try PyTorchReference("averages")
        for (name, kind) in [("equal", WeightAverage.Kind.equal), ("exponential", .exponential(decay: 0.8))] {
            let inputs = try reference.tensors("input", of: name), outputs = try reference.tensors("output", of: name)
            let layer = Dense(3, 2, RandomSource(seed: 1))
            let executor = try place.executor()
            let average = WeightAverage(of: layer, kind, on: executor)
            try #require(inputs.count == 8 && outputs.count == 8)
            for time in 0..<4 {
                let weight = try #require(inputs["\(time).weight"]), bias = try #require(inputs["\(time).bias"])
                let values = try #require(layer.bias.map { [layer.weight: weight, $0: bias] })
                try executor.set(values)
                try average.update()
                #expect(try average.count == time + 1)
                try average.applied {
                    for (name, variable) in layer.namedVariables {
                        let found = try executor.value(of: variable).doubles()
                        let expected = try #require(outputs["\(time).\(name)"]).doubles()
                        let complaint = Tolerance.elementwise(1e-6, floor: 1).complaint(found, expected)
                        #expect(complaint == nil, "\(name), time \(time): \(complaint ?? "")")
                    }
                }
                #expect(try executor.value(of: layer.weight) == weight)
            }
        }
    }

    /// The average of bfloat16 numbers is kept in float32, where small steps are not lost.
    @Test func sixteenBits() throws {
        final class Model: Module {
            let scale = Variable("scale", try HostTensor(TensorType([2], .bfloat16), doubles: [256, 0]))
        }
        let executor = try Place.cpu.executor()
        let model = Model()
        let average = WeightAverage(of: model, .exponential(decay: 0.999), on: executor)
        try average.update()
        try executor.set([model.scale: HostTensor(TensorType([2], .bfloat16), doubles: [0, 1])])
        for _ in 0..<1000 { try average.update() }
        try average.applied {
            let found = try executor.value(of: model.scale).doubles()
            let kept = exp(1000 * log(0.999))
            #expect(abs(found[0] / (256 * kept) - 1) < 5e-3 && abs(found[1] - (1 - kept)) < 5e-3)
        }
        #expect(try executor.value(of: model.scale).doubles() == [0, 1])
    }

    /// Parameters are back whatever happens, and an average is a module that is saved and loaded.
    @Test func errorsAndFiles() throws {
        struct Stop: Error {}
        let executor = try Place.cpu.executor()
        let layer = Dense(3, 2, RandomSource(seed: 1))
        let line: UInt = #line + 1
        let average = WeightAverage(of: layer, .equal, on: executor)
        let early = #expect(throws: GraphError.self) { try average.applied {} }
        #expect(early?.location == SourceLocation(file: #fileID, line: line))
        let before = try executor.value(of: layer.weight)
        try average.update()
        try executor.set([layer.weight: HostTensor([2, 3], [1, 2, 3, 4, 5, 6] as [Float])])
        #expect(throws: Stop.self) { try average.applied { throw Stop() } }
        #expect(try executor.value(of: layer.weight).elements(Float.self) == [1, 2, 3, 4, 5, 6])
        #expect(average.namedVariables.map(\.name) == ["weight", "bias", "n_averaged"])

        let path = FileManager.default.temporaryDirectory.appendingPathComponent("average-\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try average.save(to: path, on: executor)
        let other = WeightAverage(of: layer, .equal, on: executor)
        try other.load(from: path, on: executor)
        #expect(try other.count == 1)
        let loaded = try other.applied { try executor.value(of: layer.weight) }
        #expect(loaded == before)

        for wrong in [-0.1, 1.1, .nan] as [Double] {
            let line: UInt = #line + 1
            let average = WeightAverage(of: layer, .exponential(decay: wrong), on: executor)
            let error = #expect(throws: GraphError.self) { try average.update() }
            #expect(error?.message.contains("decay") == true)
            #expect(error?.location == SourceLocation(file: #fileID, line: line))
        }
    }

    /// What another executor trains is averaged from there.
    @Test func anotherExecutor() throws {
        let layer = Dense(1, 1, hasBias: false, RandomSource(seed: 1))
        let (first, second) = (try Place.cpu.executor(), try Place.cpu.executor())
        let average = WeightAverage(of: layer, .equal, on: second)
        for value in [2, 4] as [Float] {
            try first.set([layer.weight: HostTensor([1, 1], [value])])
            try average.update()
        }
        #expect(try average.applied { try first.value(of: layer.weight).elements(Float.self) } == [3])
        #expect(try first.value(of: layer.weight).elements(Float.self) == [4])
    }
}
