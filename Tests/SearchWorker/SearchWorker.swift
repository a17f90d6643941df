import Foundation
import TesseraSearch

/// Takes trials of a study until there are as many as asked for, for tests of several processes and of killed ones:
///
///     tessera-search-worker FILE TRIALS [MILLISECONDS]
///
/// A trial takes so long, with three reports, and prints a line when it begins.
@main struct SearchWorker {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let trials = Int(arguments[2]) else {
            print("usage: tessera-search-worker FILE TRIALS [MILLISECONDS]")
            exit(2)
        }
        let milliseconds = arguments.count > 3 ? UInt32(arguments[3]) ?? 0 : 0
        let study = try Study(
            arguments[1], space: SearchSpace([.real("x", -1...1), .real("y", -1...1)]), direction: .minimize, seed: 5,
            sampler: .random)
        try study.run(trials: trials) { trial in
            print("trial \(trial.number)")
            fflush(nil)
            let (x, y) = (try trial.real("x"), try trial.real("y"))
            for step in 1...3 {
                try trial.report(x * x + y * y + 1 / Double(step), step: step)
                usleep(milliseconds * 1000 / 3)
            }
            return x * x + y * y
        }
    }
}
