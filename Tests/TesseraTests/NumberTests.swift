import Execution
import Tessera
import TestSupport
import Testing

/// One rule for numbers that a type cannot hold, for every function, fused or not, on every path.
@Suite struct NumberTests {
    static let devices = Place.available.filter { $0 != .reference }

    /// Each way in which a number meets a tensor, with the line that the error should give where there is one.
    private static let uses: [(name: String, use: @Sendable (Tensor, Double) throws -> Tensor)] = [
        ("x + n", { try $0 + $1 }), ("n + x", { try $1 + $0 }), ("x - n", { try $0 - $1 }), ("n - x", { try $1 - $0 }),
        ("x * n", { try $0 * $1 }), ("n * x", { try $1 * $0 }), ("x / n", { try $0 / $1 }), ("n / x", { try $1 / $0 }),
        ("greater", { try $0.greater(than: $1) }), ("power", { try $0.power($1) }),
        ("clamped below", { try $0.clamped(to: $1...Double.infinity) }),
        ("clamped above", { try $0.clamped(to: 0...max(0, $1)) }),
        ("fill", { try $0.graph.fill($1, [3], $0.dtype) }),
    ]

    private static let unheld: [(DType, [Double])] = [
        (DType.int32, [0.5, -0.5, 2.5, 1e-300, 3e9, -3e9, 2_147_483_648, .infinity, .nan]),
        (.int64, [0.5, 1e19, -1e19, 0x1p63, 0x1p53 + 2, .infinity, .nan]),
        (.uint8, [0.9, 256, 300, -1, .nan]), (.int8, [128, -129, 0.5]), (.int16, [32768, -32769]),
        (.uint16, [65536, -1]), (.uint32, [0x1p32, -1]), (.uint64, [-1, 0x1p53 + 2, .nan]),
        (.float16, [70000, -65520, 1e39]), (.bfloat16, [3.4e38, 1e39]),
        (.float32, [1e39, -1e300]),
    ]

    @Test("A number that a type cannot hold is an error", arguments: unheld)
    func unheldNumbers(_ dtype: DType, _ numbers: [Double]) throws {
        for number in numbers {
            for (name, use) in Self.uses where !(name.hasPrefix("clamped") && (number.isNaN || number < 0)) {
                let graph = Graph()
                let x = try graph.input("x", [3], dtype)
                do {
                    _ = try use(x, number)
                    Issue.record("\(name) of \(dtype) takes \(number)")
                } catch let error as GraphError {
                    #expect(error.message.contains("cast") || error.message.contains("int64"), "\(error)")
                    #expect(
                        error.message.contains(dtype.rawValue) && error.location?.file.contains("NumberTests") == true)
                }
            }
        }
    }

    @Test("Numbers that a type holds are taken as they are", arguments: devices)
    func heldNumbers(_ place: Place) throws {
        let executor = try place.executor()
        let held: [(DType, [Double])] = [
            (.int32, [0, -0.0, 7, -2_147_483_648, 2_147_483_647]), (.int64, [0x1p53, -0x1p53, 5]),
            (.uint8, [0, 255, 5]), (.int8, [-128, 127]), (.int16, [-32768, 32767]), (.uint16, [65535, 0]),
            (.uint32, [0x1p32 - 1, 7]), (.uint64, [0x1p53, 0]),
            (.float16, [65504, 0.1, .infinity, -.infinity, .nan, 1e-9]), (.bfloat16, [3.3e38, 0.1, .nan]),
            (.float32, [3.4e38, 1e-50, .infinity]), (.float64, [1e300, 0.1]),
        ]
        for (dtype, numbers) in held {
            for number in numbers {
                let graph = Graph()
                let x = try graph.input("x", [2], dtype)
                let filled = try graph.fill(number, [2], dtype)
                // Alone, and as a number of a chain.
                let outputs = try [filled, x + filled, x * 1 + number, x.maximum(x + number)]
                let zero = try HostTensor(x.type, doubles: [0, 0])
                let found = try executor.run(executor.compile(graph, outputs: outputs), inputs: ["x": zero])
                let expected = try HostTensor(x.type, doubles: [number, number]).doubles()[0]
                for value in found[..<3] {
                    let first = value.doubles()[0]
                    #expect(first == expected || first.isNaN && expected.isNaN, "\(dtype) \(number): \(first)")
                }
                let greatest = found[3].doubles()[0]
                #expect(greatest == max(0, expected) || greatest.isNaN && expected.isNaN, "\(dtype) \(number)")
            }
        }
    }

    private static let extremes: [Double] = [
        0, -0.0, 0.9, -0.9, 2.7, -2.7, 254.9, 255.5, 300, -1, -300, 2_147_483_520, 2_147_483_648, 3e9, -2_147_483_648,
        -3e9, 1e18, 9.3e18, -9.3e18, 1e30, -1e30, .infinity, -.infinity, .nan,
    ]

    @Test("A cast to an integer saturates and makes NaN 0, alone, in a chain and of a number", arguments: devices)
    func casts(_ place: Place) throws {
        let executor = try place.executor()
        let ranges: [(DType, Double, Double)] = [
            (.uint8, 0, 255), (.int32, -2_147_483_648, 2_147_483_647), (.int64, -0x1p63, 0x1p63),
            (.int8, -128, 127), (.int16, -32768, 32767), (.uint16, 0, 65535), (.uint32, 0, 4_294_967_295),
            (.uint64, 0, 0x1p64),
        ]
        for source in [DType.float32, .float64, .bfloat16, .float16] {
            let graph = Graph()
            let x = try graph.input("x", [Self.extremes.count], source)
            let value = try HostTensor(x.type, doubles: Self.extremes)
            for (dtype, lower, upper) in ranges {
                let expected = value.doubles().map { $0.isNaN ? 0 : min(max($0, lower), upper).rounded(.towardZero) }
                let outputs = try [
                    x.cast(to: dtype), x.absolute().maximum(x).minimum(x).cast(to: dtype) * 1,
                    Tensor.select(x.equal(to: x), x, x).cast(to: dtype).cast(to: .float64),
                ]
                let found = try executor.run(executor.compile(graph, outputs: outputs), inputs: ["x": value])
                #expect(found[0].doubles() == expected, "\(source) to \(dtype)")
                #expect(found[1].doubles() == expected, "\(source) to \(dtype)")
                #expect(found[2].doubles() == expected, "\(source) to \(dtype)")
                for (index, number) in value.doubles().enumerated() where source != .float16 {
                    let graph = Graph()
                    let cast = try graph.fill(number, [1], source).cast(to: dtype)
                    let found = try executor.run(executor.compile(graph, outputs: [cast]))[0].doubles()
                    #expect(found == [expected[index]], "\(number) of \(source) to \(dtype)")
                }
            }
        }
    }

    @Test("Integers wrap around, and division by zero gives zero, alone and in a chain", arguments: devices)
    func integerArithmetic(_ place: Place) throws {
        let executor = try place.executor()
        func check<Element: FixedWidthInteger & TensorElement>(_: Element.Type) throws {
            var some: [Element] = [.min, .min + 1, 0, 1, 2, 7, .max / 2, .max - 1, .max, .max / 3]
            if Element.isSigned { some += [0 &- 1, 0 &- 7] }
            let a = some.flatMap { element in some.map { _ in element } }
            let b = some.flatMap { _ in some }
            let graph = Graph()
            let x = try graph.input("a", [a.count], Element.dtype), y = try graph.input("b", [a.count], Element.dtype)
            let outputs = try [
                x + y, x - y, x * y, x / y, -x, x.absolute(), x.square(), x.maximum(y), x.minimum(y), x.sign(),
                x.bitwiseNot(), x.bitwiseAnd(y), x.bitwiseOr(y), x.bitwiseExclusiveOr(y), x.shiftedLeft(by: y),
                x.shiftedRight(by: y), x.remainder(y), x.truncatedRemainder(y),
            ]
            let chains = try outputs.map { try ($0 * 3 + x) / 2 }
            let inputs = ["a": try HostTensor([a.count], a), "b": try HostTensor([a.count], b)]
            func quotient(_ a: Element, _ b: Element) -> Element {
                b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
            }
            func remainder(_ a: Element, _ b: Element) -> Element {
                b == 0 ? a : a.remainderReportingOverflow(dividingBy: b).partialValue
            }
            let expected: [[Element]] = [
                zip(a, b).map { $0 &+ $1 }, zip(a, b).map { $0 &- $1 }, zip(a, b).map { $0 &* $1 },
                zip(a, b).map(quotient), a.map { 0 &- $0 }, a.map { $0 < 0 ? 0 &- $0 : $0 }, a.map { $0 &* $0 },
                zip(a, b).map(max), zip(a, b).map(min), a.map { $0 > 0 ? 1 : $0 < 0 ? 0 &- 1 : 0 },
                a.map { ~$0 }, zip(a, b).map { $0 & $1 }, zip(a, b).map { $0 | $1 }, zip(a, b).map { $0 ^ $1 },
                // Swift's smart shift goes the other way by a negative number.
                zip(a, b).map { $1 < 0 ? 0 : $0 << $1 }, zip(a, b).map { $1 < 0 ? ($0 < 0 ? 0 &- 1 : 0) : $0 >> $1 },
                zip(a, b).map { a, b in
                    let r = remainder(a, b)
                    return b != 0 && r != 0 && (r < 0) != (b < 0) ? r + b : r
                }, zip(a, b).map(remainder),
            ]
            let lone = try executor.run(executor.compile(graph, outputs: outputs), inputs: inputs)
            for (found, expected) in zip(lone, expected) { #expect(try found.elements(Element.self) == expected) }
            let fused = try executor.run(executor.compile(graph, outputs: chains), inputs: inputs)
            for (found, expected) in zip(fused, expected) {
                #expect(try found.elements(Element.self) == zip(expected, a).map { quotient($0 &* 3 &+ $1, 2) })
            }
        }
        try check(Int8.self)
        try check(Int16.self)
        try check(Int32.self)
        try check(Int64.self)
        try check(UInt8.self)
        try check(UInt16.self)
        try check(UInt32.self)
        try check(UInt64.self)
    }

    @Test("Sums of integers have 64 bits, of bool too", arguments: devices)
    func integerSums(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [3, 2], .int32), small = try graph.input("s", [2, 300], .uint8)
        let outputs = try [
            x.sum(), x.sum(axes: [0]), x.product(axes: [1]), small.sum(axes: [1]),
            small.equal(to: graph.fill(200, [], .uint8)).sum(), x.maximum(), x.minimum(axes: [1]),
        ]
        #expect(outputs.map(\.dtype) == [.int64, .int64, .int64, .int64, .int64, .int32, .int32])
        let found = try executor.run(
            executor.compile(graph, outputs: outputs),
            inputs: [
                "x": HostTensor([3, 2], [.max, 2, .max, 3, .max, .min] as [Int32]),
                "s": HostTensor([2, 300], [UInt8](repeating: 200, count: 600)),
            ])
        let greatest = Int64(Int32.max), least = Int64(Int32.min)
        #expect(
            try found[..<5].map { try $0.elements(Int64.self) } == [
                [3 * greatest + 5 + least], [3 * greatest, 5 + least], [2 * greatest, 3 * greatest, greatest * least],
                [60_000, 60_000], [600],
            ])
        #expect(try found[5...].map { try $0.elements(Int32.self) } == [[.max], [2, 3, .min]])
        #expect(throws: GraphError.self) { try x.mean() }
    }

    @Test("Truth is a type of its own: logic, masks, counts", arguments: devices)
    func truth(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [5])
        let mask = try graph.input("m", [5], .bool)
        let isPositive = try x.greater(than: 0)
        let outputs = try [
            isPositive, isPositive.bitwiseAnd(mask), isPositive.bitwiseOr(mask), mask.bitwiseNot(), x.isNaN(),
            x.isInfinite(), x.cast(to: .bool), Tensor.select(mask, isPositive, mask.bitwiseNot()),
        ]
        #expect(outputs.allSatisfy { $0.dtype == .bool })
        let found = try executor.run(
            executor.compile(graph, outputs: outputs),
            inputs: [
                "x": HostTensor([5], [1, -1, 0, .nan, .infinity] as [Float]),
                "m": HostTensor([5], [true, true, false, false, true]),
            ])
        #expect(
            try found.map { try $0.elements(Bool.self) } == [
                [true, false, false, false, true], [true, false, false, false, true], [true, true, false, false, true],
                [false, false, true, true, false], [false, false, false, true, false],
                [false, false, false, false, true], [true, true, false, true, true], [true, false, true, true, true],
            ])
        #expect(found[0].description == "bool[5] [ true, false, false, false,  true]")
        for refused in [{ try mask + mask }, { try -mask }, { try mask.sum() * x }] as [() throws -> Tensor] {
            #expect(throws: GraphError.self) { try refused() }
        }
    }

    @Test("Between integer types the low bits are kept", arguments: devices)
    func integerCasts(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [4], .int32), wide = try graph.input("w", [3], .int64)
        let outputs = try [
            x.cast(to: .uint8), (x + 1).cast(to: .uint8).cast(to: .int32), wide.cast(to: .int32),
            graph.fill(300, [1], .int32).cast(to: .uint8), graph.fill(-1, [1], .int32).cast(to: .uint8),
            graph.fill(0x1p32 + 5, [1], .int64).cast(to: .int32),
        ]
        let found = try executor.run(
            executor.compile(graph, outputs: outputs),
            inputs: [
                "x": HostTensor([4], [300, -1, 255, -257] as [Int32]),
                "w": HostTensor([3], [1 << 32 + 5, -1, .max] as [Int64]),
            ])
        #expect(found.map { $0.doubles() } == [[44, 255, 255, 255], [45, 0, 0, 0], [5, -1, -1], [44], [255], [5]])
    }

    /// A mean over more elements than float16 has numbers for is differentiated all the same.
    @Test(arguments: devices) func theSlopeOfALongMeanInFloat16(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [100_000], .float16)
        let gradient = try graph.gradients(of: x.mean(), withRespectTo: [x])[0]
        let found = try executor.run(
            executor.compile(graph, outputs: [gradient]), inputs: ["x": HostTensor(filledWith: 1, x.type)])[0]
        #expect(found.doubles().allSatisfy { abs($0 - 1e-5) < 6e-8 })
    }

    /// Equal nodes, and equal steps of a chain, are computed once; what has 0 and what has -0 is not equal.
    @Test(arguments: devices) func zeroAndMinusZeroAreTwoNumbers(on place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [3])
        let (plus, minus) = try (x * 0, x * -0.0)
        let apart = try 1 / plus - 1 / minus
        let plan = try executor.compile(graph, outputs: [plus, minus, apart])
        let results = try executor.run(plan, inputs: ["x": HostTensor([3], [1, 2, 3] as [Float])])
        #expect(try results[0].elements(Float.self).map(\.sign) == [.plus, .plus, .plus])
        #expect(try results[1].elements(Float.self).map(\.sign) == [.minus, .minus, .minus])
        #expect(try results[2].elements(Float.self) == [.infinity, .infinity, .infinity])
        // The same in one chain, whose steps nobody else reads.
        let alone = try executor.compile(graph, outputs: [apart])
        #expect(
            try executor.run(alone, inputs: ["x": HostTensor([3], [1, 2, 3] as [Float])])[0].elements(Float.self)
                == [.infinity, .infinity, .infinity])
    }
}
