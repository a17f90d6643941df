import TensorGraph
import TestSupport
import Testing

@Suite struct HostTensorTests {
    @Test func printsTypeAndAlignedValues() throws {
        let x = try HostTensor([2, 3], [1.5, 0, -2, 3, .nan, 10] as [Float])
        #expect(
            "\(x)" == """
                float32[2, 3]
                [[1.5,   0,  -2],
                 [  3, nan,  10]]
                """)
        #expect("\(["x": x])".contains("1.5"))
    }

    @Test func printsTruth() throws {
        #expect("\(try HostTensor([3], [true, false, true]))" == "bool[3] [ true, false,  true]")
    }

    @Test(arguments: DType.allCases.filter { $0 != .bool }) func printsEveryType(_ dtype: DType) throws {
        let x = try HostTensor(TensorType([2], dtype), doubles: [0, 3])
        #expect("\(x)" == "\(dtype)[2] [0, 3]")
        #expect("\(try HostTensor(TensorType([], dtype), doubles: [7]))" == "\(dtype)[] 7")
        #expect("\(try HostTensor(zeros: TensorType([2, 0, 3], dtype)))" == "\(dtype)[2, 0, 3] []")
        guard dtype.isFloatingPoint else { return }
        let real = try HostTensor(TensorType([4], dtype), doubles: [0.5, .infinity, -.infinity, .nan])
        #expect("\(real)" == "\(dtype)[4] [ 0.5,  inf, -inf,  nan]")
    }

    @Test func printsSixDigits() throws {
        func text(_ value: Double) -> String { "\(HostTensor(value))".replacing("float64[] ", with: "") }
        let expected: [(Double, String)] = [
            (0.1, "0.1"), (1.0 / 3, "0.333333"), (2.0 / 3, "0.666667"), (1234.5678, "1234.57"), (0.001234, "0.001234"),
            (0.0001234, "0.0001234"), (1.2345678e-5, "1.23457e-5"), (9.9999999, "10"), (99999.96, "100000"),
            (1e20, "1e20"), (1.5e300, "1.5e300"), (-2.5e-300, "-2.5e-300"), (.leastNonzeroMagnitude, "5e-324"),
            (-0.0, "-0"),
            (123456789, "123456789"), (12345678.9, "12345700"), (0.99999999, "1"), (-0.05, "-0.05"),
        ]
        for (value, wanted) in expected { #expect(text(value) == wanted) }
        #expect("\(HostTensor(Float(0.1)))" == "float32[] 0.1")
    }

    @Test func abbreviatesLargeTensors() throws {
        let x = try HostTensor([100, 50], (0..<5000).map { Int32($0) })
        let lines = "\(x)".split(separator: "\n")
        #expect(lines.count == 8)
        #expect(lines[0] == "int32[100, 50]")
        #expect(lines[1] == "[[   0,    1,    2, …,   47,   48,   49],")
        #expect(lines[4] == " …,")
        #expect(lines[7] == " [4950, 4951, 4952, …, 4997, 4998, 4999]]")
        let cube = try HostTensor([2, 2, 1], [1, 2, 3, 4] as [UInt8])
        #expect("\(cube)" == "uint8[2, 2, 1]\n[[[1],\n  [2]],\n\n [[3],\n  [4]]]")
    }

    @Test func memoryThatIsNotThereIsRefused() throws {
        for shape in [[1 << 42], [1 << 21, 1 << 21], [1 << 40, 1]] as [Shape] {
            let error = #expect(throws: GraphError.self) { try HostTensor(zeros: TensorType(shape)) }
            #expect(error?.operation == "memory")
            #expect(
                error?.description.contains("TiB") == true && error?.description.contains("HostTensorTests") == true)
        }
        let available = try #require(HostMemory.available())
        #expect(available.byteCount > 1 << 20 && available.byteCount < 1 << 46)
        #expect(HostMemory.text(of: 1023) == "1023 bytes" && HostMemory.text(of: 1536) == "1.5 KiB")
        #expect(HostMemory.text(of: .max) == "8.0 EiB")
    }

    @Test func axesAreNotMoreThanAnyoneNeeds() throws {
        func shape(_ rank: Int) -> Shape { Shape([Int](repeating: 1, count: rank)) }
        let x = try HostTensor(shape(64), [7] as [Float])
        #expect("\(x)".contains("7"))
        let error = #expect(throws: GraphError.self) { try HostTensor(shape(65), [7] as [Float]) }
        #expect(error?.description.contains("65 axes") == true)
        #expect(throws: GraphError.self) { try HostTensor(zeros: TensorType(shape(100_000))) }
        let graph = Graph()
        let one = try graph.input("x", shape(64))
        #expect(throws: GraphError.self) { try graph.input("y", shape(65)) }
        #expect(throws: GraphError.self) { try one.reshaped(to: shape(65)) }
        #expect(throws: GraphError.self) { try one.broadcast(to: shape(10_000)) }
        #expect(throws: GraphError.self) { try graph.fill(1, shape(10_000)) }
    }

    @Test func productsOfAnyExtentsAreCountable() {
        for shape in [
            [0, 1 << 40, 1 << 40], [1 << 40, 0, 1 << 40], [1 << 40, 1 << 40, 0], [.max, 0], [1, -1], [-1, 0],
        ] {
            #expect(Shape(shape).checkedElementCount == nil)
        }
        #expect(Shape([0, 1 << 40]).checkedElementCount == 0)
        #expect(Shape([.max, 2]).elementCount == .max && TensorType([.max]).byteCount == .max)
        #expect(Int.max.plus(1) == .max && Int.min.minus(1) == .min && Int.min.times(-1) == .max)
    }
}
