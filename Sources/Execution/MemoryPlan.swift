/// Places in arenas for tensors that live for a while, so that nothing is allocated while a plan runs.
///
/// Greedy by size: the largest tensor first, each at the lowest offset where it meets no other tensor that lives at the
/// same time (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020).
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
        places = [Place](repeating: Place(arena: 0, byteOffset: 0), count: requests.count)
        var members: [[Int]] = []  // of each arena, by offset
        let bySize = requests.indices.sorted {
            (requests[$0].byteCount, requests[$1].first) > (requests[$1].byteCount, requests[$0].first)
        }
        for index in bySize {
            let request = requests[index]
            var arena = 0
            while true {
                if arena == members.count {
                    members.append([])
                    arenas.append(0)
                }
                let offset = Self.lowestOffset(for: request, among: members[arena], requests, places)
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

    private static func largestLiveSet(_ requests: [Request]) -> Int {
        var changes: [(moment: Int, bytes: Int)] = []
        for request in requests {
            changes.append((request.first, request.byteCount))
            changes.append((request.last + 1, -request.byteCount))
        }
        var (live, largest) = (0, 0)
        for change in changes.sorted(by: { ($0.moment, $0.bytes) < ($1.moment, $1.bytes) }) {
            live += change.bytes
            largest = max(largest, live)
        }
        return largest
    }
}
