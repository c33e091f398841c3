"""Everyday wordings of MedQuAD's question types, and the slips of the thumb of people who type on a telephone."""

from random import Random

WORDINGS: dict[str, list[str]] = {
    "information": [
        "what is {x}",
        "what's {x}?",
        "explain {x} to me",
        "what does {x} mean",
        "can you tell me what {x} is",
        "i was told i have {x}, what is that",
        "{x}??",
        "what exactly is {x} please",
        "doctor mentioned {x} whats that",
    ],
    "symptoms": [
        "what are the signs of {x}",
        "how do i know if i have {x}",
        "what does {x} feel like",
        "what does {x} do to you",
        "symptoms of {x}",
        "can {x} make you feel sick",
        "what should i look out for with {x}",
        "does {x} hurt",
        "what happens to your body with {x}",
        "my mum might have {x}, what would we notice",
        "what problems does {x} cause",
        "how would i know its {x}",
    ],
    "treatment": [
        "how is {x} treated",
        "what can be done about {x}",
        "is there a cure for {x}",
        "what helps with {x}",
        "will i need surgery for {x}",
        "what meds do they give for {x}",
        "how do i get rid of {x}",
        "what are my options for {x}",
        "can {x} be fixed",
        "anything that works for {x}?",
        "what will the doctor do about {x}",
        "how can i make {x} better",
    ],
    "inheritance": [
        "is {x} inherited",
        "can my kids get {x} from me",
        "does {x} run in families",
        "will i pass {x} on",
        "if i have {x} will my baby have it",
        "is {x} genetic, both parents?",
    ],
    "frequency": [
        "how common is {x}",
        "how many people have {x}",
        "is {x} rare",
        "what are the odds of {x}",
        "how many people get {x}",
        "am i the only one with {x}",
    ],
    "genetic changes": [
        "what gene causes {x}",
        "which genes are involved in {x}",
        "what mutation leads to {x}",
        "what is wrong in the dna in {x}",
    ],
    "causes": [
        "what causes {x}",
        "why did i get {x}",
        "where does {x} come from",
        "how do you get {x}",
        "reason for {x}",
        "why does {x} happen",
        "what brings on {x}",
        "is it my fault i have {x}",
    ],
    "exams and tests": [
        "how do they find out if you have {x}",
        "what tests are there for {x}",
        "how is {x} diagnosed",
        "will a blood test show {x}",
        "do i need a scan for {x}",
        "how can the doctor tell its {x}",
        "what kind of tests will they do for {x}",
    ],
    "research": [
        "any new studies on {x}",
        "what research is being done on {x}",
        "are there trials for {x}",
        "are scientists working on {x}",
    ],
    "outlook": [
        "how long can you live with {x}",
        "what are my chances with {x}",
        "does {x} get worse",
        "will i recover from {x}",
        "is {x} deadly",
        "how long does {x} last",
        "does {x} go away",
        "can you die of {x}",
        "what happens in the long run with {x}",
    ],
    "susceptibility": [
        "who gets {x}",
        "am i at risk of {x}",
        "who is more likely to have {x}",
        "what makes {x} more likely",
        "does age matter for {x}",
        "can anyone get {x}",
        "is {x} more common in women",
    ],
    "considerations": [
        "what should i eat with {x}",
        "can i exercise with {x}",
        "what should i not do with {x}",
        "living with {x}",
        "what should i know about {x}",
        "how do i cope with {x}",
        "does food matter for {x}",
        "tips for daily life with {x}",
        "is it ok to drink with {x}",
    ],
    "prevention": [
        "how can i avoid {x}",
        "can {x} be prevented",
        "how do i stop {x} from happening",
        "how to lower my chances of {x}",
        "what can i do so i dont get {x}",
        "is there any way to keep {x} from coming back",
    ],
    "stages": [
        "what are the stages of {x}",
        "how far along can {x} be",
        "how do they stage {x}",
        "what does stage mean in {x}",
    ],
    "complications": [
        "what can go wrong with {x}",
        "what else can {x} lead to",
        "is {x} dangerous",
        "what happens if {x} is not treated",
        "can {x} cause other problems",
    ],
}
LETTERS = "aeioustnr"


def as_typed(question: str, rng: Random) -> str:
    """Return ``question`` as somebody might type it: small letters, no question mark, now and then a slip."""
    if rng.random() < 0.5:
        question = question.lower()
    if rng.random() < 0.4:
        question = question.rstrip("?")
    elif not question.endswith("?") and rng.random() < 0.5:
        question += "?"
    return with_slips(question, rng) if rng.random() < 0.2 else question


def with_slips(question: str, rng: Random) -> str:
    """Return ``question`` with a letter lost, swapped, doubled or replaced in about a quarter of its longer words."""
    return " ".join(_slip(word, rng) if _can_slip(word) and rng.random() < 0.25 else word for word in question.split())


def _can_slip(word: str) -> bool:
    return len(word) > 4 and word.isalpha()


def _slip(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    slips = [before + after, before + after[0] + letter + after[1:], before + letter + letter + after]
    return rng.choice([*slips, before + rng.choice(LETTERS) + after])
