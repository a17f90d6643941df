import TensorGraph

/// Places in arenas for tensors that live for a while, so that nothing is allocated while a plan runs.
///
/// Greedy: one tensor after the other, each at the lowest offset where it meets no other that lives at the same time. In
/// which order is tried out: by size, by size times lifetime, and by the live set at its largest moment (Pisarchyk and
/// Lee, Efficient Memory Management for Deep Neural Net Inference, 2020). The first that needs no more than the largest
/// live set is taken, or else the one that needs least.
package struct MemoryPlan {
    /// A tensor's need: so many bytes from the moment `first` to the moment `last`, both included.
    package struct Request: Hashable {
        package var byteCount: Int
        package var first: Int
        package var last: Int

        package init(byteCount: Int, first: Int, last: Int) {
            self.byteCount = byteCount
            self.first = first
            self.last = last
        }
    }

    package struct Place: Hashable {
        package var arena: Int
        package var byteOffset: Int
    }

    /// Offsets are multiples of this many bytes: a cache line, and the widest vector.
    package static let alignment = 64

    /// One for each request, in order.
    package private(set) var places: [Place]
    /// The size of each arena in bytes.
    package private(set) var arenas: [Int] = []
    /// The most bytes that live at any one moment: what no plan can go below.
    package private(set) var largestLiveSet: Int

    /// - Parameters:
    ///   - maximumArena: no arena grows beyond this, unless a single request does.
    ///   - isolated: gives every request an arena of exactly its size, so that a memory checker sees every overrun.
    package init(_ requests: [Request], maximumArena: Int, isolated: Bool = false) {
        largestLiveSet = Self.largestLiveSet(requests)
        guard !isolated else {
            places = requests.indices.map { Place(arena: $0, byteOffset: 0) }
            arenas = requests.map(\.byteCount)
            return
        }
        (places, arenas) = ([], [])
        for order in Order.allCases {
            let layout = Self.layout(requests, in: Self.indices(of: requests, by: order), maximumArena)
            if places.isEmpty || layout.arenas.reduce(0, +) < arenas.reduce(0, +) { (places, arenas) = layout }
            // Alignment apart, nothing can be better.
            if arenas.reduce(0, +) <= largestLiveSet + Self.alignment * requests.count { break }
        }
    }

    /// Which request is placed first.
    private enum Order: CaseIterable {
        case size
        case sizeTimesLifetime
        /// Where most lives at once, and there the largest.
        case liveSet
    }

    private static func indices(of requests: [Request], by order: Order) -> [Int] {
        let weights: [Int]
        switch order {
        case .size: weights = requests.map(\.byteCount)
        case .sizeTimesLifetime: weights = requests.map { $0.byteCount.times($0.last - $0.first + 1) }
        case .liveSet:
            let live = liveSets(requests)
            weights = requests.map { request in
                live.filter { (request.first...request.last).contains($0.moment) }.map(\.bytes).max() ?? 0
            }
        }
        return requests.indices.sorted {
            (weights[$0], requests[$0].byteCount, requests[$1].first)
                > (weights[$1], requests[$1].byteCount, requests[$0].first)
        }
    }

    /// Places each request in order at the lowest offset that is free while it lives.
    private static func layout(
        _ requests: [Request], in order: [Int], _ maximumArena: Int
    ) -> (places: [Place], arenas: [Int]) {
        var places = [Place](repeating: Place(arena: 0, byteOffset: 0), count: requests.count)
        var arenas: [Int] = []
        var members: [[Int]] = []  // of each arena, by offset
        for index in order {
            let request = requests[index]
            var arena = 0
            while true {
                if arena == members.count {
                    members.append([])
                    arenas.append(0)
                }
                let offset = lowestOffset(for: request, among: members[arena], requests, places)
                if offset == 0 || offset + request.byteCount <= maximumArena {
                    places[index] = Place(arena: arena, byteOffset: offset)
                    arenas[arena] = max(arenas[arena], offset + request.byteCount)
                    let position = members[arena].firstIndex { places[$0].byteOffset > offset } ?? members[arena].count
                    members[arena].insert(index, at: position)
                    break
                }
                arena += 1
            }
        }
        return (places, arenas)
    }

    private static func lowestOffset(
        for request: Request, among members: [Int], _ requests: [Request], _ places: [Place]
    ) -> Int {
        var offset = 0
        for member in members {
            let other = requests[member]
            guard other.first <= request.last, request.first <= other.last else { continue }
            if places[member].byteOffset >= offset + request.byteCount { break }
            let end = places[member].byteOffset + other.byteCount
            offset = max(offset, (end + alignment - 1) / alignment * alignment)
        }
        return offset
    }

    private static func largestLiveSet(_ requests: [Request]) -> Int { liveSets(requests).map(\.bytes).max() ?? 0 }

    /// The bytes that live from each moment at which that changes until the next.
    private static func liveSets(_ requests: [Request]) -> [(moment: Int, bytes: Int)] {
        var changes: [Int: Int] = [:]
        for request in requests {
            changes[request.first, default: 0] += request.byteCount
            changes[request.last + 1, default: 0] -= request.byteCount
        }
        var live = 0
        return changes.sorted { $0.key < $1.key }.map { change in
            live += change.value
            return (change.key, live)
        }
    }
}
