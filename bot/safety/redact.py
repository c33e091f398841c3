"""Takes identifiers out of a message before anything else sees it. Names cannot be caught fully."""

import re
from functools import partial

# Words after "I am" / "this is" that are no names.
NOT_NAMES = (
    "I|So|Very|Not|Just|Really|Still|Also|In|On|At|A|An|The|My|Going|Having|Taking|Feeling|Getting|Scared|Worried|"
    "Afraid|Pregnant|Diabetic|Allergic|Sorry|Trying|Thinking|Tired|Sick|Hurting|Dying|Suicidal|Bleeding|Nursing|"
    "Due|Done|Over|Under|Unable|Sure|Curious|Looking|Wondering|Asking|Confused|Depressed|Anxious|American|Type|"
    "Currently|Now|Already|About|Almost|Only|Too|From|Here|Alone|Ok|Okay|Fine|Good|Bad|New|Old|Male|Female"
)
NAME = r"(?-i:[A-Z][\w'\u2019-]+(?:\s+(?:[A-Z][\w'\u2019-]+|[A-Z]\b\.?)){0,3})"
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
RULES = (
    ("email", r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"),
    ("link", r"\bhttps?://\S+|\bwww\.\S+"),
    ("password", r"\b(?:pass ?word|passcode|pin(?: code| number)?|login|user ?name|user ?id)\s*(?:is|was|=|:)\s*\S+"),
    ("ssn", r"\b\d{3}[-. ]\d{2}[-. ]\d{4}\b|\b(?:ssn|social security(?: number)?)\W{0,3}(?:is\W{0,2})?\d{9}\b"),
    ("card", r"\b(?:\d{4}[ -]){3}\d{3,4}\b|\b\d{15,16}\b"),
    ("medicare", r"\b[1-9][a-z][a-z0-9]\d-?[a-z][a-z0-9]\d-?[a-z]{2}\d{2}\b"),
    (
        "record",
        r"\b(?:mrn|medical record|record|chart|patient|member|policy|account|case|claim|insurance|group)"
        r"(?:\s*(?:number|no\.?|num|id|#))+\W{0,3}(?:is\W{0,2})?[a-z]{0,4}-?\d[\w-]{3,20}|\bmrn\W{0,3}(?:is\W{0,2})?[\w-]{0,10}\d[\w-]{1,20}",
    ),
    (
        "phone",
        r"(?<![\w./-])(?:\+\d{1,3}[-. ]?)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"
        r"|(?<![\w.])\+?\d{10,12}(?![\w.])|(?<=call me at )\d{3}[-. ]\d{4}\b",
    ),
    (
        "date",
        rf"\b\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:19|20)?\d{{2}}\b|\b(?:19|20)\d{{2}}-\d{{2}}-\d{{2}}\b"
        rf"|\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d{{2}}\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTH},?\s+(?:19|20)\d{{2}}\b"
        rf"|\b(?:born|birthday|dob|date of birth)\W{{0,3}}(?:on\W{{0,2}}|is\W{{0,2}}|in\W{{0,2}})?"
        rf"(?:{MONTH}\s+\d{{1,2}}\w*(?:,?\s+\d{{4}})?|\d{{1,2}}[/.-]\d{{1,2}}(?:[/.-]\d{{2,4}})?|(?:19|20)\d{{2}})",
    ),
    (
        "address",
        r"\b\d{1,5}\s+(?:[nsew]\.?\s+)?(?:[A-Za-z][\w'.-]*\s+){1,3}(?:street|st|avenue|ave|road|rd|lane|ln|drive"
        r"|boulevard|blvd|court|ct|way|place|pl|terrace|circle)\b\.?(?:\s*,?\s*(?:apt|unit|suite|#)\.?\s*\w+)?",
    ),
    ("zip", r"\b(?:zip(?: code)?\W{0,3}(?:is\W{0,2})?\d{5}(?:-\d{4})?|[A-Z]{2}\s+\d{5}(?:-\d{4})?)\b|\b\d{5}-\d{4}\b"),
    (
        "name",
        rf"(?<=\bmy name is ){NAME}|(?<=\bname: ){NAME}|(?<=\bpatient: ){NAME}|(?<=\bi am called ){NAME}"
        rf"|(?<=\bmy names ){NAME}|(?<=\bmy name\u2019s ){NAME}|(?<=\bmy name's ){NAME}|(?<=\bpatient name ){NAME}"
        rf"|(?<=\bthis is )(?!(?-i:{NOT_NAMES})\b){NAME}|(?<=\bi am )(?!(?-i:{NOT_NAMES})\b){NAME}"
        rf"|(?<=\bi'm )(?!(?-i:{NOT_NAMES})\b){NAME}|(?<=\bi\u2019m )(?!(?-i:{NOT_NAMES})\b){NAME}"
        rf"|(?<=\b(?:mr|ms|dr)\. ){NAME}|(?<=\bmrs\. ){NAME}",
    ),
    ("name", r"(?<=\bmy name is )[a-z][\w'-]+(?:\s+(?!and\b|i\b|im\b|my\b|born\b|dob\b|from\b)[a-z][\w'-]+)?"),
)
PATTERNS = tuple((label, re.compile(pattern, re.I)) for label, pattern in RULES)
# Numbers that patients are told to call are nobody's.
PUBLIC = {"1-800-222-1222", "1-800-799-7233", "1-800-422-4453", "1-800-662-4357", "800-222-1222"}

LABELS = "|".join(sorted({label for label, _ in RULES}))
# A placeholder with the words that lead to it: "my name is [name], dob [date]".
HOLE = re.compile(
    rf"(?:\b(?:my (?:name|number|address|email) is|i am|i['\u2019]?m|this is|call me at|name|dob|born|phone|tel|cell|mobile|"
    rf"number|email|address|record|mrn|ssn)\W{{0,3}}(?:is\W{{0,2}})?)?\[(?:{LABELS})\][\s,.;:]*",
    re.I,
)


def redact(text: str) -> str:
    """Return ``text`` with names, dates, numbers and addresses of a person replaced by ``[name]``, ``[date]``, ...

    Ordinary health text ("0.5 to 2 mg", "120/80", "since 2016", "I'm scared") stays as it is.
    """
    for label, pattern in PATTERNS:
        text = pattern.sub(partial(_placeholder, label), text)
    return text


def _placeholder(label: str, found: re.Match[str]) -> str:
    return found[0] if found[0] in PUBLIC else f"[{label}]"


def without_placeholders(text: str) -> str:
    """Return redacted ``text`` without what stands for identifiers: nothing in an article answers to "[phone]"."""
    left = HOLE.sub(" ", text).strip()
    return left or text
