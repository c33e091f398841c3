"""The safety gate: rules, classifier, guards, redaction. Runs before any retrieval, on every entrance."""

from bot.safety.classifier import Classifier
from bot.safety.gate import Gate
from bot.safety.redact import redact, without_placeholders

__all__ = ["Classifier", "Gate", "redact", "without_placeholders"]
