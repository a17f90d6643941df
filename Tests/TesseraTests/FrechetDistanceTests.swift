import Tessera
import Testing

/// Fréchet distances beside scipy's: `Tests/References/frechet.py`.
@Suite struct FrechetDistanceTests {
    @Test func distancesAreScipysWhateverTheBatches() throws {
        let reference = try PyTorchReference("frechet")
        #expect(reference.names == ["alike", "large offsets", "of small numbers", "shifted", "two features"])
        for name in reference.names {
            let inputs = try reference.tensors("input", of: name)
            let wanted = try #require(try reference.tensors("output", of: name)["distance"]).elements(Double.self)[0]
            let (generated, real) = (try #require(inputs["prediction"]), try #require(inputs["target"]))
            for batch in [1, 7, 1000] {
                var (whole, rest) = (FrechetDistance(), FrechetDistance())
                for (number, first) in stride(from: 0, to: generated.shape[0], by: batch).enumerated() {
                    let rows = Array(first..<min(first + batch, generated.shape[0]))[...]
                    let pair = [try generated.rows(rows), try real.rows(rows)]
                    if number < 3 { try whole.add(pair) } else { try rest.add(pair) }
                }
                whole.merge(rest)
                #expect(
                    (whole.value - wanted).magnitude <= 1e-9 * max(wanted, 1e-6),
                    "\(name), batches of \(batch): \(whole.value), not \(wanted)")
            }
        }
    }

    @Test func theMetricIsTheSameOnEveryDevice() throws {
        let inputs = try PyTorchReference("frechet").tensors("input", of: "shifted")
        var alone = FrechetDistance()
        try alone.add([try #require(inputs["prediction"]), try #require(inputs["target"])])
        for place in Place.available where place != .reference {
            let trainer = Trainer(
                Sequential(), groups: [], on: try place.executor(),
                step: { _, batch in [try .metric(.frechetDistance, batch["prediction"], batch["target"])] })
            let value = try trainer.evaluate(TensorDataset(inputs), batchSize: 32).metric ?? .nan
            #expect((value - alone.value).magnitude <= 1e-9 * alone.value, "\(place)")
        }
    }

    /// Rows of so many features that depend on each other.
    private func rows(_ count: Int, _ features: Int, seed: UInt64) throws -> HostTensor {
        try RandomSource(seed: seed).normal([count, features])
    }

    private func distance(_ generated: HostTensor, _ real: HostTensor) throws -> Double {
        var state = FrechetDistance()
        try state.add([generated, real])
        return state.value
    }

    /// Fewer examples than features, or examples that are all the same, have covariances without an inverse.
    @Test func singularCovariancesHaveADistance() throws {
        let few = try rows(5, 20, seed: 1)
        #expect(try distance(few, few) < 1e-6)
        let same = try HostTensor([3, 20], [Float](repeating: 2, count: 60))
        #expect(try distance(same, same) == 0)
        let real = try rows(200, 20, seed: 2)
        // Σ₁ is 0: what is left is the distance of the means and the trace of the other covariance.
        let numbers = try real.elements(Float.self).map(Double.init)
        var expected = 0.0
        for feature in 0..<20 {
            let column = (0..<200).map { numbers[20 * $0 + feature] }
            let mean = column.reduce(0, +) / 200
            expected += column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 199 + (mean - 2) * (mean - 2)
        }
        #expect((try distance(same, real) - expected).magnitude < 1e-9 * expected)
        var state = FrechetDistance()
        #expect(state.realVariance.isNaN)
        try state.add([same, real])
        #expect(state.realVariance > 0 && state.value >= state.realVariance)
    }

    @Test func whatIsNotDefinedIsNaN() throws {
        let real = try rows(9, 3, seed: 3)
        #expect(FrechetDistance().value.isNaN)
        #expect(try distance(rows(1, 3, seed: 4), real).isNaN && distance(real, rows(0, 3, seed: 4)).isNaN)
        for wrong in [Float.nan, .infinity] {
            #expect(try distance(HostTensor([2, 3], [1, 2, 3, 4, wrong, 6]), real).isNaN)
        }
        #expect(try distance(HostTensor(zeros: TensorType([4, 0])), HostTensor(zeros: TensorType([4, 0]))).isNaN)
        var state = FrechetDistance()
        try state.add([real, real])
        #expect { try state.add([rows(2, 4, seed: 5), rows(2, 4, seed: 5)]) } throws: {
            "\($0)".contains("as many features as before")
        }
        #expect { try state.add([rows(2, 3, seed: 5), rows(2, 4, seed: 5)]) } throws: {
            "\($0)".contains("FrechetDistance")
        }
    }
}
