import TensorGraph

extension OpCase {
    static let embeddings: [OpCase] = {
        var cases: [OpCase] = []
        let rows: [(rows: Int, width: Int, indices: Shape, data: TestData)] = [
            (1, 1, [1], .integers(0...0)), (7, 5, [11], .integers(0...6)), (17, 33, [3, 5], .integers(0...16)),
            (5, 3, [], .values([2])),
            (3, 7, [31], .integers(0...2)), (4, 5, [0], .integers(0...3)), (5, 0, [3], .integers(0...4)),
            (9, 1, [2, 2, 3], .integers(0...8)),
            // The same row every time.
            (6, 17, [19], .values([3])),
        ]
        for row in rows {
            cases.append(
                OpCase(
                    "embedding \(row.rows)×\(row.width) at \(row.indices)", .embedding,
                    [.tensor([row.rows, row.width]), .int32(row.indices, row.data)], .exact,
                    gradient: .full(.elementwiseGradient)))
        }
        cases += [
            OpCase(
                "embedding out of range", .embedding,
                [.tensor([4, 3]), .int32([6], .values([0, -1, 4, 3, 2_000_000_000, -2_000_000_000]))], .exact,
                gradient: .parity(.elementwiseGradient)),
            OpCase(
                "embedding of an empty table", .embedding, [.tensor([0, 3]), .int32([2], .values([0, 1]))], .exact),
            OpCase(
                "embeddingGradient with repetitions", .embeddingGradient(EmbeddingGradient(rows: 6)),
                [.int32([5, 7], .integers(-1...6)), .tensor([5, 7, 9])], .normwise(1e-6)),
            OpCase(
                "embeddingGradient of small integers", .embeddingGradient(EmbeddingGradient(rows: 5)),
                [.int32([37], .integers(0...4)), .tensor([37, 4], .integers(-9...9))], .exact, gradient: .full(.exact)),
            OpCase(
                "embeddingGradient of an empty table", .embeddingGradient(EmbeddingGradient(rows: 0)),
                [.int32([3], .values([0, 1, 2])), .tensor([3, 2])], .exact),
            OpCase(
                "embedding 1000×65 at [33, 17]", .embedding,
                [.tensor([1000, 65]), .int32([33, 17], .integers(0...999))], .exact,
                gradient: .parity(.elementwiseGradient)
            ).large,
            OpCase(
                "embedding 10×129 at [2050]", .embedding, [.tensor([10, 129]), .int32([2050], .integers(0...9))],
                .exact,
                gradient: .parity(.elementwiseGradient)
            ).large,
        ]
        cases = cases.map { each in
            each.name.hasPrefix("embeddingGradient") ? each.inHalf(roundings: 1, backward: 0) : each.movedInHalf()
        }
        // Products of a small table's rows, which are done on the table itself.
        for (transposes, hasBias) in [(false, false), (true, false), (false, true), (true, true)] {
            let weight: Shape = transposes ? [5, 65] : [65, 5]
            cases.append(
                OpCase(
                    "embedding times a matrix\(transposes ? " bᵀ" : "")\(hasBias ? " bias" : "")",
                    [.tensor([7, 65]), .int32([3, 6], .integers(0...6)), .tensor(weight)]
                        + (hasBias ? [.tensor([5])] : []),
                    .product(65), gradient: .full(.product(90))
                ) { _, x in
                    let product = try x[0].embedding(x[1]).matMul(x[2], transposeOther: transposes)
                    return [hasBias ? try product + x[3] : product]
                }.inHalf(roundings: 2, backward: 3))
        }
        cases.append(
            OpCase(
                "embedding times a matrix, out of range",
                [.tensor([3, 64]), .int32([7], .values([0, -1, 2, 3, 1, 1, 9])), .tensor([64, 4])], .product(64)
            ) { _, x in [try x[0].embedding(x[1]).matMul(x[2])] })
        return cases
    }()
}
