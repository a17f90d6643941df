import CVector
import TensorGraph

extension CPULowering {
    func input(_ attributes: Input) throws -> CPUKernel { throw CPUError.noWork("input \(attributes.name)") }
    func variable(_ variable: Variable) throws -> CPUKernel { throw CPUError.noWork("variable \(variable.name)") }

    func constant(_ value: HostTensor) throws -> CPUKernel {
        CPUKernel("copies") { places in
            value.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                places.results[0].copyMemory(from: start, byteCount: bytes.count)
            }
        }
    }

    func fill(_ attributes: Fill) throws -> CPUKernel {
        let (type, size, count) = (type, size, attributes.type.shape.elementCount)
        return CPUKernel("fills") { places in
            var (number, element) = (attributes.value, UInt64(0))
            cv_convert(CV_FLOAT64, &number, type, &element, 1)
            cv_splat(Int64(size), &element, places.results[0], Int64(count))
        }
    }

    func random(_ attributes: Random) throws -> CPUKernel {
        let count = attributes.shape.elementCount
        return CPUKernel("Philox, four elements a counter") { places in
            let counter = UInt32(bitPattern: places.operands[0].load(as: Int32.self))
            let y = places.results[0].assumingMemoryBound(to: Float.self)
            Parallel.run(count.dividedRoundingUp(by: 4), grain: memoryGrain / 32) { groups in
                cv_random(
                    attributes.distribution == .normal ? 1 : 0, attributes.seed, counter, y, Int64(groups.lowerBound),
                    Int64(groups.upperBound), Int64(count))
            }
        }
    }
}
