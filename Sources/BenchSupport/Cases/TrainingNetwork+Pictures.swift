import ExampleNetworks
import Tessera

// The networks of pictures and clips that have losses of their own.
extension TrainingNetwork {
    /// Every place shows an item, so that all of both losses counts.
    mutating func detector(_ batch: Int) throws -> (Tensor, Tensor) {
        let detector = try prepared(ItemDetector(random))
        let extent = ItemScenes.extent
        let places = (extent / ItemDetector.stride) * (extent / ItemDetector.stride)
        let output = try detector(data("pictures", [batch, 1, extent, extent], .normal), pass)
        let corners = try data("corners", [batch, places, 2], .normal)
        let extents = try data("extents", [batch, places, 2], .normal).softplus()
        let losses = try ItemDetector.losses(
            output, labels: data("labels", [batch, places], .indices(count: ItemDetector.classes)),
            boxes: .concatenated([corners, corners + extents], axis: 2))
        return (output, try losses.classes + losses.boxes)
    }

    mutating func movingItems(_ batch: Int) throws -> (Tensor, Tensor) {
        let network = try prepared(MovingItemsNetwork(.clip, random))
        let shape: Shape = [batch, 1, MovingItems.frames, MovingItems.extent, MovingItems.extent]
        let output = try network(data("clips", shape, .normal), pass)
        let (classes, directions) = try MovingItemsNetwork.answers(output)
        let labels = try data("classes", [batch], .indices(count: MovingItems.classes.count))
        let wanted = try data("directions", [batch], .indices(count: MovingItems.directions))
        return (output, try Loss.crossEntropy(classes, labels) + Loss.crossEntropy(directions, wanted))
    }

    /// Two losses, each of which moves one of the networks. The forward pass is the generator's.
    mutating func fashionGAN(_ batch: Int) throws -> (Tensor, Tensor) {
        let gan = FashionGAN(random)
        _ = try prepared(gan.generator, name: "generator")
        let border = parameters.count
        _ = try prepared(gan.discriminator, name: "discriminator")
        let losses = try gan.losses(
            pictures: data("pictures", [batch, 1, 28, 28], .normal),
            noise: data("noise", [batch, FashionGAN.noise], .normal), pass)
        objectives = [
            (losses.generator, 0..<border), (losses.discriminator, border..<parameters.count),
        ]
        return (losses.made, try losses.generator + losses.discriminator)
    }
}
