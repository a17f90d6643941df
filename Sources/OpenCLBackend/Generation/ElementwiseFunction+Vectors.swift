import TensorGraph

extension ElementwiseFunction {
    /// Macros that ``vectorLoop(reading:from:to:)`` reads and writes the last, partial vector by.
    static let lanes = """
        #if VECTOR_WIDTH == 1
        #define LANES_LOAD(lanes) (*(lanes))
        #define LANES_STORE(value, lanes) (*(lanes) = (value))
        #else
        #define LANES_LOAD(lanes) VLOAD(0, lanes)
        #define LANES_STORE(value, lanes) VSTORE(value, 0, lanes)
        #endif
        """

    /// Lines that evaluate elements `i` up to `end` a vector at a time: of the operands given from the pointers
    /// `<source>0`, …, the others being there as `a0`, …, to `<target>0`, ….
    func vectorLoop(reading vectors: [Int], from source: String, to target: String) -> [String] {
        let loads = vectors.map {
            "const \(operands[$0].valueType) a\($0) = LOADV_\(operands[$0])(\(source)\($0) + i);"
        }
        let stores = results.indices.map { "STOREV_\(results[$0])(value\($0), \(target)\($0) + i);" }
        let partialLoads = vectors.flatMap { operand -> [String] in
            let type = operands[operand]
            return [
                "\(type.family) lanes\(operand)[VECTOR_WIDTH] = {0};",
                "for (int lane = 0; lane < left; ++lane) "
                    + "lanes\(operand)[lane] = LOAD1_\(type)(\(source)\(operand) + i + lane);",
                "const \(type.valueType) a\(operand) = LANES_LOAD(lanes\(operand));",
            ]
        }
        let partialStores = results.enumerated().flatMap { result, type in
            [
                "\(type.family) lanesY\(result)[VECTOR_WIDTH];",
                "LANES_STORE(value\(result), lanesY\(result));",
                "for (int lane = 0; lane < left; ++lane) "
                    + "STORE1_\(type)(lanesY\(result)[lane], \(target)\(result) + i + lane);",
            ]
        }
        return ["for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) {"]
            + (loads + evaluation + stores).map { "    " + $0 }
            + ["}", "if (i < end) {", "    const int left = (int)(end - i);"]
            + (partialLoads + evaluation + partialStores).map { "    " + $0 } + ["}"]
    }
}
