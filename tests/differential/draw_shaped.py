"""Nodes whose arguments hang on shapes: views, parts and wholes, indexing, products, windows, normalizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from drawing import Drawing, Refused
from program import Ref


def _view(d: Drawing) -> None:
    """Two neighbouring dimensions as one, one as two, or all as one."""
    x = d.pick("any", range(1, 5))
    if d.random.random() < 0.5:
        x = d.one("aten.clone.default", x, memory_format=torch.contiguous_format)
    sizes: list[Any] = [d.size(x, dim) for dim in range(d.tensor(x.name).dim())]
    way = d.random.choice(["flatten", "merge", "split", "split"])
    if way == "flatten":
        sizes = [-1]
    elif way == "merge":
        if len(sizes) < 2:
            raise Refused
        at = d.random.randrange(len(sizes) - 1)
        sizes[at : at + 2] = [-1]
    else:
        at = d.random.randrange(len(sizes))
        factor = d.random.choice([2, 3, 4, 8])
        if not isinstance(sizes[at], int) or sizes[at] % factor:
            raise Refused
        sizes[at : at + 1] = [sizes[at] // factor, factor] if d.random.random() < 0.5 else [factor, sizes[at] // factor]
    d.add("aten.view.default", x, sizes)


def _permute(d: Drawing) -> None:
    x = d.pick("any", range(2, 6))
    order = list(range(d.tensor(x.name).dim()))
    d.random.shuffle(order)
    d.add("aten.permute.default", x, order)


def _expand(d: Drawing) -> None:
    x = d.pick("any", range(4))
    shape = d.tensor(x.name).shape
    sizes: list[Any] = [d.random.choice([2, 3, 5, 16]) if size == 1 else -1 for size in shape]
    if d.random.random() < 0.4:
        sizes.insert(0, d.random.choice([1, 2, 3]))
    d.add("aten.expand.default", x, sizes)


def _slice(d: Drawing) -> None:
    x = d.pick("any", range(1, 6))
    dim, size = _dim_and_size(d, x)
    start = d.random.randint(-size, size)
    end = d.random.choice([9223372036854775807, d.random.randint(-size, size), max(start, 0) + d.random.randint(1, 4)])
    d.add("aten.slice.Tensor", x, dim, start, end, d.random.choice([1, 1, 1, 2, 3]))


def _dim_and_size(d: Drawing, x: Ref) -> tuple[int, int]:
    dim = d.random.randrange(d.tensor(x.name).dim())
    return dim, min(d.tensor(x.name).shape[dim], d.again(x.name).shape[dim])


def _as_strided(d: Drawing) -> None:
    x = d.one("aten.clone.default", d.pick("any", range(1, 4)), memory_format=torch.contiguous_format)
    count = min(d.tensor(x.name).numel(), d.again(x.name).numel())
    sizes = [d.random.randint(1, 4) for _ in range(d.random.randint(1, 3))]
    strides = [d.random.randint(0, 4) for _ in sizes]
    reach = 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    if reach > count:
        raise Refused
    d.add("aten.as_strided.default", x, sizes, strides, d.random.randint(0, count - reach))


def _unfold(d: Drawing) -> None:
    x = d.pick("any", range(1, 4))
    dim, size = _dim_and_size(d, x)
    if size < 2:
        raise Refused
    d.add("aten.unfold.default", x, dim, d.random.randint(1, min(size, 4)), d.random.randint(1, 3))


def _split(d: Drawing) -> None:
    x = d.pick("any", range(1, 5))
    dim, size = _dim_and_size(d, x)
    if size <= 1 or not d.is_static(x.name, dim):
        raise Refused
    if d.random.random() < 0.5:
        part = -(-size // d.random.randint(2, min(4, size)))
        d.add("aten.split.Tensor", x, part, dim, results=-(-size // part))
    else:
        first = d.random.randint(0, size)
        d.add("aten.split_with_sizes.default", x, [first, size - first], dim, results=2)


def _unbind(d: Drawing) -> None:
    x = d.pick("any", range(1, 5))
    dim, size = _dim_and_size(d, x)
    if not 1 <= size <= 4 or not d.is_static(x.name, dim):
        raise Refused
    d.add("aten.unbind.int", x, dim, results=size)


def _repeat(d: Drawing) -> None:
    x = d.pick("any", range(4))
    repeats = [d.random.choice([1, 1, 2, 3]) for _ in range(d.tensor(x.name).dim() + d.random.randint(0, 1))]
    d.add("aten.repeat.default", x, repeats)


def _same_shape(d: Drawing, x: Ref, but: int = -1) -> Ref:
    """A value of the same dtype and sizes, in all dimensions but one."""

    def fits(name: str) -> bool:
        a, b = d.tensor(x.name), d.tensor(name)
        if a.dtype != b.dtype or a.dim() != b.dim():
            return False
        return all(i == but or (a.shape[i], d.again(x.name).shape[i]) == (b.shape[i], d.again(name).shape[i])
                   for i in range(a.dim()))  # fmt: skip

    found = [name for name in d.names(lambda t: True) if fits(name)]
    if d.random.random() < 0.7:
        return Ref(d.random.choice(found))
    sizes = [d.formula(x.name, dim) for dim in range(d.tensor(x.name).dim())]
    if but >= 0:
        sizes[but] = d.random.choice(d.palette)
    return d.add_input(d.tensor(x.name).dtype, sizes)


def _cat(d: Drawing) -> None:
    x = d.pick("any", range(1, 5))
    dim = d.random.randrange(d.tensor(x.name).dim())
    parts = [x, *(_same_shape(d, x, dim) for _ in range(d.random.randint(1, 3)))]
    d.random.shuffle(parts)
    d.add("aten.cat.default", parts, dim)


def _stack(d: Drawing) -> None:
    x = d.pick("any", range(4))
    parts = [x, *(_same_shape(d, x) for _ in range(d.random.randint(1, 2)))]
    d.add("aten.stack.default", parts, d.random.randint(0, d.tensor(x.name).dim()))


def _pad(d: Drawing) -> None:
    x = d.pick("any", range(1, 5))
    rank = d.tensor(x.name).dim()
    pads = [d.random.choice([0, 1, 2, 3, -1]) for _ in range(2 * d.random.randint(1, min(rank, 3)))]
    d.add("aten.constant_pad_nd.default", x, pads, d.random.choice([0, 1, 2]))


def _mirror(d: Drawing) -> None:
    rank = d.random.choice([1, 2])
    x = d.pick("float", [rank + 1, rank + 2])
    way = d.random.choice(["reflection", "replication"])
    d.add(f"aten.{way}_pad{rank}d.default", x, [d.random.randint(0, 3) for _ in range(2 * rank)])


def _indices(
    d: Drawing, x: Ref, dim: int, rank: int = 1, negative: bool = False, dtype: torch.dtype = torch.int64
) -> Ref:
    """Whole numbers within a dimension, from an input of their own."""
    size = min(d.tensor(x.name).shape[dim], d.again(x.name).shape[dim])
    if not size:
        raise Refused
    sizes = [d.random.choice(d.palette) for _ in range(rank)]
    return d.add_input(dtype, sizes, values=(-size if negative else 0, size - 1))


def _index(d: Drawing) -> None:
    x = d.pick("any", range(1, 5))
    d.add("aten.index.Tensor", x, _index_list(d, x))


def _index_list(d: Drawing, x: Ref) -> list[Ref | None]:
    rank = d.tensor(x.name).dim()
    places = sorted(d.random.sample(range(rank), min(rank, d.random.choice([1, 1, 2]))))
    first = _indices(d, x, places[0], d.random.choice([1, 1, 2]), negative=True)
    indices: list[Ref | None] = [None] * (places[-1] + 1)
    indices[places[0]] = first
    for place in places[1:]:
        shape = [d.formula(first.name, dim) for dim in range(d.tensor(first.name).dim())]
        size = min(d.tensor(x.name).shape[place], d.again(x.name).shape[place])
        if not size:
            raise Refused
        indices[place] = d.add_input(torch.int64, shape, values=(-size, size - 1))
    return indices


def _index_put(d: Drawing) -> None:
    """Adds up, since which of several writes to one place wins is nobody's promise."""
    x = d.pick("num", range(1, 4))
    indices = _index_list(d, x)
    picked = d.one("aten.index.Tensor", x, indices)
    values = d.one("aten.mul.Scalar", picked, 2) if d.random.random() < 0.7 else d.pick_like(picked, same_dtype=True)
    d.add("aten.index_put.default", x, indices, values, True)


def _index_select(d: Drawing) -> None:
    x = d.pick("any", range(1, 5))
    dim = d.random.randrange(d.tensor(x.name).dim())
    d.add("aten.index_select.default", x, dim, _indices(d, x, dim, dtype=d.random.choice([torch.int64, torch.int32])))


def _index_add(d: Drawing) -> None:
    x = d.pick("num", range(1, 4))
    dim = d.random.randrange(d.tensor(x.name).dim())
    index = _indices(d, x, dim)
    source = d.one("aten.index_select.default", x, dim, index)
    d.add("aten.index_add.default", x, dim, index, source, alpha=d.random.choice([1, 2]))


def _along(d: Drawing, x: Ref) -> tuple[int, Ref]:
    """A dimension and an index with the rank of `x` for gather and scatter."""
    rank = d.tensor(x.name).dim()
    dim = d.random.randrange(rank)
    size = min(d.tensor(x.name).shape[dim], d.again(x.name).shape[dim])
    if not size:
        raise Refused
    sizes = [d.formula(x.name, k) for k in range(rank)]
    sizes[dim] = d.random.choice(d.palette)
    return dim, d.add_input(torch.int64, sizes, values=(0, size - 1))


def _gather(d: Drawing) -> None:
    x = d.pick("any", range(1, 4))
    dim, index = _along(d, x)
    d.add("aten.gather.default", x, dim, index)


def _scatter_add(d: Drawing) -> None:
    x = d.pick("num", range(1, 4))
    dim, index = _along(d, x)
    d.add("aten.scatter_add.default", x, dim, index, d.one("aten.gather.default", x, dim, index))


def _scatter_reduce(d: Drawing) -> None:
    x = d.pick("float", range(1, 4))
    dim, index = _along(d, x)
    source = d.one("aten.gather.default", x, dim, index)
    how = d.random.choice(["sum", "amax", "amin", "mean"])
    d.add("aten.scatter_reduce.two", x, dim, index, source, how, include_self=d.random.random() < 0.7)


def _scatter_value(d: Drawing) -> None:
    x = d.pick("num", range(1, 4))
    dim, index = _along(d, x)
    d.add("aten.scatter.value", x, dim, index, 2)


def _embedding(d: Drawing) -> None:
    x = d.pick("float", [2])
    d.add("aten.embedding.default", x, _indices(d, x, 0, d.random.choice([1, 2])), d.random.choice([-1, 0]))


def _part_scatter(d: Drawing) -> None:
    """A part of a tensor replaced."""
    x = d.pick("any", range(1, 4))
    dim, size = _dim_and_size(d, x)
    if not size:
        raise Refused
    if d.random.random() < 0.5:
        place = d.random.randrange(size)
        part = d.one("aten.select.int", x, dim, place)
        d.add("aten.select_scatter.default", x, d.one("aten.mul.Scalar", part, 2), dim, place)
        return
    start, step = d.random.randrange(size), d.random.choice([1, 1, 2])
    part = d.one("aten.slice.Tensor", x, dim, start, size, step)
    d.add("aten.slice_scatter.default", x, d.one("aten.mul.Scalar", part, 2), dim, start, size, step)


def _bmm(d: Drawing) -> None:
    x = d.pick("single", [3])
    sizes = [d.formula(x.name, 0), d.formula(x.name, 2), d.random.choice(d.palette)]
    d.add("aten.bmm.default", x, d.add_input(d.tensor(x.name).dtype, sizes))


def _addmm(d: Drawing) -> None:
    x = d.pick("single", [2])
    dtype = d.tensor(x.name).dtype
    columns = d.random.choice(d.palette)
    right = d.add_input(dtype, [d.formula(x.name, 1), columns])
    bias = d.add_input(dtype, [columns])
    d.add("aten.addmm.default", bias, x, right, beta=d.random.choice([1, 1, 2]), alpha=d.random.choice([1, 1, 0.5]))


def _image(d: Drawing, dtype: str = "single", rank: int = 4) -> Ref:
    """A picture: batch, channels, rows, columns, not too small."""
    found = d.names(lambda t: t.dim() == rank and 0 not in t.shape and t.dtype in (torch.float32, torch.float64))
    if found and d.random.random() < 0.7:
        return Ref(d.random.choice(found))
    sides = [d.random.choice([*(p for p in d.palette if p != "0" and p != "1"), "6", "9"]) for _ in range(rank - 2)]
    return d.add_input(d.dtype_of(dtype), [d.random.choice(["1", "2", "3"]), d.random.choice(["2", "4", "8"]), *sides])


def _convolution(d: Drawing) -> None:
    x = _image(d)
    dtype = d.tensor(x.name).dtype
    channels = d.tensor(x.name).shape[1]
    groups = d.random.choice([1, 1, 1, channels])
    out = groups * d.random.choice([1, 2, 3])
    if not d.is_static(x.name, 1):
        raise Refused
    window = d.random.choice([1, 2, 3])
    weight = d.add_input(dtype, [str(out), str(channels // groups), str(window), str(window)])
    bias = d.add_input(dtype, [str(out)]) if d.random.random() < 0.5 else None
    stride, padding = d.random.choice([1, 1, 2]), d.random.choice([0, 1])
    args = (x, weight, bias, [stride, stride], [padding, padding], [1, 1], False, [0, 0], groups)
    d.add("aten.convolution.default", *args)


def _pool(d: Drawing) -> None:
    x = _image(d)
    window, stride = d.random.choice([2, 3]), d.random.choice([1, 2, 3])
    padding = d.random.choice([0, 1])
    if d.random.random() < 0.5:
        counts = d.random.random() < 0.5
        d.add("aten.avg_pool2d.default", x, [window, window], [stride, stride], [padding, padding], False, counts)
    else:
        args = ([window, window], [stride, stride], [padding, padding], [1, 1], d.random.random() < 0.2)
        d.add("aten.max_pool2d_with_indices.default", x, *args, results=2)


def _adaptive_pool(d: Drawing) -> None:
    x = _image(d)
    d.add("aten._adaptive_avg_pool2d.default", x, [d.random.randint(1, 4), d.random.randint(1, 4)])


def _upsample(d: Drawing) -> None:
    x = _image(d)
    if d.random.random() < 0.5:
        d.add("aten.upsample_nearest2d.vec", x, None, [2.0, 2.0])
    else:
        d.add("aten.upsample_bilinear2d.vec", x, None, d.random.random() < 0.5, [2.0, 1.5])


def _layer_norm(d: Drawing) -> None:
    x = d.pick("float", range(1, 5))
    rank = d.tensor(x.name).dim()
    count = d.random.randint(1, min(2, rank))
    dims = range(rank - count, rank)
    sizes = [d.formula(x.name, dim) for dim in dims]
    dtype = d.tensor(x.name).dtype
    weight = d.add_input(dtype, sizes, plain=True) if d.random.random() < 0.7 else None
    bias = d.add_input(dtype, sizes, plain=True) if weight and d.random.random() < 0.8 else None
    d.add("aten.native_layer_norm.default", x, [d.size(x, dim) for dim in dims], weight, bias, 1e-3, results=3)


def _batch_norm(d: Drawing) -> None:
    x = d.pick("single", range(2, 5))
    channels = d.formula(x.name, 1)
    dtype = d.tensor(x.name).dtype
    weight, bias = (d.add_input(dtype, [channels], plain=True) for _ in range(2))
    if d.random.random() < 0.5:
        d.add("aten._native_batch_norm_legit.no_stats", x, weight, bias, True, 0.1, 1e-2, results=3)
    else:
        mean = d.add_input(dtype, [channels], plain=True)
        spread = d.one("aten.abs.default", d.add_input(dtype, [channels], plain=True))
        variance = d.one("aten.add.Scalar", spread, 0.5)
        d.add(
            "aten._native_batch_norm_legit_no_training.default", x, weight, bias, mean, variance, 0.1, 1e-2, results=3
        )


def _group_norm(d: Drawing) -> None:
    x = d.pick("single", range(3, 5))
    shape = d.tensor(x.name).shape
    if not d.is_static(x.name, 1):
        raise Refused
    groups = d.random.choice([n for n in (1, 2, 4) if shape[1] and shape[1] % n == 0] or [1])
    x = d.one("aten.clone.default", x, memory_format=torch.contiguous_format)
    inner = [d.size(x, dim) for dim in range(2, len(shape))]
    if any(not isinstance(size, int) for size in inner) or not d.is_static(x.name, 0):
        raise Refused
    count = torch.Size(inner).numel()
    dtype = d.tensor(x.name).dtype
    weight, bias = (d.add_input(dtype, [str(shape[1])], plain=True) for _ in range(2))
    args = (x, weight, bias, shape[0], shape[1], count, groups, 1e-3)
    d.add("aten.native_group_norm.default", *args, results=3)


def _channels_last(d: Drawing) -> None:
    x = d.pick("any", [4])
    d.add("aten.clone.default", x, memory_format=torch.channels_last)


def _create(d: Drawing) -> None:
    x = d.pick("any", range(1, 4))
    dim = d.random.randrange(d.tensor(x.name).dim())
    size = d.size(x, dim)
    way = d.random.choice(["arange", "full", "iota"])
    dtype = d.random.choice([torch.int64, torch.float32, torch.int32])
    if way == "full":
        d.add("aten.full.default", [size, 3], 2, dtype=dtype)
    else:
        d.add("aten.arange.start_step", 0, size, 1, dtype=dtype)


def _index_put_(d: Drawing) -> None:
    x = d.pick("num", range(1, 4))
    indices = _index_list(d, x)
    picked = d.one("aten.index.Tensor", x, indices)
    d.add("aten.index_put_.default", x, indices, d.one("aten.mul.Scalar", picked, 2), True)


def _mutate_view(d: Drawing) -> None:
    """Writes through a part of a tensor."""
    x = d.pick("num", range(1, 5))
    dim, size = _dim_and_size(d, x)
    if not size:
        raise Refused
    part = d.one("aten.slice.Tensor", x, dim, d.random.randrange(size), size, d.random.choice([1, 2]))
    d.add("aten.mul_.Scalar", part, 2)


def _select(d: Drawing) -> None:
    """As many elements as are large, and their sum: what data decides has a size of its own."""
    x = d.pick("num", range(1, 4))
    mask = d.one("aten.gt.Scalar", x, d.random.choice([0, 0, 1, 5]))
    way = d.random.choice(["masked_select", "index", "nonzero"])
    if way == "masked_select":
        selected = d.one("aten.masked_select.default", x, mask)
    elif way == "index":
        selected = d.one("aten.index.Tensor", x, [mask])
    else:
        selected = d.one("aten.nonzero.default", mask)
    if d.random.random() < 0.5:
        selected = d.one("aten.mul.Scalar", selected, 2)
    d.add("aten.sum.dim_IntList", selected, [0], d.random.random() < 0.5)


# Function -> how often it is drawn, beside the rows' weights.
SHAPED_OPS: dict[Callable[[Drawing], None], int] = {
    _view: 9, _permute: 6, _expand: 4, _slice: 6, _as_strided: 2, _unfold: 2, _split: 3, _unbind: 2, _repeat: 2,
    _cat: 7, _stack: 3, _pad: 4, _mirror: 2, _index: 4, _index_put: 3, _index_select: 3, _index_add: 2, _gather: 3,
    _scatter_add: 3, _scatter_reduce: 1, _scatter_value: 1, _embedding: 3, _part_scatter: 4, _bmm: 2, _addmm: 3,
    _convolution: 2, _pool: 3, _adaptive_pool: 1, _upsample: 1, _layer_norm: 3, _batch_norm: 2, _group_norm: 1,
    _channels_last: 2, _create: 2, _index_put_: 1, _mutate_view: 2, _select: 3,
}  # fmt: skip
