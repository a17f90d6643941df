# `make demo` and `make test` are all that a new machine needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PACKAGES := pocl-opencl-icd ocl-icd-opencl-dev opencl-headers libopenblas-dev zlib1g-dev libpng-dev libjpeg-dev \
    dataset-fashion-mnist
# What the examples learn from, beside that.
EXAMPLE_DATA := python3 wamerican wdutch wfrench witalian wngerman wspanish wswedish \
    bible-kjv trans-de-en snowball-data
CHECKERS := oclgrind
SOURCES := Sources Tests Examples Package.swift
RELEASE ?= .build/release
# Optimised, as the float64 reference takes ten times as long otherwise; in a folder of its own, as it is built for testing.
TESTING := -c release -Xswiftc -enable-testing --scratch-path .build-tests

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dependencies
dependencies: # what the distribution has to provide, installed where it is missing
	@Tests/install-packages.sh $(PACKAGES)

.PHONY: build
build: dependencies ## build the command lines and examples, optimised
	swift build -c release

.PHONY: demo
demo: build ## probe, benchmark and train on this machine: under 10 minutes after the build
	Examples/demo.sh $(RELEASE)

.PHONY: example-data
example-data: dependencies # what the examples learn from, installed where it is missing
	@Tests/install-packages.sh $(EXAMPLE_DATA)
	@Examples/Data/descriptions.sh
	@Examples/Data/movielens.sh

.PHONY: examples
examples: example-data ## train every example to what it must reach, and write a page: .build/examples/index.html
	Examples/run.sh $(OPTIONS)

.PHONY: examples-quick
examples-quick: example-data ## a few steps of every example, in a minute or two
	Examples/run.sh --quick $(OPTIONS)

.PHONY: examples-exchange
examples-exchange: example-data ## open each example's weights in PyTorch, and PyTorch's here (PYTHON=…)
	Examples/exchange.sh

.PHONY: test
test: dependencies ## build with warnings as errors and run every test
	Tests/build-without-warnings.sh $(TESTING)
	Tests/run-tests.sh $(TESTING)

.PHONY: test-oclgrind
test-oclgrind: dependencies ## run every kernel under a memory and race checker
	@Tests/install-packages.sh $(CHECKERS)
	Tests/run-oclgrind.sh $(OPTIONS)

.PHONY: test-ptx
test-ptx: ## assemble the kernels for NVIDIA's matrix units, without a GPU
	Tests/run-ptx.sh --install

.PHONY: test-faults
test-faults: dependencies ## make every call of a training run and of a benchmark fail, one at a time
	Tests/run-faults.sh $(OPTIONS)

.PHONY: test-sanitizers
test-sanitizers: dependencies ## run what comes near OpenCL, memory and threads under sanitizers
	Tests/run-sanitizers.sh

.PHONY: docs
docs: build ## the documentation as pages: .build/documentation
	Documentation/build.sh $(RELEASE) .build/documentation

.PHONY: lint
lint: ## check the format of all Swift files
	swift format lint --strict --recursive --parallel $(SOURCES)

.PHONY: format
format: ## format all Swift files
	swift format --in-place --recursive --parallel $(SOURCES)

.PHONY: kernels
kernels: ## list new files of Kernels/ for embedding
	Kernels/embed.sh

.PHONY: probe
probe: build ## what the OpenCL devices here can do
	$(RELEASE)/gpu-probe --measure

.PHONY: bench
bench: build ## the full benchmark on the CPU path and the best OpenCL device
	$(RELEASE)/gpu-bench run --suite full --device cpu --device opencl --html Benchmarks/latest.html

.PHONY: operations
operations: build ## check every operation on every device and write the table OPERATIONS.md
	$(RELEASE)/tessera-parity --markdown > .build/OPERATIONS.md
	mv .build/OPERATIONS.md OPERATIONS.md

.PHONY: scaling
scaling: build ## how cost grows with size, drawn beside the roofline: Benchmarks/scaling
	$(RELEASE)/gpu-bench scale --svg Benchmarks/scaling

.PHONY: gpu-bundle
gpu-bundle: dependencies ## a folder to carry to a machine with a GPU: bundle/
	Benchmarks/bundle.sh bundle
