import Testing

@testable import Execution

@Suite struct MemoryPlanTests {
    /// Requests as a training graph makes them: each lives from one moment to a later one.
    static func requests(seed: UInt64, count: Int) -> [MemoryPlan.Request] {
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        return (0..<count).map { index in
            .init(byteCount: 4 * (1 + next(10_000)), first: index, last: index + next(12))
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func tensorsThatLiveTogetherDoNotOverlap(seed: UInt64) {
        let requests = Self.requests(seed: seed, count: 200)
        let plan = MemoryPlan(requests, maximumArena: 1 << 40)
        for (a, b) in requests.indices.flatMap({ a in (a + 1..<requests.count).map { (a, $0) } }) {
            let (left, right) = (requests[a], requests[b])
            guard left.first <= right.last, right.first <= left.last, plan.places[a].arena == plan.places[b].arena
            else {
                continue
            }
            let (start, other) = (plan.places[a].byteOffset, plan.places[b].byteOffset)
            #expect(start + left.byteCount <= other || other + right.byteCount <= start, "\(left) meets \(right)")
        }
        for (request, place) in zip(requests, plan.places) {
            #expect(place.byteOffset % MemoryPlan.alignment == 0)
            #expect(place.byteOffset + request.byteCount <= plan.arenas[place.arena])
        }
    }

    @Test func forwardAndBackwardFillLittleMoreThanTheLargestLiveSet() {
        // Activations live until the backward pass comes back to them.
        let depth = 40
        let requests = (0..<depth).flatMap { layer -> [MemoryPlan.Request] in
            let byteCount = 64 * (1 + layer * 37 % 11)
            return [
                .init(byteCount: byteCount, first: layer, last: 2 * depth - layer),
                .init(byteCount: byteCount, first: 2 * depth - layer, last: 2 * depth - layer + 1),
            ]
        }
        let plan = MemoryPlan(requests, maximumArena: 1 << 40)
        #expect(plan.arenas.count == 1)
        #expect(Double(plan.arenas[0]) <= 1.1 * Double(plan.largestLiveSet))
    }

    @Test func arenasKeepToTheLargestAllocation() {
        let requests = (0..<10).map { MemoryPlan.Request(byteCount: 600, first: 0, last: $0) }
        let plan = MemoryPlan(requests, maximumArena: 1300)
        #expect(plan.arenas.allSatisfy { $0 <= 1300 })
        #expect(plan.arenas.count == 5)
    }

    @Test func isolatedTensorsHaveMemoryOfExactlyTheirSize() {
        let requests = Self.requests(seed: 7, count: 20)
        let plan = MemoryPlan(requests, maximumArena: 1 << 40, isolated: true)
        #expect(plan.arenas == requests.map(\.byteCount))
        #expect(Set(plan.places.map(\.arena)).count == requests.count)
    }

    @Test func nothingNeedsNothing() {
        let plan = MemoryPlan([], maximumArena: 1 << 20)
        #expect(plan.arenas.isEmpty && plan.largestLiveSet == 0)
    }
}
