"""Quotewell: a patient-education chatbot that answers only by quoting its articles."""

__version__ = "0.1.0"
