import Tessera
import Testing

// The code of the article SeveralInputs.

/// Sales by a shop's number and by what is measured: two inputs, one output, and a second loss.
struct ShopModel: Module {
    let shops: Embedding
    let body: Sequential
    let amount: Dense
    let isOpen: Dense

    init(shops count: Int, measures: Int, _ random: RandomSource) {
        shops = Embedding(count, 8, random)
        body = Sequential(Dense(8 + measures, 32, random), ReLU())
        amount = Dense(32, 1, random)
        isOpen = Dense(32, 1, random)
    }

    func callAsFunction(
        shop: Tensor, measures: Tensor, _ pass: ForwardPass
    ) throws -> (amount: Tensor, isOpen: Tensor) {
        let features = try Tensor.concatenated([shops(shop, pass), measures], axis: 1)
        let hidden = try body(features, pass)
        return (try amount(hidden, pass), try isOpen(hidden, pass))
    }
}

@Suite struct SeveralInputTests {
    @Test func namedTensorsTrain() throws {
        let random = RandomSource(seed: 1)
        let count = 256
        let numbersOfShops = (0..<count).map { Int32($0 % 5) }
        let measures = try random.normal([count, 3])
        let numbers = try measures.elements(Float.self)
        let amounts = (0..<count).map { numbers[3 * $0] + Float(numbersOfShops[$0]) }
        let open = numbersOfShops.map { Float($0 % 2) }

        let shops = try HostTensor([count], numbersOfShops)
        let data = try TensorDataset([
            "shop": shops,
            "measures": measures,
            "amount": HostTensor([count, 1], amounts),
            "open": HostTensor([count, 1], open),
        ])

        let model = ShopModel(shops: 5, measures: 3, random)
        let trainer = Trainer(
            model,
            groups: [
                ParameterGroup("table", model.shops, Adam(learningRate: 0.05)),
                ParameterGroup(
                    "rest", model.body.parameters + model.amount.parameters + model.isOpen.parameters,
                    Adam(learningRate: 0.01)),
            ], on: try Executor()
        ) { pass, batch in
            let found = try model(shop: batch["shop"], measures: batch["measures"], pass)
            return try [
                .loss("amount", .meanSquaredError, found.amount, batch["amount"]),
                .loss("open", .binaryCrossEntropyWithLogits, found.isOpen, batch["open"]),
            ]
        } predicting: { pass, inputs in
            ["amount": try model(shop: inputs["shop"], measures: inputs["measures"], pass).amount]
        }
        try trainer.fit(data, batchSize: 32, epochs: 30)

        let found = try trainer.predict(["shop": shops, "measures": measures])
        print(found["amount"]?.shape as Any)  // [256, 1]

        let result = try trainer.evaluate(data)
        #expect(result.losses["amount"] ?? 9 < 0.1 && result.losses["open"] ?? 9 < 0.1)
        #expect(found["amount"]?.shape == [256, 1])
    }
}
