import Tessera
import Testing

// The code of the article Devices.

@Suite struct DeviceTests {
    @Test func devicesAreChosenByName() throws {
        let best = try Executor(on: .automatic)
        print(best.deviceName)

        let text = "cpu"  // from a command line
        let chosen = try Executor(on: DeviceChoice(text))

        do {
            _ = try Executor(on: .named("no such device"))
        } catch let error as DeviceError {
            print(error)  // says which devices there are
        }

        #expect(!best.deviceName.isEmpty && !chosen.deviceName.isEmpty)
    }

    @Test func plansSayWhereTheyRun() throws {
        let executor = try Executor()
        let random = RandomSource(seed: 1)
        let model = Sequential(Dense(8, 16, random), GELU(), Dense(16, 2, random))
        let trainer = Trainer(model, loss: .crossEntropy, optimizer: Adam(), on: executor)
        let batch = Batch(
            input: try random.normal([4, 8]), target: try HostTensor([4], [0, 1, 0, 1] as [Int32]), count: 4)
        print(try trainer.trainingPlan(for: batch).explain())
        _ = try trainer.train(batch)
        print(executor.failures)  // empty, as nothing has failed

        #expect(executor.failures.isEmpty)
    }
}
