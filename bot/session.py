"""Opens ONNX graphs, all in the same way. The only home of onnxruntime in serving."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import onnxruntime


@lru_cache(maxsize=4)
def shared_session(graph: Path, threads: int, digest: str) -> onnxruntime.InferenceSession:
    """Open the file ``graph``, proven by its ``digest``, once for all who read with it: it never changes while it runs.

    A new snapshot, or an answerer that tries a publication, needs neither the time nor the memory of another copy.
    """
    return open_session(graph, threads)


@lru_cache(maxsize=4)
def workers(threads: int) -> ThreadPoolExecutor:
    """Return the threads that run the networks, the same for all of them: together they never use more cores.

    Short texts that are run one by one, each by one of two threads, take half the time that one network takes which
    parts each of them among two threads.
    """
    return ThreadPoolExecutor(threads, thread_name_prefix="network")


def open_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """Open the file ``graph`` on the CPU; onnxruntime's own errors pass through."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Several models share two cores: the threads of one must not spin while another works.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
