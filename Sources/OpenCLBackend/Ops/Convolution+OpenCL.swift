import Execution
import TensorGraph

// Implicit matrix products: im2col happens while panels are packed (CPUs) or tiles are staged (GPUs). The gradient of
// the input is the same kernels over the cotangent, once for each remainder by the stride (``ConvolutionGrid``).
extension OpenCLLowering {
    package func convolution(_ attributes: Convolution) throws -> Lowering {
        if let unsupportedProduct { return .declined(unsupportedProduct) }
        if let planar = PlanarConvolution(node) { return try self.planar(planar) }
        return switch attributes.pass {
        case .forward: convolutionForward(attributes)
        case .inputGradient(let input): convolutionInputGradient(attributes, input)
        case .weightGradient(let weight): convolutionWeightGradient(attributes, weight)
        }
    }

    private func convolutionForward(_ attributes: Convolution) -> Lowering {
        let grid = ConvolutionGrid.forward(
            attributes, x: operands[0].shape, weight: operands[1].shape, y: results[0].shape)
        let epilogue = Epilogue(hasBias: operands.count == 3, activation: attributes.activation)
        return convolution(
            [grid], weight: .operand(1), source: .operand(0), bias: epilogue.hasBias ? [.operand(2)] : [], epilogue)
    }

    private func convolutionInputGradient(_ attributes: Convolution, _ input: Shape) -> Lowering {
        let forward = ConvolutionGrid.forward(
            attributes, x: input, weight: operands[0].shape, y: operands[1].shape)
        if let lowering = narrowInputGradient(forward) { return lowering }
        let grids = ConvolutionGrid.inputGradient(
            attributes, x: input, weight: operands[0].shape, dy: operands[1].shape)
        return convolution(
            grids, weight: .operand(0), source: .operand(1), bias: [], Epilogue(hasBias: false, activation: nil))
    }

    private func convolution(
        _ grids: [ConvolutionGrid], weight: KernelArgument, source: KernelArgument, bias: [KernelArgument],
        _ epilogue: Epilogue
    ) -> Lowering {
        let tensors = ConvolutionTensors(weight: weight, source: source, bias: bias, epilogue: epilogue)
        if grids.count == 1, let tiles = winograd(grids[0]), let lowering = winograd(tiles, tensors) { return lowering }
        switch profile.style {
        case .cpu: return depthwise(grids, tensors) ?? panels(grids, tensors)
        case .gpu: return depthwiseDirect(grids, tensors) ?? tiles(grids, tensors)
        }
    }

    struct ConvolutionTensors {
        let weight: KernelArgument
        let source: KernelArgument
        let bias: [KernelArgument]
        let epilogue: Epilogue
    }

    // MARK: - CPUs

    /// `convolution/panel.cl`.
    private func panels(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering {
        let values = profile.tuningValues(.convolutionPanel, grids[0].problem)
        let tile = GemmTile(values, profile)
        var defines = tile.defines.merging(values.defines(.mostRows)) { $1 }
            .merging(tensors.epilogue.defines) { $1 }
        defines["PANEL"] = "\(tile.columns)"
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(
                name,
                files: tensors.epilogue.files + KernelSpecification.laneFiles + [
                    "convolution/pixels.cl", "convolution/panel.cl",
                ],
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
                        globalSize: [rowPanels, grid.groups, 1], localSize: [1, 1, 1]
                    ).asPacking())
                workspace = max(workspace, 4 * grid.groups * rowPanels * tile.rows * grid.depth)
            }
            let columnItems = min(grid.pixels.dividedRoundingUp(by: tile.columns), tile.items)
            let fewestRowItems = rowPanels.dividedRoundingUp(by: values[.mostRows].dividedRoundingUp(by: tile.rows))
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
            "convolution as gemm \(tile.rows)×\(tile.columns), columns packed a panel at a time\(tensors.epilogue.summary)"
        )
    }

    /// `convolution/narrow_gradient.cl`, where there are few input channels and enough taps: `grid` is the forward pass.
    private func narrowInputGradient(_ grid: ConvolutionGrid) -> Lowering? {
        let mostChannels = 4
        guard profile.style == .cpu, grid.channels <= mostChannels, grid.rows >= 16, grid.taps > 1 else { return nil }
        let tile = GemmTile(profile)
        let (vertical, horizontal) = (grid.vertical, grid.horizontal)
        let steps = grid.channels * grid.taps
        let planes = grid.images * grid.groups
        // A band also computes the rows of dy that it shares with its neighbours: few bands, and none for many planes.
        let bands = min(tile.items.dividedRoundingUp(by: planes), max(grid.height / (4 * vertical.taps), 1))
        // Zeros on either side of a row, so that every tap of every pixel has something to read.
        let last = (horizontal.taps - 1) * horizontal.step + horizontal.base
        let margin = max(last, 0) / horizontal.stride + 1
        let columns = max(
            horizontal.extent.dividedRoundingUp(by: tile.columns) * tile.columns,
            (grid.width - horizontal.base) / horizontal.stride + tile.vectorWidth)
        let pitch = margin + columns + 1
        let pack = KernelLaunch(
            KernelSpecification("gemm_pack_rows", files: ["gemm/batch.cl", "gemm/panel.cl"], defines: tile.defines),
            [.operand(0), .workspace(0)] + .int32s(steps, grid.rows, 1, steps),
            globalSize: [steps.dividedRoundingUp(by: tile.rows), grid.groups, 1], localSize: [1, 1, 1]
        ).asPacking()
        let multiply = KernelLaunch(
            KernelSpecification(
                "narrow_gradient", files: KernelSpecification.laneFiles + ["convolution/narrow_gradient.cl"],
                defines: tile.defines),
            [.workspace(0), .operand(1), .result(0), .workspace(1)]
                + .int32s(
                    grid.groups, grid.rows, grid.channels, grid.height, grid.width, vertical.taps, horizontal.taps,
                    vertical.base, vertical.step, vertical.stride, horizontal.base, horizontal.step, horizontal.stride,
                    vertical.extent, horizontal.extent, margin, pitch),
            globalSize: [bands, planes, 1], localSize: [1, 1, 1])
        let packed = steps.dividedRoundingUp(by: tile.rows) * tile.rows * grid.rows * grid.groups
        return launches(
            [pack, multiply], workspaces: [4 * packed, 4 * planes * bands * steps * pitch],
            "gemm \(tile.rows)×\(tile.columns), added to the input, \(bands) bands")
    }

    /// `convolution/depthwise.cl`, where there is one channel a group and the rows of the widest grid fit its ring.
    private func depthwise(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering? {
        guard grids.allSatisfy({ $0.channels == 1 && $0.groups > 1 && fitsRing($0) }) else { return nil }
        let values = profile.tuningValues(.depthwise, grids[0].problem)
        let lanes = values[.vectorWidth]
        let defines = values.defines(.vectorWidth).merging(["RING": "\(Self.ringCapacity)"]) { $1 }
            .merging(tensors.epilogue.defines) { $1 }
        let kernel = KernelSpecification(
            "depthwise_convolution",
            files: tensors.epilogue.files + KernelSpecification.laneFiles + ["convolution/depthwise.cl"],
            defines: defines)
        let list = grids.map { grid -> KernelLaunch in
            let ring = grid.ring(vectorWidth: lanes)
            let planes = grid.images * grid.groups
            let (tapsHigh, tapsWide) = grid.taps == 0 ? (0, 0) : (grid.vertical.taps, grid.horizontal.taps)
            let sizes: [KernelArgument] =
                .int32s(planes, grid.groups, grid.rows, grid.height, grid.width, tapsHigh, tapsWide)
                + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent) + grid.writing
                + .int32s(grid.kernelTaps, grid.kernelWidth) + grid.kernelTapArguments
                + .int32s(ring.rows, ring.pitch, ring.left)
            return KernelLaunch(
                kernel, [tensors.weight, tensors.source] + tensors.bias + [.result(0)] + sizes,
                globalSize: [min(planes, values[.itemsPerUnit] * max(profile.computeUnits, 1)), 1, 1],
                localSize: [1, 1, 1])
        }
        return launches(list, "depthwise convolution, rows in cache\(tensors.epilogue.summary)")
    }

    /// Floats in the ring of padded rows.
    static var ringCapacity: Int { 12288 }

    func fitsRing(_ grid: ConvolutionGrid) -> Bool {
        let ring = grid.ring(vectorWidth: profile.vectorWidth)
        return ring.rows * ring.pitch <= Self.ringCapacity
    }

    // MARK: - GPUs

    /// `convolution/tile.cl`.
    private func tiles(_ grids: [ConvolutionGrid], _ tensors: ConvolutionTensors) -> Lowering {
        var summary = ""
        let list = grids.map { grid -> KernelLaunch in
            let tile = GroupTile(profile.tuningValues(.convolutionTile, grid.problem))
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
}

extension TuningSpace {
    /// `convolution/panel.cl`.
    static let convolutionPanel = TuningSpace(
        "convolution-panel", .cpu, of: ConvolutionGrid.problemExtents,
        [
            .rows: [2, 4, 6, 8, 10, 12, 14], .vectors: [1, 2, 3, 4], .depth: [96, 192, 256, 384, 512, 768],
            .mostRows: [64, 128, 256, 512], .itemsPerUnit: [1, 2, 4, 8, 16], .vectorWidth: [4, 8, 16],
        ],
        standard: { problem, profile in GemmTile.standard(profile, rows: problem[.rows]).with(.mostRows, 256) },
        constraint: { values, _, profile in
            GemmTile.isPossible(values, profile)
                && 4 * values[.mostRows] * values[.vectorWidth] * values[.vectors] <= 128 << 10
        })

    /// `convolution/depthwise.cl`, the forward pass and the gradient of the input.
    static let depthwise = TuningSpace(
        "depthwise", .cpu, of: ConvolutionGrid.problemExtents,
        [.itemsPerUnit: [1, 2, 4, 8, 16, 32, 64], .vectorWidth: [4, 8, 16]],
        standard: { _, profile in [.itemsPerUnit: 16, .vectorWidth: profile.vectorWidth] },
        constraint: { values, _, profile in values[.vectorWidth] <= profile.vectorWidth })

    /// `convolution/tile.cl`.
    static let convolutionTile = TuningSpace(
        "convolution-tile", .gpu, of: ConvolutionGrid.problemExtents, GroupTile.dimensions,
        standard: { problem, profile in
            GroupTile.standard(profile, rows: problem[.rows], columns: problem[.pixels], batch: problem[.groups])
        }, constraint: { values, _, profile in GroupTile.isPossible(values, profile) })
}
