"""From a detector's outputs to objects. Pasted into emitted files."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Detections(NamedTuple):
    """The objects in an image, the surest first."""

    boxes: Tensor
    scores: Tensor
    classes: Tensor


def evaluated(network: nn.Module, image: Tensor) -> Any:
    """Run in eval mode without gradients; then each module is in its mode again."""
    training = [module for module in network.modules() if module.training]
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            return network(image)
    finally:
        for module in training:
            module.training = True


def decoded(offsets: Tensor, priors: Tensor, variances: tuple[float, ...]) -> Tensor:
    """Give the corners of offsets from prior boxes (K×4): SSD's centre-size coding."""
    v = torch.tensor(variances, device=offsets.device, dtype=offsets.dtype)
    size = priors[:, 2:] - priors[:, :2]
    centre = (priors[:, :2] + priors[:, 2:]) / 2 + offsets[:, :2] * v[:2] * size
    half = size * torch.exp(offsets[:, 2:] * v[2:]) / 2
    return torch.cat([centre - half, centre + half], 1)


def covers(boxes: Tensor, others: Tensor, iou: float) -> Tensor:
    """Find which boxes (K×5, with the class) overlap which others of their class."""
    left, top, right, bottom, kind = boxes.t().contiguous()[:, :, None]
    x1, y1, x2, y2, label = others.t().contiguous()
    across = (torch.minimum(right, x2) - torch.maximum(left, x1)).clamp_(min=0)
    down = (torch.minimum(bottom, y2) - torch.maximum(top, y1)).clamp_(min=0)
    shared, area = across * down, (right - left) * (bottom - top)
    union = area + (x2 - x1) * (y2 - y1) - shared
    return torch.logical_and(shared > iou * union, kind == label)


def suppressed(boxes: Tensor, iou: float, keep: int, block: int = 256) -> Tensor:
    """Keep of boxes with their class, the surest first, those that no kept one covers.

    Block by block, until there are enough. In a block, the first n boxes are right
    after n turns; most often all are after a few.
    """
    kept = torch.zeros(0, dtype=torch.long, device=boxes.device)
    for new in torch.split(torch.arange(len(boxes), device=boxes.device), block):
        new = new[~covers(boxes[kept], boxes[new], iou).any(0)]
        covered = covers(boxes[new], boxes[new], iou).float().triu(1)
        alone = torch.ones(len(new), device=boxes.device)
        for _ in new:
            before, alone = alone, (alone @ covered == 0).float()
            if torch.equal(alone, before):
                break
        kept = torch.cat([kept, new[alone > 0]])
        if len(kept) >= keep:
            break
    return kept[:keep]


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
    if not 0 <= confidence <= 1 or keep < 1:
        raise ValueError(f"{confidence=} must be from 0 to 1, {keep=} at least 1")
    found = []
    count = priors.size(1) // 4
    each = scores.size(1) // count
    likely = scores.view(scores.size(0), count, each).softmax(2).transpose(1, 2)
    classes = torch.arange(likely.size(1), device=scores.device)
    sure = (likely > confidence) & (classes != background)[:, None]
    best, places = likely.masked_fill(~sure, 0).topk(min(top_k, count), 2)
    for n, chances in enumerate(best.flatten(1)):
        corners = decoded(boxes[n].view(count, 4), priors[n].view(count, 4), variances)
        order = torch.argsort(chances, descending=True, stable=True)
        order = order[: int((chances > 0).sum())]
        box, kind = corners[places[n].flatten()[order]], order // best.size(2)
        whole = box.to(torch.promote_types(box.dtype, torch.float))
        kept = suppressed(torch.cat([whole, kind[:, None]], 1), iou, keep)
        found.append(Detections(box[kept], chances[order[kept]], kind[kept]))
    return found
