/// The cases that come with the program; `Benchmarks/*.txt` holds the same lists.
package enum BenchSuite: String, Sendable, CaseIterable {
    /// A minute or so: every family, small.
    case quick
    /// What figures are quoted from.
    case full
    /// What `gpu-bench tune` finds numbers for: every family of kernels, across sizes.
    case tuning

    package var cases: [BenchCase] {
        get throws { try BenchCase.parse(lines: lines) }
    }

    package var lines: String {
        switch self {
        case .quick:
            """
            matmul:m=512,n=512,k=512
            matmul:batch=8,m=128,n=128,k=64,tb=1
            conv2d:n=4,c=32,h=28,w=28,k=32,r=3,s=3,stride=1,pad=1
            conv2d:n=4,c=32,h=28,w=28,k=64,r=1,s=1,stride=1,pad=0
            conv2d:n=2,c=3,h=64,w=64,k=16,r=7,s=7,stride=2,pad=3
            attention:b=1,h=4,sq=256,sk=256,d=64
            attention:b=1,h=4,sq=256,sk=256,d=64,causal=1
            lstm:t=16,b=16,i=128,h=128
            gru:t=16,b=16,i=128,h=128
            softmax:rows=1024,cols=1024
            layernorm:rows=1024,cols=1024
            batchnorm2d:n=8,c=32,h=28,w=28
            maxpool2d:n=8,c=32,h=28,w=28,r=2,stride=2
            train:model=fashion-cnn,b=32
            """
        case .full:
            """
            matmul:m=256,n=256,k=256
            matmul:m=512,n=512,k=512
            matmul:m=1024,n=1024,k=1024
            matmul:m=2048,n=2048,k=2048
            matmul:m=64,n=4096,k=1024
            matmul:m=1,n=4096,k=4096
            matmul:batch=32,m=128,n=128,k=64
            conv2d:n=8,c=64,h=56,w=56,k=64,r=3,s=3,stride=1,pad=1
            conv2d:n=8,c=128,h=28,w=28,k=128,r=3,s=3,stride=1,pad=1
            conv2d:n=8,c=256,h=14,w=14,k=256,r=3,s=3,stride=1,pad=1
            conv2d:n=8,c=64,h=56,w=56,k=256,r=1,s=1,stride=1,pad=0
            conv2d:n=8,c=3,h=224,w=224,k=64,r=7,s=7,stride=2,pad=3
            conv2d:n=8,c=96,h=56,w=56,k=96,r=3,s=3,stride=1,pad=1,groups=96
            attention:b=4,h=8,sq=512,sk=512,d=64
            attention:b=4,h=8,sq=512,sk=512,d=64,causal=1
            attention:b=1,h=8,sq=2048,sk=2048,d=64
            attention:b=8,h=8,sq=1,sk=2048,d=64
            lstm:t=64,b=32,i=256,h=256
            lstm:t=128,b=1,i=128,h=128
            gru:t=64,b=32,i=256,h=256
            softmax:rows=4096,cols=1024
            layernorm:rows=4096,cols=1024
            batchnorm2d:n=32,c=64,h=28,w=28
            maxpool2d:n=32,c=64,h=56,w=56,r=2,stride=2
            train:model=fashion-cnn,b=128
            train:model=char-lstm,b=32
            train:model=tiny-transformer,b=8
            train:model=deep-cross,b=512
            train:model=translate,b=128
            train:model=stemming,b=128
            """
        case .tuning:
            """
            matmul:m=512,n=512,k=512
            conv2d:n=8,c=64,h=32,w=32,k=64,r=3,s=3,stride=1,pad=1
            attention:b=2,h=8,sq=384,sk=384,d=64
            conv2d:n=8,c=64,h=56,w=56,k=64,r=3,s=3,stride=1,pad=1,groups=64
            softmax:rows=1024,cols=1024
            attention:b=4,h=8,sq=1,sk=1024,d=64
            matmul:m=1,n=2048,k=2048
            lstm:t=32,b=32,i=192,h=192
            conv2d:n=8,c=3,h=112,w=112,k=32,r=5,s=5,stride=2,pad=2
            matmul:m=1536,n=1536,k=1536
            matmul:batch=16,m=96,n=96,k=64
            matmul:m=32,n=1024,k=1024
            matmul:m=4,n=1024,k=1024
            gru:t=32,b=32,i=192,h=192
            lstm:t=64,b=1,i=128,h=128
            conv2d:n=8,c=64,h=28,w=28,k=256,r=1,s=1,stride=1,pad=0
            conv2d:n=8,c=192,h=14,w=14,k=192,r=3,s=3,stride=1,pad=1
            conv2d:n=32,c=1,h=28,w=28,k=32,r=3,s=3,stride=1,pad=1
            attention:b=2,h=8,sq=384,sk=384,d=64,causal=1
            attention:b=1,h=4,sq=1536,sk=1536,d=64
            attention:b=2,h=4,sq=256,sk=256,d=128
            conv2d:n=8,c=64,h=28,w=28,k=64,r=3,s=3,stride=2,pad=1
            softmax:rows=8192,cols=64
            layernorm:rows=2048,cols=512
            conv2d:n=8,c=64,h=28,w=28,k=64,r=3,s=3,stride=1,pad=1,groups=8
            """
        }
    }
}
