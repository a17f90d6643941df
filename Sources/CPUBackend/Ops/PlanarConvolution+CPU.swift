import TensorGraph

extension CPULowering {
    /// A convolution over one or three axes by the one over two that ``PlanarConvolution`` makes of it.
    func planar(_ planar: PlanarConvolution) throws -> CPUKernel {
        let gathered = planar.operands.indices.filter { planar.operands[$0] != nil }
        let inner = try planar.node.op.accept(
            CPULowering(node: planar.node, steady: steady.subtracting(gathered)))
        // Only the shapes are others.
        if gathered.isEmpty, planar.result == nil { return inner }
        let types =
            gathered.map { planar.node.operandTypes[$0] } + (planar.result == nil ? [] : planar.node.resultTypes)
        let (offset, size) = (inner.workspaces.count, size)
        return CPUKernel(
            inner.summary + ", of gathered planes", accuracy: inner.accuracy,
            workspaces: inner.workspaces + types.map(\.byteCount)
        ) { places in
            var innerPlaces = places
            for (index, operand) in gathered.enumerated() {
                let target = places.workspaces[offset + index]
                planar.operands[operand]?.run(places.operands[operand], target, size)
                innerPlaces.operands[operand] = UnsafeRawPointer(target)
            }
            if planar.result != nil { innerPlaces.results[0] = places.workspaces[offset + gathered.count] }
            inner.run(innerPlaces)
            planar.result?.run(UnsafeRawPointer(innerPlaces.results[0]), places.results[0], size)
        }
    }
}

extension PlaneGather {
    /// Moves the planes, of elements of `size` bytes, on all cores.
    fileprivate func run(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ size: Int) {
        let bytes = plane * size
        Parallel.run(targetPlanes, grain: max(1, memoryGrain / plane)) { range in
            for index in range {
                let to = target + index * bytes
                if let from = sourcePlane(index) {
                    to.copyMemory(from: source + from * bytes, byteCount: bytes)
                } else {
                    to.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
                }
            }
        }
    }
}
