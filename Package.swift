// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "Tessera",
    products: [
        .library(name: "Tessera", targets: ["Tessera"]),
        .library(name: "TesseraVision", targets: ["TesseraVision"]),
        .executable(name: "gpu-bench", targets: ["gpu-bench"]),
        .executable(name: "gpu-probe", targets: ["gpu-probe"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        // C: a module map and a shim each, and the two places where bytes are hot.
        .systemLibrary(name: "COpenCL"),
        .systemLibrary(name: "COpenBLAS"),
        .systemLibrary(name: "CXattr"),
        .systemLibrary(name: "CZlib"),
        .target(name: "CKernels", exclude: ["tuning.json"]),
        .target(name: "CVector"),
        .target(name: "CPictures", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),
        // The library, each layer importing only those above it.
        .target(name: "OpenCL", dependencies: ["COpenCL"]),
        .target(name: "AtomicFiles", dependencies: ["CXattr"]),
        .target(name: "TensorGraph"),
        .target(name: "Execution", dependencies: ["TensorGraph", .product(name: "Logging", package: "swift-log")]),
        .target(name: "CPUBackend", dependencies: ["Execution", "TensorGraph", "COpenBLAS", "CVector"]),
        .target(
            name: "OpenCLBackend", dependencies: ["AtomicFiles", "Execution", "TensorGraph", "OpenCL", "CKernels"]),
        .target(
            name: "Tessera",
            dependencies: [
                "AtomicFiles", "COpenBLAS", "CPUBackend", "Execution", "OpenCL", "OpenCLBackend", "TensorGraph",
                "CZlib",
                .product(name: "Logging", package: "swift-log"),
            ]),
        // Products of their own, so that nobody pays for what they don't use.
        .target(name: "TesseraVision", dependencies: ["CPictures", "Tessera"]),
        // Command lines.
        .target(
            name: "BenchSupport",
            dependencies: [
                "AtomicFiles", "CPUBackend", "ExampleNetworks", "Execution", "OpenCL", "OpenCLBackend", "TensorGraph",
                "Tessera",
            ]),
        .executableTarget(
            name: "gpu-bench",
            dependencies: [
                "BenchSupport", "OpenCL", "OpenCLBackend", "Tessera",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "gpu-probe",
            dependencies: [
                "BenchSupport", "OpenCL", "OpenCLBackend",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // Programs that train, and their networks, which the benchmark times too.
        .target(name: "ExampleNetworks", dependencies: ["Tessera"], path: "Examples/Networks"),
        .target(
            name: "ExampleSupport",
            dependencies: [
                "AtomicFiles", "Tessera", "TesseraVision",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Examples/ExampleSupport"),
        .executableTarget(
            name: "fashion-cnn", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/fashion-cnn"),
        .executableTarget(
            name: "fashion-resnet", dependencies: ["ExampleNetworks", "ExampleSupport"],
            path: "Examples/fashion-resnet"),
        .executableTarget(
            name: "char-lstm", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/char-lstm"),
        .executableTarget(
            name: "tiny-transformer", dependencies: ["ExampleNetworks", "ExampleSupport"],
            path: "Examples/tiny-transformer"),
        .executableTarget(
            name: "translate", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/translate"),
        .executableTarget(
            name: "stemming", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/stemming"),
        .executableTarget(
            name: "tiny-gan", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/tiny-gan"),
        .executableTarget(
            name: "package-sections", dependencies: ["ExampleNetworks", "ExampleSupport"],
            path: "Examples/package-sections"),
        .executableTarget(
            name: "word-language", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/word-language"),
        .executableTarget(
            name: "movie-ratings", dependencies: ["ExampleNetworks", "ExampleSupport"], path: "Examples/movie-ratings"),
        .executableTarget(
            name: "example-page",
            dependencies: ["ExampleSupport", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Examples/ExamplePage"),
        // Tests, a target for each target they test.
        .testTarget(
            name: "BenchTests",
            dependencies: [
                "AtomicFiles", "BenchSupport", "ExampleNetworks", "Execution", "OpenCL", "OpenCLBackend", "TensorGraph",
                "Tessera",
            ]),
        .testTarget(
            name: "ExampleTests",
            dependencies: [
                "AtomicFiles", "ExampleNetworks", "ExampleSupport", "Tessera",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "CVectorTests", dependencies: ["CVector"]),
        .testTarget(name: "CPUBackendTests", dependencies: ["CPUBackend", "CVector", "Execution", "TensorGraph"]),
        .testTarget(name: "OpenCLBackendTests", dependencies: ["Execution", "OpenCLBackend", "TensorGraph"]),
        .testTarget(name: "OpenCLTests", dependencies: ["Execution", "OpenCL", "OpenCLBackend", "TensorGraph"]),
        .target(name: "TestSupport", dependencies: ["TensorGraph"], path: "Tests/TestSupport"),
        .testTarget(
            name: "ExecutionTests",
            dependencies: ["CPUBackend", "Execution", "TensorGraph", .product(name: "Logging", package: "swift-log")]),
        .testTarget(
            name: "TesseraTests",
            dependencies: ["AtomicFiles", "Execution", "OpenCL", "ParityRunner", "Tessera", "TestSupport"]),
        .target(
            name: "ParityRunner",
            dependencies: ["CPUBackend", "Execution", "OpenCL", "OpenCLBackend", "TensorGraph", "TestSupport"],
            path: "Tests/ParityRunner"),
        .executableTarget(
            name: "tessera-parity",
            dependencies: [
                "OpenCLBackend", "ParityRunner", "TensorGraph", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Tests/ParityProgram"),
        .testTarget(name: "ParityTests", dependencies: ["OpenCL", "OpenCLBackend", "ParityRunner", "TestSupport"]),
        .testTarget(name: "DocumentationTests", dependencies: ["Tessera", "TesseraVision"]),
        .testTarget(name: "VisionTests", dependencies: ["CPictures", "Tessera", "TesseraVision"]),
        .testTarget(name: "TensorGraphTests", dependencies: ["TensorGraph", "TestSupport"]),
    ],
    cLanguageStandard: .c2x
)
