import Dispatch
import Execution
import Foundation
import OpenCL
import Synchronization
import TensorGraph

/// How far a compiler is with the kernels it was given. Each is built and, where the driver leaves machine code to the first
/// launch, launched.
struct CompilationCount {
    let stepsEach: Int
    private(set) var kernels = 0
    private var steps = 0

    init(stepsEach: Int) { self.stepsEach = stepsEach }

    var done: Int { steps / stepsEach }

    /// More kernels; if none are left, those that are done no longer count.
    mutating func begin(_ count: Int) {
        if done == kernels { (kernels, steps) = (0, 0) }
        kernels += count
    }

    mutating func advance(by count: Int) { steps = min(steps + count, kernels * stepsEach) }
}

extension OpenCLBackend {
    /// Builds, on all cores, the programs that nodes need and no cache has.
    ///
    /// What cannot be built is no error here: ``lower(_:steady:)`` meets it again.
    package func willLower(_ nodes: [(node: Node, steady: Set<Int>)]) {
        var missing: [(text: ProgramText, kernels: Set<KernelSpecification>)] = []
        var places: [ProgramText: Int?] = [:]
        for (node, steady) in nodes {
            guard case .accepted(let accepted)? = try? profile(for: node).lower(node, steady: steady),
                let lowered = accepted as? OpenCLNode
            else { continue }
            for kernel in lowered.launches.map(\.kernel) where failed[kernel] == nil {
                guard let text = try? ProgramText(kernel) else { continue }
                if let place = places[text] {
                    if let place { missing[place].kernels.insert(kernel) }
                } else if programs.found(text) != nil {
                    places[text] = .some(nil)
                } else {
                    places[text] = missing.count
                    missing.append((text, [kernel]))
                }
            }
        }
        guard !missing.isEmpty else { return }
        compilation.begin(missing.reduce(0) { $0 + $1.kernels.count })
        report()
        let threads = device.compilesOnSeveralThreads ? ProcessInfo.processInfo.activeProcessorCount : 1
        let built = CompletionQueue(of: missing.map(\.text), threads: threads) { [programs] text in
            Result { () throws(OpenCLError) in try programs.build(text) }
        }
        for _ in missing {
            let (index, result) = built.next()
            let kernels = missing[index].kernels
            switch result {
            case .success:
                if device.compilesAtLaunch { unlaunched.formUnion(kernels) }
                compilation.advance(by: kernels.count)
            case .failure(let error):
                if error.isBuildFailure { for kernel in kernels { failed[kernel] = error } }
                compilation.advance(by: kernels.count * compilation.stepsEach)
            }
            report()
        }
    }

    /// To be called after a launch. The first one of a kernel that was built here is waited for where that is what takes
    /// long, so that the progress shown is true.
    func noteLaunch(of kernel: KernelSpecification) throws {
        guard !unlaunched.isEmpty, unlaunched.remove(kernel) != nil else { return }
        try queue.finish()
        compilation.advance(by: 1)
        report()
    }

    private func report() {
        onCompilation?(KernelCompilation(device: name, done: compilation.done, count: compilation.kernels))
    }
}

/// Does something to each of several things on threads of its own, and hands over each result as it comes.
private final class CompletionQueue<Input: Sendable, Output: Sendable>: Sendable {
    private struct State {
        var waiting: [(Int, Input)]
        var done: [(Int, Output)] = []
    }

    private let state: Mutex<State>
    private let finished = DispatchSemaphore(value: 0)

    init(of inputs: [Input], threads: Int, _ work: @escaping @Sendable (Input) -> Output) {
        state = Mutex(State(waiting: inputs.enumerated().reversed()))
        for _ in 0..<min(threads, inputs.count) {
            let thread = Thread { [self] in
                while let (index, input) = state.withLock({ $0.waiting.popLast() }) {
                    let output = work(input)
                    state.withLock { $0.done.append((index, output)) }
                    finished.signal()
                }
            }
            // Compilers recurse deeply.
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// Waits for the next result. To be called once for each input.
    func next() -> (Int, Output) {
        while true {
            finished.wait()
            if let result = state.withLock({ $0.done.popLast() }) { return result }
        }
    }
}
