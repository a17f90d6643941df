import Tessera
import Testing

/// Examples mixed two by two: targets say by how much, and inputs are mixed by as much.
@Suite struct MixingTests {
    /// Images in which every number tells the example: `i` everywhere, of class `i % 3`.
    private func batch(count: Int = 6) throws -> Batch {
        let numbers = (0..<count).flatMap { [Float](repeating: Float($0), count: 2 * 8 * 10) }
        return Batch(
            input: try HostTensor([count, 2, 8, 10], numbers),
            target: try HostTensor([count], (0..<count).map { Int32($0 % 3) }), count: count)
    }

    @Test func inputsAndTargetsHaveTheSameShares() throws {
        let batch = try batch()
        var shares: [Float] = []
        for seed in 0..<40 {
            let mixed = try batch.mixedUp(alpha: 0.4, classes: 3, RandomSource(seed: UInt64(seed)))
            #expect(try mixed.count == 6 && mixed.input.shape == batch.input.shape && mixed.target.shape == [6, 3])
            let (input, target) = (try mixed.input.elements(Float.self), try mixed.target.elements(Float.self))
            for row in 0..<6 {
                let numbers = input[(160 * row)..<(160 * row + 160)]
                #expect(Set(numbers).count == 1)
                let wanted = target[(3 * row)..<(3 * row + 3)]
                #expect(abs(wanted.reduce(0, +) - 1) < 1e-6)
                // x = λ·row + (1 - λ)·other, with λ the target's share of its own class where the other's is another.
                let share = target[3 * row + row % 3]
                guard share < 1 else { continue }
                shares.append(share)
                let other = (numbers[160 * row] - share * Float(row)) / (1 - share)
                let isWhole = abs(other - other.rounded()) * (1 - share) < 1e-5
                #expect(isWhole && (0..<6).contains(Int(other.rounded())))
                #expect(wanted[3 * row + Int(other.rounded()) % 3] == 1 - share || Int(other.rounded()) % 3 == row % 3)
            }
        }
        // A beta distribution of 0.4 has a deviation of √(1/7.2), and a mean of 1/2.
        let firsts = Set(shares).map(Double.init)
        let mean = firsts.reduce(0, +) / Double(firsts.count)
        #expect(firsts.count > 25 && abs(mean - 0.5) < 0.25)
    }

    @Test func boxesHaveTheSharesOfTargets() throws {
        let batch = try batch()
        var areas: Set<Float> = []
        for seed in 0..<40 {
            let mixed = try batch.cutMixed(classes: 3, RandomSource(seed: UInt64(seed)))
            let (input, target) = (try mixed.input.elements(Float.self), try mixed.target.elements(Float.self))
            for row in 0..<6 {
                let numbers = Array(input[(160 * row)..<(160 * row + 160)])
                let foreign = numbers.indices.filter { numbers[$0] != Float(row) }
                #expect(Set(foreign.map { numbers[$0] }).count <= 1)
                guard let first = foreign.first else { continue }
                // The same box in both channels, without holes.
                let plane = foreign.filter { $0 < 80 }
                #expect(plane.map { $0 + 80 } == foreign.filter { $0 >= 80 })
                let (rows, columns) = (Set(plane.map { $0 / 10 }), Set(plane.map { $0 % 10 }))
                #expect(rows.count * columns.count == plane.count)
                #expect(rows.count == (rows.max() ?? 0) - (rows.min() ?? 0) + 1)
                let share = 1 - Float(plane.count) / 80
                areas.insert(share)
                let other = Int(numbers[first]) % 3
                let expected = other == row % 3 ? 1 : share
                #expect(abs(target[3 * row + row % 3] - expected) < 1e-6)
            }
        }
        #expect(areas.count > 10)
    }

    @Test func theSameSeedMixesTheSame() throws {
        let batch = try batch()
        for mix in [
            { try batch.mixedUp(classes: 3, RandomSource(seed: $0)) },
            { try batch.cutMixed(classes: 3, RandomSource(seed: $0)) },
        ] as [(UInt64) throws -> Batch] {
            #expect(try mix(3).tensors == mix(3).tensors)
            #expect(try mix(3).tensors != mix(4).tensors)
        }
    }

    @Test func sharesAreMixedAsTheyAre() throws {
        let shares = try HostTensor([2, 2], [1, 0, 0, 1] as [Float])
        for seed in 0..<8 {
            let mixed = try Batch(input: shares, target: shares, count: 2).mixedUp(RandomSource(seed: UInt64(seed)))
            #expect(try mixed.input == mixed.target)
        }
        for alpha in [1e-300, 1e-3, 1e300] {
            let mixed = try Batch(input: shares, target: shares, count: 2).mixedUp(alpha: alpha, RandomSource(seed: 1))
            #expect(try mixed.input.elements(Float.self).allSatisfy { (0...1).contains($0) })
        }
        let none = try HostTensor(zeros: TensorType([0, 1, 2, 2]))
        let labels = try HostTensor(zeros: TensorType([0], .int32))
        let empty = try Batch(input: none, target: labels, count: 0).cutMixed(classes: 2, RandomSource(seed: 1))
        #expect(try empty.target.shape == [0, 2])
    }

    @Test func whatMakesNoSense() throws {
        let batch = try batch()
        let random = RandomSource(seed: 1)
        func check(_ message: String, line: UInt = #line, _ body: () throws -> Batch) {
            let error = #expect(throws: GraphError.self) { try body() }
            #expect(error?.message.contains(message) == true, "\(error as Any)")
            #expect(error?.location == SourceLocation(file: #fileID, line: line), "\(error as Any)")
        }
        for wrong in [0, -1, .nan, .infinity] as [Double] {
            check("alpha") { try batch.mixedUp(alpha: wrong, classes: 3, random) }
            check("alpha") { try batch.cutMixed(alpha: wrong, classes: 3, random) }
        }
        check("number of classes") { try batch.mixedUp(random) }
        check("number of classes") { try batch.mixedUp(classes: -1, random) }
        check("the label 2 is none of 2 classes") { try batch.mixedUp(classes: 2, random) }
        check("memory") { try batch.mixedUp(classes: .max, random) }
        let rows = try HostTensor(zeros: TensorType([6, 2]))
        let whole = try HostTensor(zeros: TensorType([6, 2], .int32))
        check("[count, channels, height, width]") { try Batch(input: rows, target: rows, count: 6).cutMixed(random) }
        check("float32") { try Batch(input: whole, target: rows, count: 6).mixedUp(random) }
        check("labels") { try Batch(input: rows, target: whole, count: 6).mixedUp(random) }
        check("target") { try Batch(["input": rows], count: 6).mixedUp(random) }
        let five = try HostTensor(zeros: TensorType([5, 2]))
        check("as many rows") { try Batch(input: rows, target: five, count: 6).mixedUp(random) }
    }
}
