import TensorGraph
import Testing

@testable import TesseraSearch

/// Parameters, their values and the unit interval.
@Suite struct SpaceTests {
    private static let parameters: [SearchParameter] = [
        .real("a", -2...3), .real("b", 1e-4...1e-1, .logarithmic), .real("one", 0.3...0.3),
        .real("wide", -1e300...(-1e-300)), .real("tiny", 1e-300...1e300, .logarithmic),
        .integer("c", -3...11, step: 2), .integer("cut", 0...10, step: 4), .integer("d", 1...64, .logarithmic),
        .integer("single", 7...7), .integer("great", -(1 << 53)...(1 << 53)), .categories("e", ["x", "y", "z"]),
        .categories("alone", ["x"]),
    ]

    /// Every position has a value of the parameter, whose position is near, and in which nothing is lost.
    @Test(arguments: parameters) func positionsAndValuesBelongTogether(_ parameter: SearchParameter) throws {
        #expect(parameter.complaint == nil)
        for position in [0, 1, 0.5, 1e-17, 0.123, 0.9999999, -1, 2, .nan, -.infinity, .infinity] {
            let value = parameter.value(at: position)
            let back = try #require(parameter.position(of: value), "\(value)")
            #expect((0...1).contains(back))
            if parameter.count == nil {
                let clamped = position.isNaN ? 0.5 : min(max(position, 0), 1)
                #expect(abs(back - clamped) < 1e-9, "\(parameter.name) at \(position)")
            }
            let again = parameter.value(at: back)
            if case (.real(let first), .real(let second)) = (value, again) {
                #expect(abs(first - second) <= 1e-9 * abs(first) + 1e-300)
            } else {
                #expect(again == value)
            }
        }
    }

    @Test func endsAreIncluded() {
        func ends(_ parameter: SearchParameter) -> [ParameterValue] {
            [parameter.value(at: 0), parameter.value(at: 1)]
        }
        #expect(ends(.real("b", 1e-4...1e-1, .logarithmic)) == [.real(1e-4), .real(1e-1)])
        #expect(ends(.integer("c", -3...11, step: 2)) == [.integer(-3), .integer(11)])
        // No step reaches the upper end.
        #expect(ends(.integer("c", 0...10, step: 4)) == [.integer(0), .integer(8)])
        #expect(ends(.integer("d", 1...64, .logarithmic)) == [.integer(1), .integer(64)])
        #expect(ends(.categories("e", ["x", "y"])) == [.category("x"), .category("y")])
    }

    /// Values that are equally likely have equally long parts.
    @Test func valuesHaveTheirShare() {
        func shares(_ parameter: SearchParameter) -> [ParameterValue: Double] {
            var counts: [ParameterValue: Double] = [:]
            for step in 0..<12_000 {
                counts[parameter.value(at: (Double(step) + 0.5) / 12_000), default: 0] += 1 / 12_000
            }
            return counts
        }
        for parameter in [.integer("c", 1...4), .categories("e", ["p", "q", "r", "s"])] as [SearchParameter] {
            #expect(shares(parameter).count == 4 && shares(parameter).values.allSatisfy { abs($0 - 0.25) < 1e-9 })
        }
        // On a logarithmic scale 1...2 is as likely as 4...8, but for the half numbers at the ends.
        let logarithmic = shares(.integer("d", 1...64, .logarithmic))
        func sum(_ range: ClosedRange<Int>) -> Double { range.reduce(0) { $0 + (logarithmic[.integer($1)] ?? 0) } }
        #expect(logarithmic.count == 64 && abs(sum(4...7) - sum(16...31)) < 0.02)
    }

    @Test func conditionsDecideWhatHasAValue() throws {
        let space = try SearchSpace([
            .categories("optimizer", ["adam", "sgd", "rmsprop"]), .real("momentum", 0...1).when("optimizer", is: "sgd"),
            .categories("kind", ["p", "q"]).when("optimizer", is: "sgd", "rmsprop"),
            .integer("depth", 1...3).when("kind", is: "q"),
        ])
        #expect(space.values(at: [0, 0.5, 0.9, 0.5]).names == ["optimizer"])
        #expect(space.values(at: [0.5, 0.5, 0.9, 0.5]).names == ["depth", "kind", "momentum", "optimizer"])
        #expect(space.values(at: [0.9, 0.5, 0.1, 0.5]).names == ["kind", "optimizer"])
        let values = space.values(at: [0.9, 0.5, 0.9, 0.1])
        #expect(space.complaint(about: values) == nil && space.positions(of: values)[1] == 0.5)
        var wrong = values
        wrong["momentum"] = .real(0.5)
        #expect(space.complaint(about: wrong)?.contains("momentum") == true)
        wrong = values
        wrong["depth"] = nil
        #expect(space.complaint(about: wrong)?.contains("depth") == true)
        for (name, value) in [("depth", .integer(4)), ("kind", .category("r")), ("new", .real(1))]
            as [(String, ParameterValue)]
        {
            wrong = values
            wrong[name] = value
            #expect(space.complaint(about: wrong) != nil, "\(name)")
        }
    }

    @Test(
        arguments: [
            [], [.real("", 0...1)], [.real("a", 0...1), .integer("a", 0...1)], [.real("a", 0...(.infinity))],
            [.real("a", -(.greatestFiniteMagnitude)...(.greatestFiniteMagnitude))],
            [.real("a", 0...1, .logarithmic)], [.real("a", -1...1, .logarithmic)], [.integer("a", 0...4, .logarithmic)],
            [.integer("a", 1...4, step: 2, .logarithmic)], [.integer("a", 1...4, step: 0)],
            [.integer("a", Int.min...Int.max)], [.categories("a", [])], [.categories("a", ["x", "x"])],
            [.real("a", 0...1).when("b", is: "x"), .categories("b", ["x"])],
            [.categories("b", ["x"]), .real("a", 0...1).when("b", is: "y")],
            [.categories("b", ["x"]), .real("a", 0...1).when("a", is: "x")],
            [.real("b", 0...1), .real("a", 0...1).when("b", is: "x")],
        ] as [[SearchParameter]])
    func spacesThatMakeNoSenseAreErrorsOfTheirLine(_ parameters: [SearchParameter]) {
        let line: UInt = #line + 1
        let error = #expect(throws: GraphError.self) { try SearchSpace(parameters) }
        #expect(error?.operation == "SearchSpace" && error?.location?.line == line)
    }

    @Test func valuesAreReadByTheirTypes() throws {
        let values = ParameterValues(["rate": .real(0.5), "width": .integer(3), "kind": .category("x")])
        #expect(try values.real("rate") == 0.5 && values.real("width") == 3 && values.integer("width") == 3)
        #expect(try values.category("kind") == "x" && values.description == "kind x, rate 0.5, width 3")
        let line: UInt = #line + 1
        let unknown = #expect(throws: GraphError.self) { try values.real("ratio") }
        #expect(unknown?.location?.line == line && unknown?.message.contains("“kind”, “rate”, “width”") == true)
        #expect(throws: GraphError.self) { try values.integer("rate") }
        #expect(throws: GraphError.self) { try values.integer("kind") }
        #expect(throws: GraphError.self) { try values.real("kind") }
        #expect(throws: GraphError.self) { try values.category("width") }
    }
}
