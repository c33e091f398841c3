"""The safety gate: screening, guards, redaction. Runs before any retrieval, on every entrance."""

from bot.safety.gate import Gate
from bot.safety.redact import redact

__all__ = ["Gate", "redact"]
