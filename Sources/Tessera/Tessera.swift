// One `import Tessera` is enough: graphs and tensors, executors, errors of files and everything of this module.
@_exported import AtomicFiles
@_exported import Execution
@_exported import TensorGraph
