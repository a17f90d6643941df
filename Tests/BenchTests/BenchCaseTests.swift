import ExampleNetworks
import Foundation
import Tessera
import Testing

@testable import BenchSupport

@Suite struct BenchCaseTests {
    @Test func keysThatAreLeftOutHaveTheirStandardValue() throws {
        let row = try BenchCase("conv2d:n=8,c=96,h=56,w=56,k=96,r=3,s=3,pad=1,groups=96")
        #expect(row.family == .conv2d)
        #expect(row["c"] == 96 && row["pad"] == 1 && row["groups"] == 96)
        #expect(row["stride"] == 1 && row["dilation"] == 1)
        #expect(try BenchCase("matmul:m=2,n=3,k=4")["batch"] == 1)
        #expect(try BenchCase("train:model=tiny-transformer,b=8").model == .tinyTransformer)
    }

    @Test(arguments: [
        ("x", "there is no family"), ("gemm:m=1", "there is no family \"gemm\""), ("matmul", "m= is missing"),
        ("matmul:m=3,n=4", "k= is missing"), ("matmul:m=3,n=4,k=0", "k=0 is not a number"),
        ("matmul:m=3,n=4,k=-2", "k=-2 is not a number"), ("matmul:m=3,n=4,k=x", "k=x is not a number"),
        ("matmul:m=3,n=4,k=99999999999", "is not a number"), ("matmul:m=3,n=4,k=5,z=1", "no key z"),
        ("matmul:m=3,n=4,k=5,m=6", "m is given twice"), ("matmul:m,n=4,k=5", "not of the form key=value"),
        ("train:b=8", "needs model="), ("train:model=resnet,b=8", "needs model="),
        ("train:model=char-lstm", "b= is missing"),
        ("conv2d:n=1,c=3,h=5,w=5,k=4,r=3,s=3,groups=2", "multiples of groups"),
        ("gather:rows=3,cols=4,count=5,axis=2", "axis must be 0 or 1"),
        ("interpolate:n=1,c=2,h=3,w=4,p=5,q=6,order=2", "order must be 0 (nearest), 1 (linear) or 3 (cubic)"),
        ("topk:rows=3,cols=4", "k= is missing"),
        ("pool:n=1,c=2,d=3,w=4,k=2", "d= needs h="), ("pool:n=1,c=2,w=4,k=2,mode=least", "no mode least"),
        ("matmul:m=3,n=4,k=5,type=f8", "no type f8"), ("softmax:rows=3,cols=4,type=f16", "no key type"),
    ])
    func whatIsWrongIsSaid(_ text: String, _ message: String) {
        #expect { try BenchCase(text) } throws: { "\($0)".contains(message) && "\($0)".contains(text) }
    }

    @Test func aMistakeInAFileHasItsLine() {
        #expect { try BenchCase.parse(lines: "# cases\n\nsoftmax:rows=3,cols=4\nsoftmax:rows=3\n") } throws: {
            "\($0)".hasPrefix("line 4: ")
        }
    }

    /// The lists in the program and in `Benchmarks/` are the same.
    @Test(arguments: [(BenchSuite.quick, "quick.txt"), (.full, "cases.txt")])
    func theFilesHoldTheSuites(_ suite: BenchSuite, _ file: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("Benchmarks/" + file), encoding: .utf8)
        #expect(try BenchCase.parse(lines: text) == suite.cases)
        #expect(try !suite.cases.isEmpty)
    }

    /// Every family and model can be built for both passes, with gradients for each float input.
    @Test(arguments: [
        "matmul:m=3,n=4,k=5", "matmul:m=3,n=4,k=5,type=bf16", "attention:b=1,h=2,sq=3,sk=4,d=5,type=f16",
        "matmul:batch=2,m=3,n=4,k=5,ta=1,tb=1",
        "conv2d:n=1,c=4,h=5,w=6,k=2,r=3,s=3,pad=1,groups=2",
        "attention:b=1,h=2,sq=3,sk=4,d=5,causal=1", "lstm:t=2,b=3,i=4,h=5", "gru:t=2,b=3,i=4,h=5",
        "softmax:rows=3,cols=4",
        "layernorm:rows=3,cols=4", "batchnorm2d:n=2,c=3,h=4,w=5", "maxpool2d:n=1,c=2,h=4,w=4,r=2,stride=2",
        "rmsnorm:rows=3,cols=4", "groupnorm:n=2,c=4,h=3,w=2,groups=2", "interpolate:n=1,c=2,h=3,w=4,p=5,q=6,order=3",
        "gather:rows=3,cols=4,count=5", "gather:rows=3,cols=4,count=5,axis=1,slices=1", "cumsum:rows=3,cols=4",
        "topk:rows=3,cols=4,k=2", "train:model=fashion-cnn,b=1", "train:model=char-lstm,b=1",
        "train:model=fashion-resnet,b=2",
        "train:model=tiny-transformer,b=1",
        "pool:n=1,c=2,w=9,k=2", "pool:n=1,c=2,h=5,w=6,k=3,s=2,p=1,mode=max",
        "pool:n=1,c=2,d=4,h=5,w=6,k=3,s=2,p=1,ceil=1,mode=average", "pool:n=1,c=2,d=4,h=5,w=6,k=2,mode=norm",
        "train:model=deep-cross,b=2", "train:model=package-sections,b=2", "train:model=word-language,b=1",
        "train:model=movie-ratings,b=2",
        "train:model=translate,b=1", "train:model=stemming,b=1",
    ])
    func everyFamilyCanBeBuilt(_ text: String) throws {
        let row = try BenchCase(text)
        let forward = try CaseProgram(row, .fwd)
        let both = try CaseProgram(row, .fwdbwd)
        #expect(forward.outputs.first?.name == "y")
        #expect(forward.flops > 0 && both.flops > forward.flops)
        if row.family == .train {
            // A value and two moments of each parameter, the step and the loss; running statistics, where it has some.
            #expect(both.loss != nil && both.updates.count >= 3 * both.inputs.count + 2)
            #expect(both.updates.filter { $0.0.isTrainable }.count == both.inputs.count + 1)
        } else {
            let differentiable = both.inputs.filter { $0.variable.type.dtype.isFloatingPoint }
            #expect(both.gradients.map(\.name) == differentiable.map(\.name))
            #expect(both.cotangent?.variable.type == both.outputs[0].variable.type)
            #expect(zip(both.gradients, differentiable).allSatisfy { $0.variable.type == $1.variable.type })
        }
    }

    /// The networks that are timed are those that the examples train.
    @Test func theNetworksAreTheExamples() throws {
        let random = RandomSource(seed: 3)
        let networks: [(String, any Module)] = [
            ("fashion-cnn", Sequential.fashionCNN(random)), ("fashion-resnet", FashionResNet(random)),
            ("char-lstm", CharacterLSTM(random)),
            ("tiny-transformer", CharacterTransformer(random)), ("translate", SequenceTransformer.translation(random)),
            ("stemming", SequenceTransformer.stemming(random)),
            (
                "word-language",
                RecurrentClassifier(.lstm, vocabulary: 51, classes: 7, width: 64, hidden: 128, random)
            ), ("movie-ratings", RatingNetwork(.stacked, counts: [673, 4803, 100, 716], random)),
        ]
        for (name, network) in networks {
            let program = try CaseProgram(BenchCase("train:model=\(name),b=2"), .fwdbwd)
            #expect(program.inputs.map(\.name) == network.namedVariables.filter(\.variable.isTrainable).map(\.name))
            #expect(program.inputs.map(\.variable.type) == network.parameters.map(\.type))
        }
    }

    /// The reference has the same numbers in float64.
    @Test func theReferenceStartsFromTheSameNumbers() throws {
        let text = try BenchCase("train:model=deep-cross,b=2")
        let single = try CaseProgram(text, .fwd)
        let double = try CaseProgram(text, .fwd, isReference: true)
        for (a, b) in zip(single.inputs, double.inputs) {
            let floats: [Float] = try a.variable.initialValue.elements()
            #expect(try b.variable.initialValue.elements() == floats.map(Double.init))
        }
    }

    @Test func flopsAreCountedAsThePeersDo() throws {
        #expect(try CaseProgram(BenchCase("matmul:batch=3,m=4,n=5,k=6"), .fwd).flops == 720)
        #expect(
            try CaseProgram(BenchCase("conv2d:n=2,c=3,h=4,w=4,k=5,r=3,s=3,pad=1"), .fwd).flops == Double(2 * 160 * 27))
        #expect(try CaseProgram(BenchCase("attention:b=1,h=1,sq=2,sk=4,d=8"), .fwd).flops == 256)
        #expect(try CaseProgram(BenchCase("attention:b=1,h=1,sq=2,sk=4,d=8,causal=1"), .fwdbwd).flops == 448)
        #expect(try CaseProgram(BenchCase("lstm:t=2,b=3,i=4,h=5"), .fwd).flops == Double(8 * 30 * 9))
        #expect(try CaseProgram(BenchCase("interpolate:n=1,c=2,h=3,w=4,p=5,q=6"), .fwd).flops == 60)
        #expect(try CaseProgram(BenchCase("interpolate:n=1,c=2,h=3,w=4,p=5,q=6,order=3"), .fwd).flops == 1920)
    }
}
