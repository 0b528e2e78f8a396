"""From a detector's outputs to objects. Pasted into emitted files."""

from typing import NamedTuple

import torch
from torch import Tensor


class Detections(NamedTuple):
    """The objects in an image, the surest first."""

    boxes: Tensor
    scores: Tensor
    classes: Tensor


def decoded(offsets: Tensor, priors: Tensor, variances: tuple[float, ...]) -> Tensor:
    """Give the corners of offsets from prior boxes (K×4): SSD's centre-size coding."""
    v = torch.tensor(variances, device=offsets.device, dtype=offsets.dtype)
    size = priors[:, 2:] - priors[:, :2]
    centre = (priors[:, :2] + priors[:, 2:]) / 2 + offsets[:, :2] * v[:2] * size
    half = size * torch.exp(offsets[:, 2:] * v[2:]) / 2
    return torch.cat([centre - half, centre + half], 1)


def suppressed(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """Find the boxes (K×4) that overlap no surer one by more than iou."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = torch.argsort(scores, descending=True, stable=True)
    kept: list[Tensor] = []
    while order.numel() > 0:
        first, order = order[0], order[1:]
        kept.append(first)
        corner = torch.maximum(boxes[first, :2], boxes[order, :2])
        across = torch.minimum(boxes[first, 2:], boxes[order, 2:]) - corner
        shared = across.clamp(min=0).prod(1)
        order = order[shared <= iou * (area[first] + area[order] - shared)]
    return torch.stack(kept) if kept else order


def detections(
    boxes: Tensor,
    scores: Tensor,
    priors: Tensor,
    variances: tuple[float, ...],
    confidence: float,
    iou: float,
    top_k: int,
    keep: int,
    background: int,
) -> list[Detections]:
    """Decode the boxes and keep the surest of each class that overlap least."""
    found = []
    count = priors.size(1) // 4
    likely = scores.view(scores.size(0), count, -1).softmax(2)
    none = torch.zeros(0, dtype=torch.long, device=boxes.device)
    for offsets, prior, chances in zip(boxes, priors, likely, strict=True):
        corners = decoded(offsets.view(count, 4), prior.view(count, 4), variances)
        parts = []
        for label in range(chances.size(1)):
            sure = (chances[:, label] > confidence).nonzero()[:, 0]
            if label == background or sure.numel() == 0:
                continue
            best = chances[sure, label].topk(min(top_k, sure.numel())).indices
            sure = sure[best]
            sure = sure[suppressed(corners[sure], chances[sure, label], iou)]
            labels = torch.full_like(sure, label)
            parts.append((corners[sure], chances[sure, label], labels))
        parts.append((corners[:0], chances[:0, 0], none))
        columns = zip(*parts, strict=True)
        box, score, kind = (torch.cat(column) for column in columns)
        best = torch.argsort(score, descending=True, stable=True)[:keep]
        found.append(Detections(box[best], score[best], kind[best]))
    return found
