import CVector
import Foundation
import Testing

/// The loops in C, which are compiled for several instruction sets: whatever the length and so the rest after whole vectors,
/// and whatever part of the work a thread is given.
@Suite struct LoopTests {
    private static let lengths = Array(0...40) + [63, 64, 65, 127, 1025]

    private func numbers(_ count: Int, from seed: UInt64 = 1) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-30
        }
    }

    @Test func functionsReachEveryElementAndNoneBeyond() {
        for count in Self.lengths {
            let x = numbers(count)
            var y = [Float](repeating: -7, count: count + 3)
            cv_unary(CV_FLOAT32, CV_SQUARE, x, &y, Int64(count))
            #expect(Array(y[..<count]) == x.map { $0 * $0 })
            #expect(y[count...] == [-7, -7, -7])
        }
    }

    @Test func functionsMayWriteWhereTheyRead() {
        for count in Self.lengths {
            let x = numbers(count)
            var y = x
            y.withUnsafeMutableBytes { cv_unary(CV_FLOAT32, CV_NEGATE, $0.baseAddress, $0.baseAddress, Int64(count)) }
            #expect(y == x.map { -$0 })
        }
    }

    @Test func aStepOfZeroIsANumber() {
        let (a, b) = (numbers(37), numbers(37, from: 2))
        var y = [Float](repeating: 0, count: 37)
        for (aStep, bStep) in [(1, 1), (1, 0), (0, 1)] {
            cv_binary(CV_FLOAT32, CV_SUBTRACT, a, Int64(aStep), b, Int64(bStep), &y, 37)
            #expect(y == (0..<37).map { a[aStep * $0] - b[bStep * $0] })
        }
    }

    @Test func sumsOfProductsAreThoseOfEachStepAlone() {
        let values = (1...4).map { numbers(37, from: $0) }
        for function in [CV_ADD, CV_SUBTRACT] {
            for steps in 1..<16 {
                for absent in 0..<4 {
                    let step = (0..<4).map { steps >> $0 & 1 }
                    func factor(_ n: Int, _ i: Int) -> Float {
                        n % 2 == 1 && absent >> (n / 2) & 1 == 1 ? 1 : values[n][step[n] * i]
                    }
                    // Something is an array.
                    if (0..<37).allSatisfy({ i in (0..<4).allSatisfy { factor($0, i) == factor($0, 0) } }) { continue }
                    var y = [Float](repeating: 0, count: 37)
                    values[1].withUnsafeBufferPointer { b in
                        values[3].withUnsafeBufferPointer { d in
                            cv_multiply_add(
                                CV_FLOAT32, function, values[0], Int64(step[0]), absent & 1 == 1 ? nil : b.baseAddress,
                                Int64(step[1]), values[2], Int64(step[2]), absent & 2 == 2 ? nil : d.baseAddress,
                                Int64(step[3]), &y, 37)
                        }
                    }
                    let expected = (0..<37).map { i in
                        let (left, right) = (factor(0, i) * factor(1, i), factor(2, i) * factor(3, i))
                        return function == CV_ADD ? left + right : left - right
                    }
                    #expect(y == expected, "steps \(step), absent \(absent)")
                }
            }
        }
    }

    @Test func numbersBecomeTheNearestIntegerThatThereIs() {
        let x: [Float] = [0, -0.0, 0.9, -0.9, 2.5, -2.5, .nan, .infinity, -.infinity, 3e9, -3e9, 255.9, 256, -1]
        var integers = [Int32](repeating: 1, count: x.count)
        cv_convert(CV_FLOAT32, x, CV_INT32, &integers, Int64(x.count))
        #expect(integers == [0, 0, 0, 0, 2, -2, 0, .max, .min, .max, .min, 255, 256, -1])
        var bytes = [UInt8](repeating: 1, count: x.count)
        cv_convert(CV_FLOAT32, x, CV_UINT8, &bytes, Int64(x.count))
        #expect(bytes == [0, 0, 0, 0, 2, 0, 0, 255, 0, 255, 0, 255, 255, 0])
    }

    @Test func halvesComeBackAsTheyWere() {
        let patterns = (0...UInt16.max).map { $0 }
        for type in [CV_FLOAT16, CV_BFLOAT16] {
            var floats = [Float](repeating: 0, count: patterns.count)
            cv_convert(type, patterns, CV_FLOAT32, &floats, Int64(patterns.count))
            var back = [UInt16](repeating: 0, count: patterns.count)
            cv_convert(CV_FLOAT32, floats, type, &back, Int64(patterns.count))
            let wrong = patterns.indices.filter { !floats[$0].isNaN && back[$0] != patterns[$0] }
            #expect(wrong.isEmpty, "\(wrong.prefix(5))")
        }
    }

    @Test func partsOfAReductionAreTheWhole() {
        for columns in [1, 3, 16, 31, 100] {
            let (rows, x) = (23, numbers(23 * columns))
            for reduction in [CV_SUM, CV_MEAN, CV_LEAST, CV_GREATEST] {
                var (whole, parts) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
                cv_reduce_rows(CV_FLOAT32, reduction, x, &whole, 0, Int64(rows), Int64(columns))
                for start in stride(from: 0, to: rows, by: 5) {
                    cv_reduce_rows(
                        CV_FLOAT32, reduction, x, &parts, Int64(start), Int64(min(start + 5, rows)), Int64(columns))
                }
                #expect(whole == parts)
                let least = (0..<rows).map { x[($0 * columns)..<(($0 + 1) * columns)].min() }
                if reduction == CV_LEAST { #expect(whole.map(Optional.some) == least) }
            }
        }
    }

    @Test func transposedTwiceIsTheSame() {
        for (rows, columns) in [(1, 1), (1, 17), (17, 1), (8, 8), (33, 65), (7, 130)] {
            let x = numbers(rows * columns)
            var (y, back) = ([Float](repeating: 0, count: x.count), [Float](repeating: 0, count: x.count))
            cv_transpose(4, x, &y, Int64(columns), Int64(rows), Int64(columns), Int64(rows))
            #expect((0..<x.count).allSatisfy { y[$0 % columns * rows + $0 / columns] == x[$0] })
            cv_transpose(4, y, &back, Int64(rows), Int64(columns), Int64(rows), Int64(columns))
            #expect(back == x)
        }
    }
}
