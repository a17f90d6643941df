"""Event files for TensorBoard: writes the one that tests compare with, byte by byte, or reads a folder of them.

    torch/bin/pip install tensorboard
    torch/bin/python Tests/References/events.py           # writes Tests/References/events.tfevents
    torch/bin/python Tests/References/events.py FOLDER    # prints every scalar that TensorBoard reads there
"""

import os
import sys

if len(sys.argv) > 1:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
    accumulator.Reload()
    for tag in sorted(accumulator.Tags()["scalars"]):
        for event in accumulator.Scalars(tag):
            print(tag, event.step, event.value)
else:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    def scalars(step, **values):
        value = [Summary.Value(tag=tag, simple_value=number) for tag, number in values.items()]
        return Event(wall_time=1.75e9 + step, step=step, summary=Summary(value=value))

    path = os.path.splitext(os.path.abspath(__file__))[0] + ".tfevents"
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in [
            Event(wall_time=1.75e9, file_version="brain.Event:2"), scalars(0, loss=2.5),
            scalars(300, loss=0.125, accuracy=0.9), scalars(10**10, nothing=float("nan"), **{"x" * 200: 1e-3}),
        ]:
            writer.write(event.SerializeToString())
        writer.flush()
    print(f"{path}: {os.path.getsize(path)} bytes")
