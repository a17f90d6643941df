"""Convolutions over one to three axes with every attribute, transposed ones, and what moves pixels."""

import torch
import torch.nn as nn
from recorder import Recorder, normal

recorder = Recorder(__file__)


def check(name, module, *shape):
    with torch.no_grad():
        for key, parameter in module.named_parameters():
            parameter.copy_(normal(f"{name} {key}", *parameter.shape, scale=0.5))
    recorder.case(name, {"x": normal(name, *shape)}, lambda x: module(x), dict(module.named_parameters()))


check("conv1d", nn.Conv1d(3, 4, 3, stride=2, padding=1, dilation=2), 2, 3, 11)
check("conv1d same", nn.Conv1d(2, 3, 4, padding="same", dilation=3), 2, 2, 9)
check("conv1d valid", nn.Conv1d(2, 3, 4, padding="valid", bias=False), 2, 2, 9)
check("conv1d circular", nn.Conv1d(2, 3, 3, padding=2, padding_mode="circular"), 2, 2, 7)
check("conv1d of one", nn.Conv1d(1, 1, 1), 1, 1, 1)
check("conv2d", nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2)), 2, 3, 9, 7)
check("conv2d same", nn.Conv2d(2, 3, (2, 5), padding="same"), 2, 2, 5, 7)
check("conv2d groups", nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=False), 2, 4, 5, 5)
check("conv2d depthwise", nn.Conv2d(3, 6, 3, groups=3), 2, 3, 5, 6)
check("conv2d reflect", nn.Conv2d(2, 3, 3, padding=(2, 1), padding_mode="reflect"), 2, 2, 5, 4)
check("conv2d replicate", nn.Conv2d(2, 3, 3, stride=2, padding=1, padding_mode="replicate"), 2, 2, 5, 4)
check("conv2d same circular", nn.Conv2d(2, 3, 4, padding="same", padding_mode="circular"), 1, 2, 5, 5)
check("conv3d", nn.Conv3d(2, 3, (2, 3, 1), stride=(1, 2, 1), padding=(1, 0, 2)), 2, 2, 4, 5, 3)
check("conv3d same", nn.Conv3d(2, 2, 3, padding="same", groups=2), 1, 2, 3, 4, 3)
check("conv3d replicate", nn.Conv3d(1, 2, 2, padding=1, padding_mode="replicate"), 1, 1, 2, 3, 2)

padded = nn.Sequential(nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(2, 3, 3))
module = padded[1]
with torch.no_grad():
    for key, parameter in module.named_parameters():
        parameter.copy_(normal(f"asymmetric {key}", *parameter.shape))
recorder.case(
    "conv2d asymmetric", {"x": normal("asymmetric", 1, 2, 4, 4)}, lambda x: padded(x), dict(module.named_parameters())
)


class Separable(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3, bias=False)
        self.pointwise = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


check("separable", Separable(), 2, 3, 6, 5)

check("transposed1d", nn.ConvTranspose1d(3, 4, 3, stride=2, padding=1, output_padding=1), 2, 3, 5)
check("transposed1d dilated", nn.ConvTranspose1d(2, 2, 3, dilation=2, bias=False), 1, 2, 4)
check("transposed2d", nn.ConvTranspose2d(3, 2, (3, 4), stride=(2, 3), padding=(1, 0), output_padding=(0, 2)), 2, 3, 4, 3)
check("transposed2d groups", nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, dilation=(2, 1)), 2, 4, 3, 3)
check("transposed2d of one", nn.ConvTranspose2d(1, 1, 1), 1, 1, 1, 1)
check("transposed3d", nn.ConvTranspose3d(2, 3, 2, stride=2, padding=(0, 1, 0), output_padding=(1, 0, 1)), 1, 2, 2, 3, 2)

check("shuffle", nn.PixelShuffle(2), 2, 8, 3, 2)
check("unshuffle", nn.PixelUnshuffle(3), 2, 2, 6, 3)

check("nearest", nn.Upsample(scale_factor=2), 2, 2, 3, 4)
check("linear", nn.Upsample(scale_factor=2, mode="linear"), 2, 2, 5)
check("bilinear", nn.Upsample(size=(5, 7), mode="bilinear"), 1, 2, 3, 4)
check("bilinear corners", nn.Upsample(scale_factor=3, mode="bilinear", align_corners=True), 1, 2, 3, 4)
check("bicubic", nn.Upsample(scale_factor=(2, 1.5), mode="bicubic"), 1, 2, 3, 4)
check("trilinear", nn.Upsample(scale_factor=2, mode="trilinear"), 1, 2, 2, 3, 2)

recorder.write()
