import Tessera
import Testing

/// What takes an index, a range or raw bytes gives nothing from outside a tensor.
@Suite struct OutOfRangeTests {
    private static let strangers: [[Int]] = [[3], [-1], [0, 100], [.max], [.min], [1, 2, .max / 4]]

    @Test(arguments: strangers) func rowsAreChecked(_ indices: [Int]) throws {
        let x = try HostTensor([3, 2], [1, 2, 3, 4, 5, 6] as [Float])
        let error = #expect(throws: GraphError.self) { try x.rows(indices[...]) }
        #expect(error?.description.contains("OutOfRangeTests.swift") == true)
        let data = try TensorDataset(inputs: x, targets: x)
        let batch = #expect(throws: GraphError.self) { try data.batch(indices[...]) }
        #expect(batch?.description.contains("no example") == true && batch?.location == nil)
        let text = try CharacterDataset(tokens: [1, 2, 3, 4, 5, 6, 7], context: 2, layout: .timeFirst)
        #expect(throws: GraphError.self) { try text.batch(indices[...]) }
    }

    @Test func rowsThatAreThere() throws {
        let x = try HostTensor([3, 2], [1, 2, 3, 4, 5, 6] as [Float])
        #expect(try x.rows([2, 0, 2]).elements() == [5, 6, 1, 2, 5, 6] as [Float])
        #expect(try x.rows([]).type == TensorType([0, 2]))
        #expect(try HostTensor(zeros: TensorType([2, 0])).rows([1, 1, 1]).type == TensorType([3, 0]))
        #expect(throws: GraphError.self) { try HostTensor(zeros: TensorType([0, 2])).rows([0]) }
        #expect(throws: GraphError.self) { try HostTensor(Float(1)).rows([0]) }
    }

    @Test func textOfAnyTokens() {
        #expect(CharacterDataset.text(of: [34, .max, .min, 0]).hasPrefix("A"))
    }

    @Test func shapesAndBytesAreChecked() throws {
        let shape: Shape = [2, 3]
        #expect(try shape.extent(1) == 3 && shape.extent(-1) == 3 && shape.extent(-2) == 2)
        for axis in [2, -3, .max, .min] { #expect(throws: GraphError.self) { try shape.extent(axis) } }
        var x = try HostTensor([2], [1, 2] as [Float])
        x.withUnsafeMutableBytes { bytes in
            #expect(bytes.count == 8)
            bytes.storeBytes(of: 5, toByteOffset: 4, as: Float.self)
        }
        #expect(try x.elements() == [1, 5] as [Float])
        let filled = try HostTensor(TensorType([2], .int32)) { bytes in
            #expect(bytes.count == 8)
            bytes.storeBytes(of: 7, as: Int32.self)
        }
        #expect(try filled.elements() == [7, 0] as [Int32])
    }

    /// Labels and indices far outside: NaN, zeros or an error, but no other memory. Parity holds what is inside.
    @Test(arguments: Place.available) func labelsAndIndicesFarOutside(on place: Place) throws {
        let executor = try place.executor()
        let wrong: [Int32] = [-1, 3, .max, .min, 1 << 30, 1]
        let graph = Graph()
        let indices = try graph.input("indices", [6], .int32)
        let table = try graph.input("table", [3, 5]), logits = try graph.input("logits", [6, 3])
        let rows = try table.embedding(indices)
        let losses = try logits.crossEntropy(labels: indices)
        let gradients = try graph.gradients(of: rows.sum() + losses.sum(), withRespectTo: [table, logits])
        let inputs = try [
            "indices": HostTensor([6], wrong), "table": HostTensor([3, 5], [Float](repeating: 2, count: 15)),
            "logits": HostTensor([6, 3], [Float](repeating: 1, count: 18)),
        ]
        let results: [HostTensor]
        do {
            results = try executor.run(
                executor.compile(graph, outputs: [rows, losses] + gradients), inputs: inputs)
        } catch is GraphError {
            return
        }
        let values: [Float] = try results[0].elements()
        for (row, index) in wrong.enumerated() {
            let part = values[(5 * row)..<(5 * row + 5)]
            #expect(part.allSatisfy { index == 1 ? $0 == 2 : $0.isNaN })
        }
        let loss: [Float] = try results[1].elements()
        #expect(loss[0] == 0 && loss[1].isNaN && loss[2].isNaN && loss[3] == 0 && loss[4].isNaN && loss[5] > 1)
        let dTable: [Float] = try results[2].elements()
        #expect(
            dTable == [Float](repeating: 0, count: 5) + [Float](repeating: 1, count: 5)
                + [Float](repeating: 0, count: 5))
    }
}
