"""Opens ONNX graphs, all in the same way. The only home of onnxruntime in serving."""

from pathlib import Path

import onnxruntime


def open_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """Open the file ``graph`` on the CPU; onnxruntime's own errors pass through."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Several models share two cores: the threads of one must not spin while another works.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
