"""PyTorch's rearrangements, picks and copies, in NumPy's words.

A row takes NumPy first and then the parameters of PyTorch's function, by its names.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..sizes import Number
from ..source import fail
from .sums import SUMS, cdist, cosine_similarity, einsum, tensordot
from .tensor import Row, is_one, sized

# --- shapes -------------------------------------------------------------------------------------


def reshape(xp: Any, input: Any, *shape: Any) -> Any:
    return xp.reshape(input, sized(shape))


def view(xp: Any, input: Any, *shape: Any) -> Any:
    if len(shape) == 1 and not isinstance(shape[0], (int, Number, tuple, list)):
        fail("view as another type is not traced")
    return xp.reshape(input, sized(shape))


def expand(xp: Any, input: Any, *sizes: Any) -> Any:
    wanted = list(sized(sizes))
    lead = len(wanted) - input.ndim
    for place, size in enumerate(wanted):
        if isinstance(size, int) and size == -1:
            wanted[place] = input.shape[place - lead]
    return xp.broadcast_to(input, tuple(wanted))


def repeat(xp: Any, input: Any, *repeats: Any) -> Any:
    return xp.tile(input, sized(repeats))


def repeat_interleave(xp: Any, input: Any, repeats: Any, dim: Any = None) -> Any:
    return xp.repeat(input, repeats, axis=dim)


def permute(xp: Any, input: Any, *dims: Any) -> Any:
    return xp.transpose(input, sized(dims))


def transpose(xp: Any, input: Any, dim0: Any, dim1: Any) -> Any:
    return xp.swapaxes(input, dim0, dim1)


def turned(xp: Any, input: Any) -> Any:
    return input if input.ndim < 2 else xp.swapaxes(input, 0, 1)


def squeeze(xp: Any, input: Any, dim: Any = None) -> Any:
    """Along axes that are one; others are left as they are, unlike NumPy's."""
    if dim is None:
        return xp.squeeze(input)
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    one = tuple(place for place in dims if is_one(input.shape[place]))
    return xp.squeeze(input, axis=one) if one else input


def unsqueeze(xp: Any, input: Any, dim: Any) -> Any:
    return xp.expand_dims(input, dim)


def flatten(xp: Any, input: Any, start_dim: Any = 0, end_dim: Any = -1) -> Any:
    first, last = start_dim % max(input.ndim, 1), end_dim % max(input.ndim, 1)
    count: Any = 1
    for size in input.shape[first : last + 1]:
        count = count * size
    return xp.reshape(input, (*input.shape[:first], count, *input.shape[last + 1 :]))


def unflatten(xp: Any, input: Any, dim: Any, sizes: Any) -> Any:
    place = dim % input.ndim
    return xp.reshape(input, (*input.shape[:place], *sizes, *input.shape[place + 1 :]))


def _pieces(xp: Any, input: Any, starts: Any, dim: Any) -> Any:
    ahead = (slice(None),) * (dim % input.ndim)
    return tuple(input[(*ahead, slice(low, high))] for low, high in starts)


def split(xp: Any, tensor: Any, split_size_or_sections: Any, dim: Any = 0) -> Any:
    wanted = split_size_or_sections
    if isinstance(wanted, (list, tuple)):
        ends: list[Any] = [0]
        for size in wanted:
            ends.append(ends[-1] + size)
        return _pieces(xp, tensor, pairwise(ends), dim)
    size = tensor.shape[dim]
    count = size / wanted if isinstance(size, Number) else -(-size // wanted)
    if isinstance(count, Number):
        if not count.expression.is_Integer:
            fail(f"a split of the symbolic size {size} into parts of {wanted}; use chunk, or give "
                 "the size as a number in the shapes")
        count = int(count.expression)
    return _pieces(xp, tensor, [(k * wanted, (k + 1) * wanted) for k in range(count)], dim)


def chunk(xp: Any, input: Any, chunks: int, dim: Any = 0) -> Any:
    size = input.shape[dim]
    if isinstance(size, Number) and not (size / chunks).expression.is_integer:
        fail(f"chunk({chunks}) of the symbolic size {size}, which need not be a multiple of "
             f"{chunks}; declare it as {chunks}*k in the shapes")
    part = size / chunks if isinstance(size, Number) else -(-size // chunks)
    return _pieces(xp, input, [(k * part, (k + 1) * part) for k in range(chunks)], dim)


def unbind(xp: Any, input: Any, dim: Any = 0) -> Any:
    return tuple(select(xp, input, dim, place) for place in range(int(input.shape[dim])))


def select(xp: Any, input: Any, dim: Any, index: Any) -> Any:
    return input[(*(slice(None),) * (dim % input.ndim), index)]


def narrow(xp: Any, input: Any, dim: Any, start: Any, length: Any) -> Any:
    return _pieces(xp, input, [(start, start + length)], dim)[0]


def flip(xp: Any, input: Any, *dims: Any) -> Any:
    return xp.flip(input, axis=sized(dims))


def roll(xp: Any, input: Any, shifts: Any, dims: Any = None) -> Any:
    return xp.roll(input, shifts, axis=dims)


def _triangle(name: str) -> Row:
    return lambda xp, input, diagonal=0: getattr(xp, name)(input, k=diagonal)


def diagonal(xp: Any, input: Any, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Any:
    return xp.diagonal(input, offset, dim1, dim2)


def diag(xp: Any, input: Any, diagonal: Any = 0) -> Any:
    return xp.diag(input, diagonal)


def diag_embed(xp: Any, input: Any, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Any:
    if offset != 0 or (dim1, dim2) != (-2, -1):
        fail("diag_embed with an offset, or into other axes than the last, is not traced")
    return xp.expand_dims(input, -1) * xp.eye(input.shape[-1])


def cat(xp: Any, tensors: Any, dim: Any = 0) -> Any:
    return xp.concatenate(list(tensors), axis=dim)


def stack(xp: Any, tensors: Any, dim: Any = 0) -> Any:
    return xp.stack(list(tensors), axis=dim)


# --- picks --------------------------------------------------------------------------------------


def gather(xp: Any, input: Any, dim: Any, index: Any, *, sparse_grad: bool = False) -> Any:
    return xp.take_along_axis(_as_far(input, dim, index), index, axis=dim)


def _as_far(input: Any, dim: Any, index: Any) -> Any:
    """As many entries along the other axes as there are places."""
    place = dim % input.ndim
    return input[tuple(
        slice(None) if axis == place or bool(have == want) else slice(want)
        for axis, (have, want) in enumerate(zip(input.shape, index.shape, strict=True)))]


def index_select(xp: Any, input: Any, dim: Any, index: Any) -> Any:
    return input[(*(slice(None),) * (dim % input.ndim), index)]


def take_along_dim(xp: Any, input: Any, indices: Any, dim: Any = None) -> Any:
    return xp.take_along_axis(input, indices, axis=dim)


def scatter(xp: Any, input: Any, dim: Any, index: Any, src: Any) -> Any:
    if index.ndim != src.ndim if hasattr(src, "ndim") else False:
        fail("scatter of a tensor of other axes than its index is not traced")
    made = xp.array(input)
    xp.put_along_axis(made, index, src, axis=dim)
    return made


def index_add(xp: Any, input: Any, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    made = xp.array(input)
    key = (*(slice(None),) * (dim % input.ndim), index)
    xp.add.at(made, key, source if alpha == 1 else alpha * source)
    return made


def scatter_add(xp: Any, input: Any, dim: Any, index: Any, src: Any) -> Any:
    made = xp.array(input)
    if index.ndim == 1:
        xp.add.at(made, index, src)
        return made
    if index.ndim != 2:
        fail("scatter_add of more than two axes is not traced")
    other = xp.arange(index.shape[1 - dim % 2])
    key = (index, other[None, :]) if dim % 2 == 0 else (other[:, None], index)
    xp.add.at(made, key, src)
    return made


def one_hot(xp: Any, tensor: Any, num_classes: Any = -1) -> Any:
    if num_classes == -1:
        fail("one_hot without a number of classes depends on the labels; give num_classes")
    return xp.eye(num_classes)[tensor]


def embedding(xp: Any, input: Any, weight: Any, padding_idx: Any = None, max_norm: Any = None,
              norm_type: Any = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Any:
    if padding_idx is not None or max_norm is not None or scale_grad_by_freq:
        fail("embedding with padding_idx, max_norm or scale_grad_by_freq is not traced")
    return weight[input]


# --- types and copies ---------------------------------------------------------------------------


def as_it_is(xp: Any, input: Any) -> Any:
    return input


def clone(xp: Any, input: Any) -> Any:
    return input.copy()


def contiguous(xp: Any, input: Any) -> Any:
    """The tensor itself or a copy, which depends on the memory layout."""
    return input.uncertain(input.operand)


def detach(xp: Any, input: Any) -> Any:
    xp.stops("detach() ends what is differentiated")
    return input.view()


def item(xp: Any, input: Any) -> Any:
    if input.kind == "float":
        xp.stops("item() gives a number, through which nothing is differentiated")
    return input.item()


def requires_grad(xp: Any, input: Any, requires_grad: bool = True) -> Any:
    if not requires_grad:
        xp.stops("requires_grad_(False) makes a constant of it")
    return input


_BOTH: dict[str, Row] = {
    **SUMS,
    "reshape": reshape, "permute": permute,
    "transpose": transpose, "swapaxes": transpose, "swapdims": transpose, "t": turned,
    "squeeze": squeeze, "unsqueeze": unsqueeze, "flatten": flatten, "unflatten": unflatten,
    "ravel": lambda xp, input: xp.reshape(input, (-1,)),
    "movedim": lambda xp, input, source, destination: xp.moveaxis(input, source, destination),
    "split": split, "chunk": chunk, "unbind": unbind, "select": select, "narrow": narrow,
    "rot90": lambda xp, input, k=1, dims=(0, 1): xp.rot90(input, k, tuple(dims)),
    "flip": flip, "roll": roll, "tril": _triangle("tril"), "triu": _triangle("triu"),
    "diagonal": diagonal, "diag": diag, "diag_embed": diag_embed, "tile": repeat,
    "repeat_interleave": repeat_interleave, "gather": gather, "index_select": index_select,
    "take_along_dim": take_along_dim, "scatter": scatter, "scatter_add": scatter_add,
    "index_add": index_add, "clone": clone, "detach": detach,
    "masked_select": lambda xp, input, mask: input[mask],
    "numel": lambda xp, input: input.size, "diff": lambda xp, input, n=1, dim=-1: xp.diff(
        input, n, axis=dim),
    }

METHODS: dict[str, Row] = {
    **_BOTH, "view": view, "view_as": lambda xp, input, other: xp.reshape(input, other.shape),
    "reshape_as": lambda xp, input, other: xp.reshape(input, other.shape), "expand": expand,
    "expand_as": lambda xp, input, other: xp.broadcast_to(input, other.shape), "repeat": repeat,
    "sum_to_size": lambda xp, input, *size: sum_to_size(xp, input, sized(size)),
    "contiguous": contiguous, "item": item, "copy": lambda xp, input, src, non_blocking=False: src,
    "fill": lambda xp, input, value: value, "zero": lambda xp, input: 0,
    "cpu": as_it_is, "requires_grad_": requires_grad,
    "is_contiguous": lambda xp, input: _assumed(xp),
    "is_floating_point": lambda xp, input: input.kind == "float",
    "is_complex": lambda xp, input: input.kind == "complex",
    "pin_memory": as_it_is,
}

FUNCTIONS: dict[str, Row] = {
    **_BOTH, "cat": cat, "concat": cat, "concatenate": cat, "stack": stack,
    "hstack": lambda xp, tensors: xp.hstack(list(tensors)),
    "vstack": lambda xp, tensors: xp.vstack(list(tensors)), "einsum": einsum,
    "tensordot": tensordot, "cdist": cdist, "cosine_similarity": cosine_similarity,
    "broadcast_to": lambda xp, input, size: expand(xp, input, *size),
    "broadcast_tensors": lambda xp, *tensors: tuple(xp.broadcast_arrays(*tensors)),
    "meshgrid": lambda xp, *tensors, indexing="ij": tuple(xp.meshgrid(
        *sized(tensors), indexing=indexing)),
    "is_floating_point": lambda xp, input: input.kind == "float",
    "is_complex": lambda xp, input: input.kind == "complex",
    "is_tensor": lambda xp, obj: hasattr(obj, "ndim"),
}


def sum_to_size(xp: Any, input: Any, size: Any) -> Any:
    """The sum over the axes along which a tensor of that size was broadcast to this one."""
    lead = input.ndim - len(size)
    found = xp.sum(input, axis=tuple(range(lead))) if lead else input
    ones = tuple(place for place, (have, want) in enumerate(
        zip(found.shape, size, strict=True)) if is_one(want) and not is_one(have))
    return xp.sum(found, axis=ones, keepdims=True) if ones else found


def _assumed(xp: Any) -> bool:
    xp.assume("tensors are contiguous")
    return True
