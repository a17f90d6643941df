import Execution
import OpenCL
import TensorGraph

/// Kernels with their arguments set, ready to be enqueued in order.
///
/// Each launch has a kernel object of its own, so that between runs only the memories that changed are set again.
final class OpenCLRecording: Recording {
    private struct Launch {
        var kernel: Kernel
        var global: NDRange
        var local: NDRange
        var label: String
        var specification: KernelSpecification
        /// Which argument takes the memory of which slot, and what is bound there now.
        var buffers: [Binding]
    }

    private struct Binding {
        var argument: Int
        var slot: Int
        var bound: Buffer?
    }

    private let backend: OpenCLBackend
    private var launches: [Launch] = []

    init(_ nodes: [PlacedNode], on backend: OpenCLBackend) throws {
        self.backend = backend
        for placed in nodes {
            guard let lowered = placed.lowered as? OpenCLNode else {
                throw GraphError(operation: placed.node.op.name, message: "was lowered for another backend")
            }
            for launch in lowered.launches {
                launches.append(try Self.prepare(launch, placed, backend))
            }
        }
    }

    private static func prepare(
        _ launch: KernelLaunch, _ placed: PlacedNode, _ backend: OpenCLBackend
    ) throws -> Launch {
        let kernel = try backend.program(for: launch.kernel).kernel(launch.kernel.name)
        var buffers: [Binding] = []
        var index = 0
        func set(_ argument: Kernel.Argument) throws {
            try kernel.setArgument(index, argument)
            index += 1
        }
        func tensor(_ region: Region, elementSize: Int) throws {
            buffers.append(Binding(argument: index, slot: region.slot, bound: nil))
            index += 1
            try set(.uint64(UInt64(region.byteOffset / elementSize)))
        }
        for argument in launch.arguments {
            switch argument {
            case .operand(let operand):
                try tensor(placed.operands[operand], elementSize: placed.node.operandTypes[operand].dtype.byteCount)
            case .result(let result):
                try tensor(placed.results[result], elementSize: placed.node.resultTypes[result].dtype.byteCount)
            case .workspace(let workspace, let size): try tensor(placed.workspaces[workspace], elementSize: size)
            case .int32(let number):
                guard let value = Int32(exactly: number) else {
                    throw GraphError(
                        operation: placed.node.op.name, message: "an extent of \(number) is too large for this device",
                        operands: placed.node.operandTypes, location: placed.node.location)
                }
                try set(.int32(value))
            case .uint32(let number): try set(.uint32(number))
            case .uint64(let number): try set(.uint64(number))
            case .float(let number): try set(.float(Float(number)))
            case .local(let byteCount): try set(.local(byteCount: byteCount))
            }
        }
        return Launch(
            kernel: kernel, global: try NDRange(launch.globalSize), local: try NDRange(launch.localSize),
            label: "\(placed.node.op.name): \(launch.kernel.name)", specification: launch.kernel, buffers: buffers)
    }

    func letGo() {
        for index in launches.indices {
            for position in launches[index].buffers.indices where launches[index].buffers[position].bound != nil {
                launches[index].buffers[position].bound = nil
                launches[index].kernel.unsetArgument(launches[index].buffers[position].argument)
            }
        }
    }

    func run(bindings: [any Memory], trace: Trace?) throws {
        var events: [(String, Event)] = []
        for index in launches.indices {
            for position in launches[index].buffers.indices {
                let binding = launches[index].buffers[position]
                let buffer = try bindings[binding.slot].buffer
                guard buffer !== binding.bound else { continue }
                // Forgotten first: if the call fails, what is bound is not known.
                launches[index].buffers[position].bound = nil
                try launches[index].kernel.setArgument(binding.argument, .buffer(buffer))
                launches[index].buffers[position].bound = buffer
            }
            let launch = launches[index]
            let event = try backend.queue.launch(
                launch.kernel, global: launch.global, local: launch.local, event: trace != nil)
            if let event { events.append((launch.label, event)) }
            try backend.noteLaunch(of: launch.specification)
        }
        guard let trace else { return }
        try backend.queue.finish()
        for (label, event) in events {
            let profile = try event.profile()
            trace.add(
                Trace.Event(name: label, track: backend.name, start: profile.started, duration: profile.nanoseconds))
        }
    }
}

extension NDRange {
    fileprivate init(_ sizes: [Int]) throws {
        switch sizes.count {
        case 1: self.init(sizes[0])
        case 2: self.init(sizes[0], sizes[1])
        case 3: self.init(sizes[0], sizes[1], sizes[2])
        default: throw GraphError(operation: "launch", message: "\(sizes.count) dimensions of work-items")
        }
    }
}
