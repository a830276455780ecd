"""Workers that take blocks of a batch: a local cluster, or one at an address."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOCAL = "local"
PATIENCE = 15
"""Seconds that a scheduler at an address has to answer."""


class ClusterError(ValueError):
    """A cluster that cannot be had, or that is gone: what to do."""


@contextmanager
def opened(
    scheduler: str = LOCAL, *, workers: int | None = None, memory: str | None = None
) -> Iterator[Any]:
    """A `distributed.Client` of a cluster, which ends with the block.

    scheduler: "local" for processes of this machine, or an address, "tcp://HOST:PORT".
    workers: how many local processes (by default, one for each processor); memory: what each of
        them may use, "400MB": one that uses more is ended, and another takes its place.

    Raises ClusterError, also where Dask is not installed.
    """
    try:
        from dask.utils import parse_bytes
        from distributed import Client, LocalCluster
    except ImportError:
        raise ClusterError("a run on several processes needs Dask with its scheduler, which is not "
                          "installed: pip install 'gradproof[dask]'") from None
    if scheduler != LOCAL:
        if workers is not None or memory is not None:
            raise ClusterError("workers, memory: are of a local cluster; the one at "
                               f"{scheduler!r:.80} has its own")
        if not re.fullmatch(r"(tcp|tls)://\S+:\d+", scheduler):
            raise ClusterError("dask: expected nothing, for a local cluster, or the address of a "
                               f"scheduler, tcp://HOST:PORT; got {scheduler!r:.80}")
        try:
            client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(f"dask: no scheduler answers at {scheduler}: {error}; `dask "
                               "scheduler` starts one, and leaves its address") from None
        with client:
            yield client
        return
    if workers is not None and workers < 1:
        raise ClusterError(f"workers: expected one or more, got {workers}")
    if memory is not None:
        try:
            limit = parse_bytes(memory)
        except ValueError:
            limit = 0
        if limit < 1:
            raise ClusterError(f"memory: expected a size such as 400MB, got {memory!r:.40}")
    try:
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True,
            dashboard_address="127.0.0.1:0",
            memory_limit="auto" if memory is None else limit, silence_logs=logging.CRITICAL)
    except RuntimeError as error:
        raise ClusterError(f"dask: no cluster could be started here: {error}") from None
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client
