"""ONNX Runtime without its telemetry, imported from here alone.

Since 1.29 it reports each process to its maker, and leaves a device's identifier in the user's cache and a
file `.ses` in the temporary folder, unless it is told otherwise before it is imported.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as onnxruntime
