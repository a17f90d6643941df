"""What torch.optim.swa_utils.AveragedModel makes of weights."""

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from recorder import Recorder, normal

r = Recorder(__file__)
for name, options in [("equal", {}), ("exponential", {"multi_avg_fn": get_ema_multi_avg_fn(0.8)})]:
    layer = torch.nn.Linear(3, 2)
    average = AveragedModel(layer, **options)
    for time in range(4):
        for part, parameter in layer.named_parameters():
            parameter.data = normal(f"{part} {time}", *parameter.shape)
            r.keep(name, "input", f"{time}.{part}", parameter)
        average.update_parameters(layer)
        for part, parameter in average.module.named_parameters():
            r.keep(name, "output", f"{time}.{part}", parameter)
r.write()
