import TensorGraph

private let (file, line): (StaticString, UInt) = ("Here.swift", 7)

/// What works along axes: interpolation, indexing, padding, slices, scans, sorts and normalisation of groups.
extension BadInputTests {
    static let mistakesAlongAxes: [Mistake] = interpolations + indexing + paddings + scansAndSorts + groups

    private static let interpolations: [Mistake] = [
        Mistake("interpolate", "needs a size for each of one to three axes, not 1 for [2, 3]", "float32[1, 2, 3, 4]") {
            _ = try $0.operand([1, 2, 3, 4]).interpolated(toSize: [5], file: file, line: line)
        },
        Mistake("interpolate", "needs a scale for each of one to three axes, not 4 for [2, 3, 4, 5]") {
            _ = try $0.operand([1, 1, 2, 2, 2, 2]).interpolated(byScale: [2, 2, 2, 2], file: file, line: line)
        },
        Mistake("interpolate", "needs a size for each of one to three axes, not 0 for []", "float32[3]") {
            _ = try $0.operand([3]).interpolated(toSize: [], file: file, line: line)
        },
        Mistake("interpolate", "needs a size for each", "not 2 for [1, 1]") {
            _ = try $0.operand([2, 3]).interpolated(toSize: [4, 5], axes: [1, -1], file: file, line: line)
        },
        Mistake("interpolate", "there is no axis 3 in [1, 2, 3]") {
            _ = try $0.operand([1, 2, 3]).interpolated(toSize: [5], axes: [3], file: file, line: line)
        },
        Mistake("interpolate", "at least one element along axis 2, before and after, not 3 and 0", "float32[1, 2, 3]") {
            _ = try $0.operand([1, 2, 3]).interpolated(toSize: [0], file: file, line: line)
        },
        Mistake("interpolate", "not 0 and 5") {
            _ = try $0.operand([1, 2, 0]).interpolated(toSize: [5], .linear(), file: file, line: line)
        },
        Mistake("interpolate", "not 3 and -7") {
            _ = try $0.operand([1, 2, 3]).interpolated(toSize: [-7], file: file, line: line)
        },
        Mistake("interpolate", "not 3 and 0") {
            _ = try $0.operand([1, 2, 3]).interpolated(byScale: [0.3], file: file, line: line)
        },
        Mistake("interpolate", "not 3 and 0") {
            _ = try $0.operand([1, 2, 3]).interpolated(byScale: [.nan], file: file, line: line)
        },
        Mistake("interpolate", "more elements than int32 counts") {
            _ = try $0.operand([1, 2, 3]).interpolated(byScale: [.infinity], file: file, line: line)
        },
        Mistake("interpolate", "more elements than int32 counts") {
            _ = try $0.operand([1, 2, 3]).interpolated(toSize: [.max], file: file, line: line)
        },
        Mistake("interpolate", "more weights than int32 counts") {
            _ = try $0.operand([1, 2, 3]).interpolated(toSize: [1 << 30], .cubic(), file: file, line: line)
        },
        Mistake("interpolate", "the coefficient must be a number, not nan") {
            _ = try $0.operand([1, 2, 3]).interpolated(
                toSize: [5], .cubic(coefficient: .nan), file: file, line: line)
        },
        Mistake("interpolate", "the nearest element cannot be antialiased") {
            let way = Interpolation(.nearest(.down), .halfPixel, isAntialiased: true)
            _ = try $0.operand([1, 2, 3]).interpolated(toSize: [5], way, file: file, line: line)
        },
        Mistake("interpolate", "int32 has no numbers between two elements; cast it first", "int32[1, 2, 3]") {
            _ = try $0.operand([1, 2, 3], .int32).interpolated(toSize: [5], .linear(), file: file, line: line)
        },
        Mistake("interpolate", "axis 1 must have 3 elements, not 4") {
            let axis = AxisInterpolation(.nearest, axis: 1, extent: 3, count: 5)
            try $0.node(.interpolation(axis), float([2, 4]), int([6]), int([5]), float([5]))
        },
        Mistake("interpolate", "where terms begin must have shape [6], not [5]") {
            let axis = AxisInterpolation(.nearest, axis: 1, extent: 3, count: 5)
            try $0.node(.interpolation(axis), float([2, 3]), int([5]), int([5]), float([5]))
        },
        Mistake("interpolateGradient", "the weights must have shape [5], not [4]") {
            let axis = AxisInterpolation(.nearest, axis: 1, extent: 3, count: 5, pass: .gradient)
            try $0.node(.interpolation(axis), float([2, 5]), int([4]), int([5]), float([4]))
        },
    ]

    private static let indexing: [Mistake] = [
        Mistake("gather", "there is no axis 2 in [3, 4]", "float32[3, 4]") {
            _ = try $0.operand([3, 4]).gather($0.operand([3, 4], .int32), axis: 2, file: file, line: line)
        },
        Mistake("gather", "the indices [4, 4] must have extents of at most those of [3, 4] but along axis 1") {
            _ = try $0.operand([3, 4]).gather($0.operand([4, 4], .int32), axis: 1, file: file, line: line)
        },
        Mistake("gather", "must be int32 or int64, not float32", "float32[3, 4], float32[3, 1]") {
            _ = try $0.operand([3, 4]).gather($0.operand([3, 1]), axis: 1, file: file, line: line)
        },
        Mistake("indexSelect", "there is no axis -3 in [3, 4]") {
            _ = try $0.operand([3, 4]).indexSelect($0.operand([2], .int32), axis: -3, file: file, line: line)
        },
        Mistake("indexSelect", "must be int32 or int64, not uint8") {
            _ = try $0.operand([3, 4]).indexSelect($0.operand([2], .uint8), axis: 0, file: file, line: line)
        },
        Mistake("gatherND", "needs int32 or int64 indices [..., m] for m axes of [3, 4] after 0 of the batch") {
            _ = try $0.operand([3, 4]).gatherND($0.operand([2, 3], .int32), file: file, line: line)
        },
        Mistake("scatter", "the source [3, 2] and the indices [3, 3] do not fit axis 1 of [3, 4]") {
            _ = try $0.operand([3, 4]).scatter(
                $0.operand([3, 3], .int32), $0.operand([3, 2]), axis: 1, file: file, line: line)
        },
        Mistake("scatterAdd", "there is no axis 7") {
            _ = try $0.operand([3, 4]).scatterAdd(
                $0.operand([3, 4], .int32), $0.operand([3, 4]), axis: 7, file: file, line: line)
        },
        Mistake("indexAdd", "the source [2, 5] and the indices [2] do not fit axis 0 of [3, 4]") {
            _ = try $0.operand([3, 4]).indexAdd(
                $0.operand([2], .int32), $0.operand([2, 5]), axis: 0, file: file, line: line)
        },
        Mistake(
            "indexCopy", "a source of float64 cannot be written to float32", "int32[2], float64[2, 4], float32[3, 4]"
        ) {
            _ = try $0.operand([3, 4]).indexCopy(
                $0.operand([2], .int32), $0.operand([2, 4], .float64), axis: 0, file: file, line: line)
        },
        Mistake("scatter", "an axis cannot have -1 elements") {
            try $0.node(
                .scatter(Scatter(axis: 0, extent: -1, form: .slices, mode: .add)), int([2]), float([2, 3]))
        },
    ]

    private static let paddings: [Mistake] = [
        Mistake("pad", "needs a count before and after each axis", "float32[3, 4]") {
            _ = try $0.operand([3, 4]).padded(before: [1], after: [1, 1], mode: .edge, file: file, line: line)
        },
        Mistake("pad", "a reflection must be narrower than the 3 elements of axis 0", "float32[3]") {
            _ = try $0.operand([3]).padded(before: [3], after: [0], mode: .reflect, file: file, line: line)
        },
        Mistake("pad", "axis 0 is empty, and has nothing to pad with", "float32[0]") {
            _ = try $0.operand([0]).padded(before: [0], after: [1], mode: .wrap, file: file, line: line)
        },
        Mistake("pad", "-2 before and -2 after do not fit the 3 elements of axis 0") {
            _ = try $0.operand([3]).padded(before: [-2], after: [-2], mode: .constant(0), file: file, line: line)
        },
        Mistake("pad", "\(Int.max) before and 1 after do not fit") {
            _ = try $0.operand([3]).padded(before: [.max], after: [1], mode: .edge, file: file, line: line)
        },
        Mistake("flip", "there is no axis 2 in [3, 4]", "float32[3, 4]") {
            _ = try $0.operand([3, 4]).flip(axes: [2], file: file, line: line)
        },
        Mistake("flip", "axis 1 is named twice") {
            _ = try $0.operand([3, 4]).flip(axes: [1, -1], file: file, line: line)
        },
        Mistake("slice", "the step must not be 0", "float32[3]") {
            _ = try $0.operand([3]).sliced(axis: 0, step: 0, file: file, line: line)
        },
    ]

    private static let scansAndSorts: [Mistake] = [
        Mistake("cumsum", "there is no axis 1 in [3]", "float32[3]") {
            _ = try $0.operand([3]).cumsum(axis: 1, file: file, line: line)
        },
        Mistake("cumsum", "must be of a floating-point type, not int32", "int32[3]") {
            _ = try $0.operand([3], .int32).cumsum(axis: 0, file: file, line: line)
        },
        Mistake("cumprod", "there is no axis -2 in [3]") {
            _ = try $0.operand([3]).cumprod(axis: -2, file: file, line: line)
        },
        Mistake("recurrence", "what is added must have shape [3], not [4]") {
            try $0.node(.scan(Scan(.recurrence, axis: 0)), float([3]), float([4]))
        },
        Mistake("recurrence", "a recurrence is never exclusive") {
            try $0.node(.scan(Scan(.recurrence, axis: 0, isExclusive: true)), float([3]), float([3]))
        },
        Mistake("sort", "there is no axis 0 in []", "float32[]") {
            _ = try $0.operand([]).sort(axis: 0, file: file, line: line)
        },
        Mistake("argSort", "there is no axis 3 in [2, 3]") {
            _ = try $0.operand([2, 3]).argSort(axis: 3, file: file, line: line)
        },
        Mistake("topK", "there are no 5 of 3 elements", "float32[2, 3]") {
            _ = try $0.operand([2, 3]).topK(5, file: file, line: line)
        },
        Mistake("topK", "there are no -1 of 2 elements") {
            _ = try $0.operand([2, 3]).topK(-1, axis: 0, file: file, line: line)
        },
    ]

    private static let groups: [Mistake] = [
        Mistake("groupNorm", "4 channels cannot be divided into 3 groups of equal size", "float32[2, 4, 5]") {
            _ = try $0.operand([2, 4, 5]).groupNorm(
                groups: 3, scale: $0.operand([4]), bias: $0.operand([4]), file: file, line: line)
        },
        Mistake("groupNorm", "4 channels cannot be divided into 0 groups") {
            _ = try $0.operand([2, 4]).groupNorm(
                groups: 0, scale: $0.operand([4]), bias: $0.operand([4]), file: file, line: line)
        },
        Mistake("groupNorm", "the scale must have shape [4], not [2]") {
            _ = try $0.operand([2, 4]).groupNorm(
                groups: 2, scale: $0.operand([2]), bias: $0.operand([4]), file: file, line: line)
        },
        Mistake("groupNorm", "needs an axis of examples and one of channels") {
            _ = try $0.operand([4]).instanceNorm(scale: $0.operand([4]), bias: $0.operand([4]), file: file, line: line)
        },
        Mistake("groupNormGradient", "the mean must have shape [4], not [2]") {
            try $0.node(
                .normalization(Normalization(.group(count: 2), .gradient)), float([2, 4]), float([4]), float([2]),
                float([4]), float([2, 4]))
        },
        Mistake("rmsNorm", "epsilon must be a number of at least 0, not -1.0") {
            _ = try $0.operand([2, 4]).rmsNorm(scale: $0.operand([4]), epsilon: -1, file: file, line: line)
        },
        Mistake("rmsNorm", "the scale must have shape [4], not [3]") {
            _ = try $0.operand([2, 4]).rmsNorm(scale: $0.operand([3]), file: file, line: line)
        },
    ]
}
