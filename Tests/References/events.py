"""Event files for TensorBoard: writes the one that tests compare with, byte by byte, or reads a folder of them.

    torch/bin/pip install tensorboard
    torch/bin/python Tests/References/events.py           # writes Tests/References/events.tfevents
    torch/bin/python Tests/References/events.py FOLDER    # prints every scalar and picture that TensorBoard reads
"""

import base64
import os
import sys

if len(sys.argv) > 1:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    for tag in sorted(accumulator.Tags()["scalars"]):
        for event in accumulator.Scalars(tag):
            print(tag, event.step, event.value)
    for tag in sorted(accumulator.Tags()["images"]):
        for event in accumulator.Images(tag):
            print(tag, event.step, event.height, event.width, base64.b64encode(event.encoded_image_string).decode())
else:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    def scalars(step, **values):
        value = [Summary.Value(tag=tag, simple_value=number) for tag, number in values.items()]
        return Event(wall_time=1.75e9 + step, step=step, summary=Summary(value=value))

    # 3 by 2 pixels of three channels.
    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAH0lEQVR4AQEUAOv/AAABAgMEBQYHCAAAAQIDBAUGBwgCbABJ"
        "MAuRbQAAAABJRU5ErkJggg=="
    )
    image = Summary.Image(height=2, width=3, colorspace=3, encoded_image_string=png)
    picture = Event(
        wall_time=1.75e9, step=12, summary=Summary(value=[Summary.Value(tag="a picture", image=image)]))

    path = os.path.splitext(os.path.abspath(__file__))[0] + ".tfevents"
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in [
            Event(wall_time=1.75e9, file_version="brain.Event:2"), scalars(0, loss=2.5),
            scalars(300, loss=0.125, accuracy=0.9), scalars(10**10, nothing=float("nan"), **{"x" * 200: 1e-3}),
            picture,
        ]:
            writer.write(event.SerializeToString())
        writer.flush()
    print(f"{path}: {os.path.getsize(path)} bytes")
