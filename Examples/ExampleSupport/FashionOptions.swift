import ArgumentParser

/// Where the pictures of clothing are.
public struct FashionOptions: ParsableArguments {
    @Option(
        help: .init(
            "The folder with the four files of Fashion-MNIST (Debian's and Ubuntu's dataset-fashion-mnist).",
            valueName: "folder"))
    public var data = "/usr/share/datasets/fashion-mnist"

    public init() {}
}
