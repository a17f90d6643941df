// One `import Tessera` is enough: graphs and tensors, executors and everything of this module.
@_exported import Execution
@_exported import TensorGraph
