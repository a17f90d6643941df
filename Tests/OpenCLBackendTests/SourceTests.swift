import TensorGraph
import Testing

@testable import OpenCLBackend

/// What lowering writes and chooses, which needs no device.
@Suite struct SourceTests {
    private static let profiles = [DeviceProfile.KernelStyle.cpu, .gpu].map { style in
        DeviceProfile(
            style: style, vectorWidth: 8, computeUnits: 4, maximumWorkGroupSize: 256, localMemory: 32 << 10)
    }

    private func source(
        _ function: ElementwiseProgram.Function, _ operands: [TensorType], _ result: TensorType,
        _ profile: DeviceProfile
    ) -> ElementwiseSource {
        let program = ElementwiseProgram(single: function, operandCount: operands.count, dtype: result.dtype)
        return ElementwiseSource(program, operands: operands, results: [result], profile: profile)
    }

    /// The text depends on how operands broadcast, not on how large they are.
    @Test func extentsAreArguments() {
        for profile in Self.profiles {
            func text(_ a: Shape, _ b: Shape, _ result: Shape) -> String {
                source(.binary(.add), [TensorType(a), TensorType(b)], TensorType(result), profile)
                    .launch().kernel.generated
            }
            #expect(text([5, 7], [5, 7], [5, 7]) == text([64, 33], [64, 33], [64, 33]))
            #expect(text([5, 7], [7], [5, 7]) == text([64, 33], [33], [64, 33]))
            #expect(text([5, 7], [7], [5, 7]) != text([5, 7], [5, 7], [5, 7]))
        }
    }

    @Test func everyFunctionIsWrittenOrRefused() {
        for profile in Self.profiles {
            for function in UnaryFunction.allCases {
                for dtype in DType.allCases {
                    let type = TensorType([3], dtype)
                    let source = source(.unary(function), [type], TensorType([3], function.result(dtype)), profile)
                    let isWritten = ![.float64, .uint64].contains(dtype) && function.refusal(dtype) == nil
                    #expect((source.refusal == nil) == isWritten, "\(function) of \(dtype)")
                    guard isWritten else { continue }
                    #expect(source.launch().kernel.generated.contains("_\(function.rawValue)("))
                }
            }
        }
    }

    @Test func loopsAreJoinedWhereEveryTensorStepsEvenly() {
        let bias = StridedLoop(broadcasting: [[2, 3, 4, 5], [3, 1, 1]], to: [2, 3, 4, 5])
        #expect(bias.extents == [2, 3, 20])
        #expect(bias.strides == [[60, 20, 1], [60, 20, 1], [0, 1, 0]])
        #expect(StridedLoop(broadcasting: [[1, 1]], to: [1, 1]).extents == [1])
    }

    /// A space reads the extents that it says its problems have, and its standard is of its own parameters: reading any
    /// others would end the process.
    @Test func spacesReadWhatTheyDeclare() throws {
        for space in TuningSpace.all {
            let names = Dictionary(uniqueKeysWithValues: space.extents.map { ($0.rawValue, 4) })
            let problem = try #require(TuningProblem(names: names))
            for profile in Self.profiles where profile.style == space.style {
                let standard = space.standardValues(for: problem, on: profile)
                #expect(Set(standard.parameters.keys) == Set(space.dimensions.map(\.parameter)), "\(space.name)")
                _ = space.allows(standard, for: problem, on: profile)
                #expect(!space.neighbours(of: standard, for: problem, on: profile).isEmpty, "\(space.name)")
            }
        }
        #expect(TuningProblem(names: ["m": 1, "columsn": 2]) == nil)
    }

    /// What a space does not allow is passed over, whoever asks for it.
    @Test func noTableMakesAKernelWrong() {
        for space in TuningSpace.all {
            for profile in Self.profiles {
                var table = TuningTable()
                table.force(TuningValues([:]), for: space.name)
                for parameter in TuningParameter.allCases {
                    var values = TuningValues([:])
                    for own in TuningParameter.allCases { values.parameters[own] = own == parameter ? -1 : 1 << 20 }
                    table.force(values, for: space.name)
                    #expect(table.known(space, [:], profile) == nil, "\(space.name) takes \(values)")
                }
            }
        }
    }
}
