import Execution
import TensorGraph

// Implicit matrix products: im2col happens while panels are packed (CPUs) or tiles are staged (GPUs). The gradient of
// the input is the same kernels over the cotangent, once for each remainder by the stride (``ConvolutionGrid``).
extension OpenCLLowering {
    package func conv2D(_ attributes: Conv2D) throws -> Lowering {
        if let unsupportedProduct { return .declined(unsupportedProduct) }
        let grid = ConvolutionGrid.forward(
            attributes, x: operands[0].shape, weight: operands[1].shape, y: results[0].shape)
        let epilogue = Epilogue(hasBias: operands.count == 3, activation: attributes.activation)
        return convolution(
            [grid], weight: .operand(1), source: .operand(0), bias: epilogue.hasBias ? [.operand(2)] : [], epilogue)
    }

    package func conv2DInputGradient(_ attributes: Conv2DInputGradient) throws -> Lowering {
        if let unsupportedProduct { return .declined(unsupportedProduct) }
        let grids = ConvolutionGrid.inputGradient(
            attributes.convolution, x: attributes.input, weight: operands[0].shape, dy: operands[1].shape)
        return convolution(
            grids, weight: .operand(0), source: .operand(1), bias: [], Epilogue(hasBias: false, activation: nil))
    }

    package func conv2DWeightGradient(_ attributes: Conv2DWeightGradient) throws -> Lowering {
        if let unsupportedProduct { return .declined(unsupportedProduct) }
        let grid = ConvolutionGrid.forward(
            attributes.convolution, x: operands[0].shape, weight: attributes.weight, y: operands[1].shape)
        switch profile.shape {
        case .cpu:
            return depthwiseWeightGradient(grid) ?? weightGradientPanels(grid)
        case .gpu:
            return weightGradientTiles(grid)
        }
    }

    private func convolution(
        _ grids: [ConvolutionGrid], weight: KernelArgument, source: KernelArgument, bias: [KernelArgument],
        _ epilogue: Epilogue
    ) -> Lowering {
        let tensors = ConvolutionTensors(weight: weight, source: source, bias: bias, epilogue: epilogue)
        switch profile.shape {
        case .cpu: return depthwise(grids, tensors) ?? panels(grids, tensors)
        case .gpu: return depthwiseDirect(grids, tensors) ?? tiles(grids, tensors)
        }
    }

    fileprivate struct ConvolutionTensors {
        let weight: KernelArgument
        let source: KernelArgument
        let bias: [KernelArgument]
        let epilogue: Epilogue
    }

    // MARK: - CPUs

    /// `convolution/panel.cl`.
    private func panels(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering {
        let tile = GemmTile(profile)
        let mostRows = 256
        var defines = tile.defines.merging(tensors.epilogue.defines) { $1 }
        defines["PANEL"] = "\(tile.columns)"
        defines["BLOCK_M"] = "\(mostRows)"
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(
                name, files: tensors.epilogue.files + ["convolution/pixels.cl", "convolution/panel.cl"],
                defines: defines)
        }
        var list: [KernelLaunch] = []
        var workspace = 4
        for grid in grids {
            let rowPanels = grid.rows.dividedRoundingUp(by: tile.rows)
            if grid.depth > 0 {
                list.append(
                    KernelLaunch(
                        kernel("convolution_pack_weights"),
                        [tensors.weight, .workspace(0)]
                            + .int32s(
                                grid.rows, grid.channels, grid.taps, grid.tapsWide, grid.rowStride, grid.channelStride,
                                grid.groupStride, grid.kernelWidth) + grid.kernelTapArguments,
                        globalSize: [rowPanels, grid.groups, 1], localSize: [1, 1, 1]))
                workspace = max(workspace, 4 * grid.groups * rowPanels * tile.rows * grid.depth)
            }
            let columnItems = min(grid.pixels.dividedRoundingUp(by: tile.columns), tile.items)
            let fewestRowItems = rowPanels.dividedRoundingUp(by: mostRows.dividedRoundingUp(by: tile.rows))
            let rowItems = max(fewestRowItems, min(rowPanels, tile.items / (columnItems * grid.groups)))
            let sizes: [KernelArgument] =
                .int32s(grid.images, grid.rows, grid.channels, grid.height, grid.width, grid.taps, grid.tapsWide)
                + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent) + grid.writing
                + .int32s(tile.block(grid.depth))
            list.append(
                KernelLaunch(
                    kernel("convolution_panels"),
                    [.workspace(0), tensors.source] + tensors.bias + [.result(0)] + sizes,
                    globalSize: [columnItems, rowItems, grid.groups], localSize: [1, 1, 1]))
        }
        return launches(
            list, workspaces: [workspace],
            "convolution as gemm \(tile.rows)×\(tile.columns), columns packed a panel at a time\(tensors.epilogue.summary)")
    }

    /// `convolution/depthwise.cl`, where there is one channel a group and the rows of the widest grid fit its ring.
    private func depthwise(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering? {
        guard grids.allSatisfy({ $0.channels == 1 && $0.groups > 1 && fitsRing($0) }) else { return nil }
        let defines = ["VECTOR_WIDTH": "\(profile.vectorWidth)", "RING": "\(Self.ringCapacity)"]
            .merging(tensors.epilogue.defines) { $1 }
        let kernel = KernelSpecification(
            "depthwise_convolution", files: tensors.epilogue.files + ["convolution/depthwise.cl"], defines: defines)
        let list = grids.map { grid -> KernelLaunch in
            let ring = grid.ring(vectorWidth: profile.vectorWidth)
            let planes = grid.images * grid.groups
            let (tapsHigh, tapsWide) = grid.taps == 0 ? (0, 0) : (grid.vertical.taps, grid.horizontal.taps)
            let sizes: [KernelArgument] =
                .int32s(planes, grid.groups, grid.rows, grid.height, grid.width, tapsHigh, tapsWide)
                + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent) + grid.writing
                + .int32s(grid.kernelTaps, grid.kernelWidth) + grid.kernelTapArguments
                + .int32s(ring.rows, ring.pitch, ring.left)
            return KernelLaunch(
                kernel, [tensors.weight, tensors.source] + tensors.bias + [.result(0)] + sizes,
                globalSize: [min(planes, 4 * GemmTile(profile).items), 1, 1], localSize: [1, 1, 1])
        }
        return launches(list, "depthwise convolution, rows in cache\(tensors.epilogue.summary)")
    }

    /// The weight's gradient in `convolution/depthwise.cl`.
    private func depthwiseWeightGradient(_ grid: ConvolutionGrid) -> Lowering? {
        let mostTaps = 64
        guard grid.channels == 1, grid.rows == 1, grid.groups > 1, grid.taps <= mostTaps, fitsRing(grid) else {
            return nil
        }
        let ring = grid.ring(vectorWidth: profile.vectorWidth)
        let kernel = KernelSpecification(
            "depthwise_weight_gradient", files: ["convolution/depthwise.cl"],
            defines: [
                "VECTOR_WIDTH": "\(profile.vectorWidth)", "RING": "\(Self.ringCapacity)", "MAXIMUM_TAPS": "\(mostTaps)",
            ])
        let sizes: [KernelArgument] =
            .int32s(grid.images, grid.height, grid.width, grid.vertical.taps, grid.horizontal.taps) + grid.reading
            + .int32s(grid.vertical.extent, grid.horizontal.extent, ring.rows, ring.pitch, ring.left)
        let launch = KernelLaunch(
            kernel, [.operand(0), .operand(1), .result(0)] + sizes, globalSize: [grid.groups, 1, 1],
            localSize: [1, 1, 1])
        return launches([launch], "depthwise weight gradient, rows in cache")
    }

    /// Floats in the ring of padded rows.
    private static var ringCapacity: Int { 12288 }

    private func fitsRing(_ grid: ConvolutionGrid) -> Bool {
        let ring = grid.ring(vectorWidth: profile.vectorWidth)
        return ring.rows * ring.pitch <= Self.ringCapacity
    }

    /// `convolution/weight_gradient.cl`.
    private func weightGradientPanels(_ grid: ConvolutionGrid) -> Lowering {
        let tile = profile.vectorWidth >= 16 ? (rows: 4, steps: 5) : (rows: 2, steps: 4)
        let (mostRows, mostSteps, mostPixels) = (64, 20, 512)
        let defines = [
            "VECTOR_WIDTH": "\(profile.vectorWidth)", "TILE_ROWS": "\(tile.rows)", "TILE_STEPS": "\(tile.steps)",
            "BLOCK_ROWS": "\(mostRows)", "BLOCK_STEPS": "\(mostSteps)", "PANEL": "\(mostPixels)",
        ]
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(
                name, files: ["convolution/pixels.cl", "convolution/weight_gradient.cl"], defines: defines)
        }
        let stepBlocks = grid.depth.dividedRoundingUp(by: mostSteps)
        let rowBlocks = grid.rows.dividedRoundingUp(by: mostRows) * grid.groups
        let shares = min(grid.images, GemmTile(profile).items.dividedRoundingUp(by: stepBlocks * rowBlocks))
        let pixels = grid.vertical.extent * grid.horizontal.extent
        let panels = pixels.dividedRoundingUp(by: mostPixels)
        let panelPixels = pixels.dividedRoundingUp(by: panels).dividedRoundingUp(by: profile.vectorWidth)
            * profile.vectorWidth
        let sizes: [KernelArgument] =
            .int32s(grid.images, grid.groups, grid.rows, grid.channels, grid.height, grid.width, grid.taps, grid.tapsWide)
            + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent, panelPixels)
        let multiply = KernelLaunch(
            kernel("convolution_weight_gradient"), [.operand(0), .operand(1), .workspace(0)] + sizes,
            globalSize: [stepBlocks, rowBlocks, shares], localSize: [1, 1, 1])
        let sum = KernelLaunch(
            kernel("convolution_sum_partials"),
            [.workspace(0), .result(0)] + .int32s(shares, grid.channels, grid.taps),
            globalSize: [grid.rows * grid.groups, 1, 1], localSize: [1, 1, 1])
        return launches(
            [multiply, sum], workspaces: [4 * shares * grid.groups * grid.rows * grid.depth],
            "weight gradient \(tile.rows)×\(tile.steps) vectors of pixels, \(shares) shares")
    }

    // MARK: - GPUs

    /// `convolution/tile.cl`.
    private func tiles(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering {
        var summary = ""
        let list = grids.map { grid -> KernelLaunch in
            let tile = GroupTile(profile, rows: grid.rows, columns: grid.pixels, batch: grid.groups)
            let kernel = KernelSpecification(
                "convolution_tiles",
                files: tensors.epilogue.files + ["gemm/local_tile.cl", "convolution/tile.cl"],
                defines: tile.defines.merging(tensors.epilogue.defines) { $1 })
            let sizes: [KernelArgument] =
                .int32s(
                    grid.images, grid.rows, grid.channels, grid.height, grid.width, grid.taps, grid.tapsWide)
                + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent) + grid.writing
                + .int32s(grid.rowStride, grid.channelStride, grid.groupStride, grid.kernelWidth)
                + grid.kernelTapArguments
            summary = "convolution as gemm \(tile.rows)×\(tile.columns) in local memory\(tensors.epilogue.summary)"
            return KernelLaunch(
                kernel, [tensors.weight, tensors.source] + tensors.bias + [.result(0)] + sizes,
                globalSize: tile.globalSize(rows: grid.rows, columns: grid.pixels, batch: grid.groups),
                localSize: tile.localSize)
        }
        return launches(list, summary)
    }

    /// `convolution/depthwise_direct.cl`, where there is one channel a group.
    private func depthwiseDirect(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering? {
        guard grids.allSatisfy({ $0.channels == 1 && $0.groups > 1 }) else { return nil }
        let kernel = KernelSpecification(
            "depthwise_direct", files: tensors.epilogue.files + ["convolution/depthwise_direct.cl"],
            defines: tensors.epilogue.defines)
        let list = grids.map { grid -> KernelLaunch in
            let group = min(64, profile.maximumWorkGroupSize)
            let (tapsHigh, tapsWide) = grid.taps == 0 ? (0, 0) : (grid.vertical.taps, grid.horizontal.taps)
            let sizes: [KernelArgument] =
                .int32s(grid.groups, grid.rows, grid.height, grid.width, tapsHigh, tapsWide) + grid.reading
                + .int32s(grid.horizontal.extent) + grid.writing + .int32s(grid.kernelTaps, grid.kernelWidth)
                + grid.kernelTapArguments
            return KernelLaunch(
                kernel, [tensors.weight, tensors.source] + tensors.bias + [.result(0)] + sizes,
                globalSize: [
                    grid.horizontal.extent.dividedRoundingUp(by: group) * group, grid.vertical.extent,
                    grid.images * grid.groups * grid.rows,
                ], localSize: [group, 1, 1])
        }
        return launches(list, "depthwise convolution, a pixel a work-item\(tensors.epilogue.summary)")
    }

    /// `convolution/weight_gradient_tile.cl`.
    private func weightGradientTiles(_ grid: ConvolutionGrid) -> Lowering {
        let tile = GroupTile(profile, rows: grid.rows, columns: grid.depth, batch: 4 * grid.groups)
        let groups = grid.rows.dividedRoundingUp(by: tile.rows) * grid.depth.dividedRoundingUp(by: tile.columns)
            * grid.groups
        let fewestPixels = 256
        let shares = max(
            min((4 * max(profile.computeUnits, 1)).dividedRoundingUp(by: groups), grid.pixels / fewestPixels), 1)
        let files = ["gemm/local_tile.cl", "convolution/weight_gradient_tile.cl"]
        let sizes: [KernelArgument] =
            .int32s(grid.images, grid.groups, grid.rows, grid.channels, grid.height, grid.width, grid.taps, grid.tapsWide)
            + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent)
        let target: KernelArgument = shares > 1 ? .workspace(0) : .result(0)
        let multiply = KernelLaunch(
            KernelSpecification("convolution_weight_gradient_tiles", files: files, defines: tile.defines),
            [.operand(0), .operand(1), target] + sizes,
            globalSize: tile.globalSize(rows: grid.rows, columns: grid.depth, batch: grid.groups * shares),
            localSize: tile.localSize)
        let count = grid.groups * grid.rows * grid.depth
        let group = min(64, profile.maximumWorkGroupSize)
        let sum = KernelLaunch(
            KernelSpecification("convolution_sum_shares", files: files, defines: tile.defines),
            [.workspace(0), .result(0)] + .int32s(shares, count),
            globalSize: [count.dividedRoundingUp(by: group) * group], localSize: [group])
        return launches(
            shares > 1 ? [multiply, sum] : [multiply], workspaces: shares > 1 ? [4 * shares * count] : [],
            "weight gradient \(tile.rows)×\(tile.columns) in local memory, \(shares) shares")
    }
}
