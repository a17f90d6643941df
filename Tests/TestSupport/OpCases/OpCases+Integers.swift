import TensorGraph

extension OpCase {
    static let integerTypes: [DType] = [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64]

    /// What integers and `bool` have, in each of these types.
    static let integers: [OpCase] = (integerTypes + [.bool]).flatMap {
        functions(of: $0) + reductions(of: $0) + movement(of: $0)
    }

    /// Every function that a type has, alone and before another, of numbers that no function takes out of the type.
    private static func functions(of dtype: DType) -> [OpCase] {
        let (least, greatest) = dtype == .bool ? (0, 1) : (dtype.isSigned ? -11 : 0, 11)
        func input(_ shape: Shape, _ range: ClosedRange<Int>) -> Input { .fixed(dtype, shape, .integers(range)) }
        let ofOne = UnaryFunction.allCases.filter { function in
            // The reference does not wrap around: of uint8, 0 - 5 is 251.
            function.refusal(dtype) == nil
                && (dtype == .bool || dtype.isSigned || ![.negate, .bitwiseNot].contains(function))
        }
        let ofTwo = BinaryFunction.allCases.filter { $0.refusal(dtype) == nil }
        let unary = ofOne.flatMap { function in
            // One layout tells of all, as they are those of floating-point types.
            (function == .absolute ? [[7], [3, 67], [0]] : [[3, 67]]).map { (shape: Shape) in
                OpCase(
                    "\(function.rawValue) of \(dtype) \(shape)", .unary(function), [input(shape, least...greatest)],
                    .exact)
            }
        }
        let binary = ofTwo.flatMap { function in
            let (a, b): (ClosedRange<Int>, ClosedRange<Int>) =
                switch function {
                case .power: (least...greatest, 0...2)
                case .subtract: dtype.isSigned ? (least...greatest, least...greatest) : (11...22, 0...11)
                case .shiftLeft: (0...3, 0...4)
                case .shiftRight: (least...greatest, 0...70)
                default: (least...greatest, least...greatest)
                }
            let shapes: [(Shape, Shape)] = [([5, 33], [33]), ([], [7]), ([3, 1], [1, 4])]
            return shapes.prefix(function == .maximum ? 3 : 1).map { left, right in
                OpCase(
                    "\(function.rawValue) of \(dtype) \(left) with \(right)", .binary(function),
                    [input(left, a), input(right, b)], .exact)
            }
        }
        let chain = OpCase(
            "choices and casts of \(dtype)", [input([3, 37], least...greatest), input([37], least...greatest)], .exact
        ) { _, x in
            let isLess = try x[0].less(than: x[1])
            let chosen = try Tensor.select(isLess, x[0], x[1])
            return try [
                chosen, isLess, Tensor.select(x[0], x[1], chosen).cast(to: .float32), chosen.cast(to: .bool),
                isLess.cast(to: dtype).maximum(x[1]).cast(to: .int64).cast(to: .int16),
            ]
        }
        return (unary + binary + [chain]).map(\.float32Only)
    }

    /// Rows, columns, matrices, nothing, and so many elements that several work-items share a result.
    private static func reductions(of dtype: DType) -> [OpCase] {
        let shapes: [(shape: Shape, first: Int, count: Int)] = [
            ([5, 33], 1, 1), ([33, 5], 0, 1), ([3, 7, 5], 1, 1), ([2, 3, 5], 0, 3), ([1], 0, 1), ([3, 0], 1, 1),
            ([2, 20_011], 1, 1), ([5003, 3], 0, 1),
        ]
        return Reduce.Function.allCases.filter { $0 != .mean }.flatMap { function in
            shapes.compactMap { shape, first, count in
                let reduce = Reduce(function, first: first, count: count)
                let isEmpty = shape.elementCount == 0
                guard !isEmpty || ![.minimum, .maximum].contains(function) else { return nil }
                // A product of so many 2s would be 2⁶⁴.
                let range =
                    switch function {
                    case .product: reduce.extents(shape).reduced > 40 ? 1...1 : 0...2
                    default: dtype == .bool ? 0...1 : (dtype.isSigned ? -100 : 0)...120
                    }
                let bounded = dtype == .bool ? range.clamped(to: 0...1) : range
                let opCase = OpCase(
                    "reduce \(function.rawValue) of \(dtype) \(shape) axes \(first)..<\(first + count)",
                    .reduce(reduce),
                    [.fixed(dtype, shape, .integers(bounded))], .exact
                ).float32Only
                return shape.elementCount > 4096 ? opCase.large : opCase
            }
        }
    }

    /// Elements of every size on their way: whole vectors of them, and some more.
    private static func movement(of dtype: DType) -> [OpCase] {
        let range = dtype == .bool ? 0...1 : 0...100
        func moved(
            _ name: String, _ shapes: [Shape], _ move: @escaping @Sendable ([Tensor]) throws -> [Tensor]
        ) -> OpCase {
            OpCase("\(name) of elements of \(dtype)", shapes.map { .fixed(dtype, $0, .integers(range)) }, .exact) {
                try move($1)
            }
            .float32Only
        }
        return [
            moved("transpose", [[37, 41], [3, 5, 7]]) {
                try [$0[0].transposed([1, 0]), $0[1].transposed([2, 0, 1])]
            },
            moved("slices", [[5, 67]]) {
                try [
                    $0[0].sliced(axis: 1, 3..<60), $0[0].sliced(axis: 1, 0..<67, step: 3),
                    $0[0].sliced(axis: 1, from: nil, to: nil, step: -2),
                ]
            },
            moved("pad and broadcast", [[3, 19], [7, 1]]) {
                try [$0[0].padded(before: [1, 3], after: [2, 0]), $0[1].broadcast(to: [2, 7, 5])]
            },
            moved("concatenate", [[3, 19], [3, 5]]) { try [Tensor.concatenated($0, axis: 1)] },
            OpCase(
                "gather and scatter of \(dtype)",
                [.fixed(dtype, [9, 21], .integers(range)), .int32([5], .values([-9, 3, 0, 8, 4]))], .exact
            ) { _, x in
                let gathered = try x[0].indexSelect(x[1], axis: 0)
                return [
                    gathered, try x[0].indexCopy(x[1], gathered.sliced(axis: 0, from: nil, to: nil, step: -1), axis: 0),
                ]
            }.float32Only,
            OpCase("sort of elements of \(dtype)", [.fixed(dtype, [3, 37], .integers(range))], .exact) { _, x in
                let (sorted, top) = (try x[0].sort(), try x[0].topK(5))
                return [sorted.values, sorted.indices, top.values, top.indices]
            }.float32Only,
            OpCase("arg max and min of \(dtype)", [.fixed(dtype, [3, 7, 5], .integers(range))], .exact) { _, x in
                try [x[0].argMax(), x[0].argMax(axis: 1, keepsDimensions: true), x[0].argMin(axis: 0), x[0].argMin()]
            }.float32Only,
        ]
    }
}
