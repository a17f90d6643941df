internal import AtomicFiles
import Execution
import Foundation
import TensorGraph

/// What a case ran on and what came out, as files that NumPy reads: a folder for each case, pass and device with
/// `case.json`, `in_NAME.npy`, `out_NAME.npy` and, with gradients, `dy.npy` and `grad_NAME.npy`.
enum CaseDump {
    static func write(_ program: CaseProgram, _ row: BenchRow, _ executor: Executor, to folder: String) throws {
        let name = "\(row.benchCase) \(row.pass) \(row.device)".map {
            $0.isLetter || $0.isNumber || $0 == "=" ? $0 : "_"
        }
        let path = folder + "/" + String(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        func save(_ name: String, _ tensor: HostTensor) throws {
            try AtomicFile.write([UInt8](NumPyFile.data(tensor)), to: "\(path)/\(name).npy")
        }
        for slot in program.inputs { try save("in_" + slot.name, executor.value(of: slot.variable)) }
        for slot in program.outputs { try save("out_" + slot.name, executor.value(of: slot.variable)) }
        for slot in program.gradients { try save("grad_" + slot.name, executor.value(of: slot.variable)) }
        if let dy = program.cotangent { try save("dy", executor.value(of: dy.variable)) }
        // Last, so that a folder with this file is whole.
        try AtomicFile.write(Array((try BenchRowFile.json(row) + "\n").utf8), to: path + "/case.json")
    }
}

/// NumPy's file format, version 1.0: a magic string, a dictionary as text padded to a multiple of 64 bytes, the elements.
package enum NumPyFile {
    package static func data(_ tensor: HostTensor) throws -> Data {
        let type =
            switch tensor.dtype {
            case .float16: "<f2"
            case .float32: "<f4"
            case .float64: "<f8"
            case .int32: "<i4"
            case .int64: "<i8"
            case .int8: "|i1"
            case .int16: "<i2"
            case .uint8: "|u1"
            case .uint16: "<u2"
            case .uint32: "<u4"
            case .uint64: "<u8"
            case .bool: "|b1"
            case .bfloat16: throw BenchError("NumPy has no bfloat16")
            }
        let extents = tensor.shape.dimensions.map { "\($0)," }.joined(separator: " ")
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
        let unpadded = 10 + header.utf8.count + 1
        header += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let length = UInt16(header.utf8.count)
        var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(length & 0xFF), UInt8(length >> 8)])
        data += Data(header.utf8)
        tensor.withUnsafeBytes { data.append(contentsOf: $0) }
        return data
    }
}
