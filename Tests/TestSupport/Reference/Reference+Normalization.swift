import TensorGraph

extension Reference {
    package func normalization(_ attributes: Normalization) throws -> [[Double]] {
        switch (attributes.statistics, attributes.pass) {
        case (.layer, .forward): layerNorm(attributes)
        case (.layer, .gradient): layerNormGradient(attributes)
        case (.rootMeanSquare, .forward): rmsNorm(attributes)
        case (.rootMeanSquare, .gradient): rmsNormGradient()
        case (.group(let count), .forward): groupNorm(attributes, count)
        case (.group(let count), .gradient): groupNormGradient(count)
        case (.batch, .forward): batchNorm(attributes)
        case (.batch, .gradient): batchNormGradient(attributes)
        }
    }

    private func layerNorm(_ attributes: Normalization) -> [[Double]] {
        let groups = Self.rowGroups(shape(0))
        let (means, variances) = moments(groups)
        let deviations = variances.map { 1 / ($0 + attributes.epsilon).squareRoot() }
        return [normalized(groups, means, deviations) { _, place in place }, means, deviations]
    }

    private func layerNormGradient(_ attributes: Normalization) -> [[Double]] {
        normalizationGradient(Self.rowGroups(shape(0)), elements(2), elements(3)) { _, place in place }
    }

    private func rmsNorm(_ attributes: Normalization) -> [[Double]] {
        let (x, scale) = (elements(0), elements(1))
        var y = x
        var roots: [Double] = []
        for row in Self.rowGroups(shape(0)) {
            let square = row.reduce(0) { $0 + x[$1] * x[$1] } / Double(row.count)
            let root = 1 / (square + attributes.epsilon).squareRoot()
            roots.append(root)
            for (place, offset) in row.enumerated() { y[offset] = x[offset] * root * scale[place] }
        }
        return [y, roots]
    }

    /// With x̂ = x · root and ĝ = dy · scale: `dx = (ĝ - x̂ · mean(ĝ · x̂)) · root`, `dscale = Σ dy · x̂`.
    private func rmsNormGradient() -> [[Double]] {
        let (x, scale, roots, dy) = (elements(0), elements(1), elements(2), elements(3))
        var (dx, dscale) = (x, [Double](repeating: 0, count: scale.count))
        for (root, row) in zip(roots, Self.rowGroups(shape(0))) {
            let mean =
                row.enumerated().reduce(0) { $0 + dy[$1.element] * scale[$1.offset] * x[$1.element] * root }
                / Double(row.count)
            for (place, offset) in row.enumerated() {
                dx[offset] = (dy[offset] * scale[place] - x[offset] * root * mean) * root
                dscale[place] += dy[offset] * x[offset] * root
            }
        }
        return [dx, dscale]
    }

    private func groupNorm(_ attributes: Normalization, _ count: Int) -> [[Double]] {
        let (groups, feature) = exampleGroups(count)
        let (means, variances) = moments(groups)
        let deviations = variances.map { 1 / ($0 + attributes.epsilon).squareRoot() }
        return [normalized(groups, means, deviations, feature: feature), means, deviations]
    }

    private func groupNormGradient(_ count: Int) -> [[Double]] {
        let (groups, feature) = exampleGroups(count)
        return normalizationGradient(groups, elements(2), elements(3), feature: feature)
    }

    /// The offsets of the elements that groupNorm normalises together, and the channel of each.
    private func exampleGroups(_ count: Int) -> (groups: [[Int]], feature: (Int, Int) -> Int) {
        let x = shape(0)
        let plane = x.dimensions.dropFirst(2).reduce(1, *), channels = x[1] / count
        let width = channels * plane
        let groups = (0..<x[0] * count).map { group in (0..<width).map { group * width + $0 } }
        return (groups, { group, place in group % count * channels + place / plane })
    }

    private func batchNorm(_ attributes: Normalization) -> [[Double]] {
        let groups = Self.channelGroups(shape(0))
        let (means, variances) = moments(groups)
        let deviations = variances.map { 1 / ($0 + attributes.epsilon).squareRoot() }
        return [normalized(groups, means, deviations) { group, _ in group }, means, variances]
    }

    private func batchNormGradient(_ attributes: Normalization) -> [[Double]] {
        let deviations = elements(3).map { 1 / ($0 + attributes.epsilon).squareRoot() }
        return normalizationGradient(Self.channelGroups(shape(0)), elements(2), deviations) { group, _ in group }
    }

    /// The offsets of the elements that layerNorm normalises together: a row each.
    private static func rowGroups(_ x: Shape) -> [[Int]] {
        let width = x[x.rank - 1]
        return (0..<x.dimensions.dropLast().reduce(1, *)).map { row in (0..<width).map { row * width + $0 } }
    }

    /// The offsets of the elements that batchNorm normalises together: a channel each.
    private static func channelGroups(_ x: Shape) -> [[Int]] {
        let plane = x[2] * x[3]
        return (0..<x[1]).map { channel in
            (0..<x[0]).flatMap { n in (0..<plane).map { (n * x[1] + channel) * plane + $0 } }
        }
    }

    /// The mean and biased variance of each group of the first operand.
    private func moments(_ groups: [[Int]]) -> (means: [Double], variances: [Double]) {
        let x = elements(0)
        let means = groups.map { group in group.reduce(0) { $0 + x[$1] } / Double(group.count) }
        let variances = zip(groups, means).map { group, mean in
            group.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(group.count)
        }
        return (means, variances)
    }

    /// - Parameter feature: which scale and bias an element has, by its group and its place in it.
    private func normalized(
        _ groups: [[Int]], _ means: [Double], _ deviations: [Double], feature: (Int, Int) -> Int
    ) -> [Double] {
        let (x, scale, bias) = (elements(0), elements(1), elements(2))
        var y = x
        for (group, offsets) in groups.enumerated() {
            for (place, offset) in offsets.enumerated() {
                let normal = (x[offset] - means[group]) * deviations[group]
                y[offset] = normal * scale[feature(group, place)] + bias[feature(group, place)]
            }
        }
        return y
    }

    /// With x̂ the normalised input and ĝ = dy · scale:
    /// `dx = (ĝ - mean(ĝ) - x̂ · mean(ĝ · x̂)) · deviation`, `dscale = Σ dy · x̂`, `dbias = Σ dy`.
    private func normalizationGradient(
        _ groups: [[Int]], _ means: [Double], _ deviations: [Double], feature: (Int, Int) -> Int
    ) -> [[Double]] {
        let (x, scale, dy) = (elements(0), elements(1), elements(4))
        var dx = x
        var dscale = [Double](repeating: 0, count: scale.count)
        var dbias = dscale
        for (group, offsets) in groups.enumerated() {
            let normals = offsets.map { (x[$0] - means[group]) * deviations[group] }
            let scaled = offsets.enumerated().map { dy[$1] * scale[feature(group, $0)] }
            let mean = scaled.reduce(0, +) / Double(offsets.count)
            let meanWithNormal = zip(scaled, normals).reduce(0) { $0 + $1.0 * $1.1 } / Double(offsets.count)
            for (place, offset) in offsets.enumerated() {
                dx[offset] = (scaled[place] - mean - normals[place] * meanWithNormal) * deviations[group]
                dscale[feature(group, place)] += dy[offset] * normals[place]
                dbias[feature(group, place)] += dy[offset]
            }
        }
        return [dx, dscale, dbias]
    }
}
