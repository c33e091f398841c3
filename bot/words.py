"""Every sentence a reader sees that is not a quote, by region. Reading level: grade 6 at most, by test.

``{clinic}`` stands for the clinic's contact (a setting), "your clinic" when it is not set. Phone numbers are
part of a region's reviewed cards: a region without them does not exist here and the program refuses to start.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from bot.errors import WordsError

REQUIRED_WORDS = "consult your physician"


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed texts of one region. Each field is one whole text; no text is put together from parts."""

    emergency_number: str
    crisis_number: str
    # Shown with every output.
    disclaimer: str
    disclaimer_no_quotes: str
    banner: str
    # Hard cards: shown alone, before any retrieval.
    emergency: str
    poison: str
    crisis: str
    crisis_third: str
    abuse: str
    # Lines above an ordinary answer.
    soft_support: str
    soft_emergency: str
    soft_poison: str
    urgent_es: str
    dosing: str
    misuse: str
    personal: str
    personal_alone: str
    do_not_stop: str
    child: str
    pregnancy: str
    privacy: str
    injection: str
    language: str
    language_es: str
    dose_label: str
    disagreement: str
    premise: str
    balance: str
    no_risk: str
    own_case: str
    # Messages.
    found: str
    unsure: str
    not_found: str
    greeting: str
    thanks: str
    identity: str
    help_offer: str
    kept: str
    empty: str
    too_long: str
    unreadable: str
    too_many: str
    error: str
    # The first screen.
    about: tuple[str, ...]
    # Labels of the web pages.
    label_about: str
    label_question: str
    label_hint: str
    label_ask: str
    label_busy: str
    label_try: str
    label_next: str
    label_topics: str
    label_clear: str
    label_asked: str
    label_urgent: str
    label_not_urgent: str
    label_call: str
    label_text: str
    label_copy: str
    label_copied: str
    label_copy_failed: str
    label_context: str
    label_close: str
    label_back: str
    label_sources: str
    label_api: str
    label_safety: str
    label_sells: str
    label_by: str
    label_no_publisher: str
    label_no_date: str
    label_no_review: str
    label_reviewed: str
    label_balance: str
    label_disagreement: str
    label_page: str
    label_file: str
    label_left_out: str
    label_original: str
    label_original_file: str
    original_note: str
    label_reference: str
    label_built: str
    label_no_article: str
    label_older: str
    label_renewed: str
    # Feedback on an answer.
    label_helpful: str
    label_yes: str
    label_no: str
    label_why: str
    label_send: str
    label_thanks: str
    label_not_sent: str
    label_report: str
    label_reported: str
    # The door of the staff console.
    staff_title: str
    staff_name: str
    staff_password: str
    staff_enter: str
    staff_wrong: str
    staff_locked: str
    staff_stale: str
    staff_no_accounts: str


US = Words(
    emergency_number="911",
    crisis_number="988",
    disclaimer=(
        "These are quotes from articles, for learning only. They are not advice for you. "
        "Please consult your physician before you act on them. In an emergency, call 911."
    ),
    disclaimer_no_quotes=(
        "This chat is for learning only. It is not advice for you. "
        "Please consult your physician about your own care. In an emergency, call 911."
    ),
    banner=(
        "This is a computer program. It only quotes articles and gives no advice. "
        "Please consult your physician. In an emergency, call 911."
    ),
    emergency=(
        "This could be an emergency. Call 911 now. Do not wait for an answer here, and do not drive yourself. "
        "If the person will not wake up or is not breathing well, say that to 911 first. "
        "This is a computer program. It cannot call for help. No nurse or doctor is reading this chat."
    ),
    poison=(
        "Call 911 now if the person will not wake up, has trouble breathing, has a seizure or has collapsed. "
        "If not, call Poison Help now at 1-800-222-1222. It is free, day and night. "
        "Do not wait for signs to show. Do not make the person throw up. "
        "If this was done to hurt yourself, call or text 988. "
        "No one can tell you here what amount is safe. No nurse or doctor is reading this chat."
    ),
    crisis=(
        "I am sorry you are in so much pain. You can get help now: call or text 988, day or night. It is free. "
        "You can also chat at 988lifeline.org. If you are in danger or are hurt, call 911. "
        "If you can, stay close to someone you trust, and move away from things that could hurt you. "
        "Help works. This is a computer program. No one is reading this chat."
    ),
    crisis_third=(
        "If this person is in danger now, call 911. Stay with them if it is safe for you. "
        "Call or text 988 to ask what you can do to help. It is free, day and night. "
        "This is a computer program. No one is reading this chat."
    ),
    abuse=(
        "If someone is in danger now, call 911. If a person hurts you or scares you, call 1-800-799-7233 or text "
        "START to 88788, day or night. To get help for a child, call or text 1-800-422-4453. "
        "If you fear you could hurt someone, call 911, or call or text 988. No one is reading this chat."
    ),
    soft_support="If it ever feels too hard to go on, call or text 988 at any time. It is free.",
    soft_emergency="If this is happening now, to you or to someone near you, call 911.",
    soft_poison=(
        "If you or someone near you took too much of something, call Poison Help at 1-800-222-1222. It is free. "
        "If the person is very ill, call 911."
    ),
    urgent_es=(
        "Si es una emergencia, llame al 911. En una crisis, llame al 988 y oprima 2. "
        "Si tomó demasiado de algo, llame al 1-800-222-1222."
    ),
    dosing=(
        "I cannot help with how much to take or when. Only your own care team can set a dose. "
        "Please call {clinic} or the pharmacy on your label. If too much was taken, call Poison Help at "
        "1-800-222-1222, or 911 if the person is very ill."
    ),
    misuse=(
        "I cannot help with getting or using a drug outside of medical care. "
        "If it was prescribed for you, ask {clinic} or your pharmacist how to take it. "
        "For help with drug use, call 1-800-662-4357. It is free and private. In an emergency, call 911."
    ),
    personal=(
        "I cannot say what is right for you or for someone you care for. I do not know your health or theirs. "
        "Please take this question to your physician. Here is what the articles say in general."
    ),
    personal_alone=(
        "I cannot say what is right for you or for someone you care for. I do not know your health or theirs. "
        "I did not find this in my articles. Please take this question to your physician."
    ),
    do_not_stop=(
        "Do not stop, skip or change a medicine on your own. Stopping some medicines fast can harm you. "
        "First ask the doctor who gave it to you."
    ),
    child="The articles here speak about adults. Please ask your child's doctor.",
    pregnancy="Are you pregnant, or could you be? Do you nurse a baby? Tell your doctor first, before any treatment.",
    privacy=(
        "Please do not type names, birth dates, phone numbers or record numbers here. "
        "I took out what looked private. I cannot see your records or book a visit. Please call {clinic}."
    ),
    injection="I can only quote my articles. I cannot change my rules, play a part or drop the safety note.",
    language=(
        "I can read only English well. Is it an emergency? Call 911. "
        "Si es una emergencia, llame al 911. En una crisis, llame al 988 y oprima 2."
    ),
    language_es=(
        "Este programa solo lee bien el inglés. Por favor, escriba su pregunta en inglés, o hable con su clínica."
    ),
    dose_label=(
        "Trained staff gave this dose and watched the patient the whole time. It is not a dose for you to take. "
        "Only your care team can set your dose."
    ),
    disagreement="The articles do not agree on this. Here is what each one says.",
    premise="Your question says that it is safe. An article below names a risk.",
    balance="A risk that the articles name is shown here too, so that you see both sides.",
    no_risk=(
        "My articles name no risk next to this. That does not mean there is none. "
        "Please ask your physician what could go wrong."
    ),
    own_case="Articles speak in general. Your doctor or nurse can tell you what is right for you.",
    found="Here is what the articles say.",
    unsure="This is the nearest I found in my articles. It may not be what you asked.",
    not_found="I did not find this in my articles, so I will not guess. Please ask {clinic}.",
    greeting="Hello. Ask me a question, and I will look for words in my articles that answer it.",
    thanks="You are welcome. You can ask me more at any time.",
    identity=(
        "I am a computer program. I find words in articles and show them as they are. "
        "I am not a person, and I give no advice."
    ),
    help_offer=(
        "Do you need help now? In an emergency, call 911. In a crisis, call or text 988. "
        "If not, type a question, and I will look in my articles."
    ),
    kept="Questions are kept for a short time, without names. Staff may read them later.",
    empty="I did not get a question. Please type what you would like to know.",
    too_long="That is too long for me to read. Please ask one short question.",
    unreadable="I could not read that. Please type your question in plain words.",
    too_many=(
        "You have sent a lot of questions in a short time. Please wait a minute. "
        "In an emergency, call 911. In a crisis, call or text 988."
    ),
    error=(
        "Something went wrong, so I could not look this up. If this is an emergency, call 911. "
        "In a crisis, call or text 988. For questions, please ask {clinic}."
    ),
    about=(
        "This is a search tool. It finds sentences in a small set of articles and shows them word for word.",
        "It is a computer program. It does not write answers, and no one reads along.",
        "It is not for emergencies. In an emergency, call 911. In a crisis, call or text 988.",
        "Please do not type names, birth dates, phone numbers or record numbers.",
        "For your own care, please ask {clinic}.",
    ),
    label_about="What this is, and what it is not",
    label_question="Your question",
    label_hint="One short question works best. Please leave out names and dates of birth.",
    label_ask="Ask",
    label_busy="Looking through the articles",
    label_try="Try one of these",
    label_next="You could ask next",
    label_topics="Not an answer to your question, but in the articles:",
    label_clear="Start over",
    label_asked="You asked",
    label_urgent="Get help now",
    label_not_urgent="This is not an emergency: show me the articles",
    label_call="Call",
    label_text="Text",
    label_copy="Copy answer",
    label_copied="The answer is copied.",
    label_copy_failed="I could not copy. Please mark the words and copy them by hand.",
    label_context="Read in context",
    label_close="Close",
    label_back="Back to the questions",
    label_sources="The articles",
    label_api="For developers",
    label_safety="Safety note",
    label_sells="From a clinic that offers this treatment",
    label_by="by",
    label_no_publisher="publisher not given",
    label_no_date="date not given",
    label_no_review="Not checked by a named doctor yet",
    label_reviewed="Checked by",
    label_balance="The other side",
    label_disagreement="What another article says",
    label_page="page",
    label_file="File",
    label_left_out="Left out here: an ad, contact lines or words that we do not show.",
    label_original="Open the page it came from",
    label_original_file="Save the file it was taken from",
    original_note="It may hold ads and claims that we leave out here. Please consult your physician.",
    label_reference="Answer code",
    label_built="Last updated",
    label_no_article="There is no such article here.",
    label_older="This article has changed since. You see the words that you were shown.",
    label_renewed="This article may have changed since you were shown it.",
    label_helpful="Did this help?",
    label_yes="Yes",
    label_no="No",
    label_why="What was wrong? (No names, please.)",
    label_send="Send",
    label_thanks="Thank you. It was noted for the staff.",
    label_not_sent="I could not send this. Please try again.",
    label_report="Report this quote",
    label_reported="Reported",
    staff_title="Staff console",
    staff_name="Name",
    staff_password="Password",  # noqa: S106 - a label
    staff_enter="Sign in",
    staff_wrong="The name or the password is wrong.",
    staff_locked="Too many wrong tries. Please wait 15 minutes.",
    staff_stale="The form was too old. Please try again.",
    staff_no_accounts="There is no account yet. A maintainer makes one: python -m bot staff add NAME",
)

REGIONS = {"US": US}


def words_for(region: str, clinic_contact: str = "") -> Words:
    """Return the checked texts of ``region`` with the clinic's contact filled in.

    Raises:
        WordsError: the region has no reviewed cards, a text is blank, or a disclaimer lacks the required words.
    """
    if region not in REGIONS:
        known = ", ".join(sorted(REGIONS))
        raise WordsError(f"Region '{region}' has no reviewed safety texts. Set BOT_REGION to one of: {known}.")
    clinic = clinic_contact.strip() or "your clinic"
    words = REGIONS[region]
    filled: dict[str, Any] = {f.name: _fill(getattr(words, f.name), clinic) for f in fields(words)}
    return check_words(replace(words, **filled))


def check_words(words: Words) -> Words:
    """Return ``words`` unchanged, or raise when a text is blank or a disclaimer would not do its work.

    Raises:
        WordsError: names the field and what is missing from it.
    """
    for f in fields(words):
        value = getattr(words, f.name)
        if not value or not all(part.strip() for part in ([value] if isinstance(value, str) else value)):
            raise WordsError(f"The fixed text '{f.name}' is blank. Restore it in bot/words.py.")
    for name in ("disclaimer", "disclaimer_no_quotes", "banner"):
        for needed in (REQUIRED_WORDS, words.emergency_number):
            if needed not in getattr(words, name):
                raise WordsError(f"The fixed text '{name}' lacks '{needed}'. Restore it in bot/words.py.")
    return words


def _fill(value: str | tuple[str, ...], clinic: str) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value.replace("{clinic}", clinic)
    return tuple(part.replace("{clinic}", clinic) for part in value)
