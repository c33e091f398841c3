"""Guards: what makes an urgent phrase past, denied or hypothetical. They turn hard into soft, never into nothing."""

import re

NOW = re.compile(
    r"\b(?:right now|happening (?:right )?(?:now|to (?:me|him|her|us))|at this moment|at the moment|as we speak|"
    r"help me|please help|its happening|is happening|as i am now|(?:also|but|this is) for real|"
    r"comes? (?:and goes )?every (?:few|couple of|\d+|two|three|five|ten) (?:minutes|mins|seconds))\b"
)
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|"
    r"dec(?:ember)?)"
)
NUMBER = r"(?:\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty)"
PAST = re.compile(
    rf"\bwhen (?:i|he|she|we|they|(?:my|our) \w+(?: \w+)?) (?:was|were) (?:about |only |just )?{NUMBER}"
    r"\b(?! ?(?:min|sec|hour|hr|day|week|month|mile|step|feet|foot|or\b|to\b|into\b|in\b|am\b|pm\b|per\b|%))"
    r"|\bat (?:the age of )?(?:2[5-9]|[3-9]\d),? (?:and|but) (?:he|she|i|he is|she is|i am|hes|shes|im|is|now)(?: now)? \d\d\b"
    r"|\b(?:year|spring|summer|autumn|fall|winter|christmas|easter) before last\b|\b(?:in|during) the war\b"
    r"|\bnever since\b|\b(?:way |long )?before (?:i|he|she|we) (?:was|were) born\b|"
    r"\b(?:(?:years?|yrs?|decades?|months?|mths?) (?:ago|back|on|clean|sober|free)|"
    r"last (?:year|spring|summer|fall|autumn|winter|decade|month|january|february|march|april|may|june|july|august|"
    r"september|october|november|december)|in (?:19|20)\d\d|(?:since|back in) (?:19|20)\d\d|"
    r"as a (?:kid|child|toddler|baby|teen\w*|student|young \w+)|"
    r"when (?:i|he|she|we|they) (?:was|were) (?:a |in |at |\d|young\w*|little|small|pregnant|(?:thir|four|fif|six|seven|eigh|nine)teen\b|twenty|twelve|ten\b)|"
    r"in (?:the )?(?:\d0s|(?:19|20)\d0s|(?:seven|eigh|nine|six|fif|for)t(?:y|ies))|in year \d+|at (?:uni|university|college)|(?:in|at) sixth form|"
    rf"(?:had|was|were|got|went|did|took|nearly|almost|lost|gave) (?:\w+ ){{1,10}}(?:back )?in {MONTH}|in my (?:teens|twenties|"
    r"thirties|forties|youth|childhood|past|20s|30s|40s)|in the past|back then|long ago|a while back|used to|"
    r"history of|previously|years before|before i was|in (?:college|high school|school|my childhood)|once had|had once|"
    r"get (?:\w+ ){0,4}(?:climbing|walking up|when i (?:run|climb|exercise|walk)|on stairs))\b"
    # Spanish
    r"|\bel ano pasado\b|\ben el (?:19|20)?\d\d\b|\bde pequen[oa]\b|\bhace (?:\w+ ){0,2}(?:anos|meses|decadas)\b|\bde (?:nin[oa]|joven|bebe|chic[oa])\b|\bcuando era\b|\ben (?:19|20)\d\d\b"
    r"|\bantecedentes\b"
)
RECENT = re.compile(
    r"\b(?:(?:is|are|am|im|hes|shes|theyre) (?:still )?having|today|tonight|this (?:morning|afternoon|evening)|yesterday|last night|just|again|still|since then)\b"
)
DENIED = re.compile(
    r"\b(?:no (?:tengo|tiene|hay|siento|siente|he tenido|ha tenido|tuve)|sin|nunca|jamas|ni|no|not|never|without|dont have(?: any)?|do not have(?: any)?|doesnt have(?: any)?|didnt have(?: any)?|havent|"
    r"have not|hasnt|isnt|is not|arent|wasnt|im not|i am not|neither|nor|denies|deny|free of|didnt|did not|dont|do not|"
    r"doesnt|wont|would never|will never|not having|rather than|instead of)"
    r"(?: (?!but\b|only\b|sure\b|know\b|think\b|tell\b|now\b|stop\b|until\b|and (?:the|my|i|im|it|its|he|she)\b|i\b|im\b|ill\b|he\b|she\b|they\b|one\b)\w+){0,3} ?$"
)
# Said anywhere in the sentence, these make a relative's illness a matter of history.
FAMILY = re.compile(r"\b(?:at risk|runs in (?:my|the) family|family history|hereditary|in my family)\b")
THINKING = re.compile(
    r"\b(?:think\w*|thoughts?|dream\w*|fantasi\w+|plan\w*|considering|talk\w*)(?: \w+)? (?:about|of) $"
)
NOBODY = re.compile(r"\b(?:nobody|no one)(?: (?:here|there))?(?:s| is| was) ?$")
# What a leaflet says, unless the writer goes on about a person.
PRINTED = re.compile(
    r"\b(?:leaflet|form|questionnaire|poster) (?:lists?|means? by|mean by|mentions?|warns? (?:of|about))(?: \w+)? [\"\u201c]?$"
)
PERSON = re.compile(
    r"\b(?:i|im|ive|my|me|mine|hes|shes|he|she|we|they|yes|husband|wife|partner|son|daughter|baby|mum|mom|dad|kid|child)\b"
)
NOTHING_BUT = re.compile(r"\b(?:nothing|anything) (?:but|except) ?$")
SUBJECT = r"(?:i|im|ive|he|hes|she|shes|they|theyre|we|and|but|because|so|since|my \w+ (?:is|has|was|wont|cant))"
CAUSES = (
    r"(?:can|could|does|do|did|will|would|might|may|if) (?:it|this|that|these|they|the \w+(?: \w+)?|an? \w+(?: \w+)?|"
    r"(?!i\b|he\b|she\b|we\b|you\b)\w+(?: (?:infusions?|therapy|treatments?|drips?|injections?|pills?|drugs?|surgery))?)"
    r"(?: \w+)? (?:cause|make|give|lead|trigger|bring|increase|raise|stop|affect|hurt|help|treat|prevent|worsen|have|damage|knock|put|send|leave)"
)
HYPOTHETICAL = re.compile(
    rf"(?:\bwhat (?:if|happens (?:if|when)|would happen|should i do if|do i do if|to do if|if)\b[^.?!]{{0,60}}"
    rf"|\b(?:if|in case|suppose|supposing|say|should) (?:i|you|someone|somebody|anyone|a \w+|he|she|they|it|my \w+|the \w+|people|patients?|one|we)\b(?: (?!{SUBJECT}\b)\w+){{0,5}}"
    rf"|\b{CAUSES}\b(?: (?!{SUBJECT}\b)\w+){{0,6}}"
    rf"|\b(?:chances?|risks?|odds|likelihood|signs?|symptoms?|danger\w*|side effects?|causes?|cases?|reports?|rates?|"
    rf"possibility|warnings?|worr\w+|scared|afraid|fear\w*|anxious|nervous|concern\w*|heard|read|known|used|useful|works?|approved|"
    rf"treat\w*|helps|helped|helping|help (?=with|for|against)|studies|research|evidence|about|prevent\w*|avoid\w*|difference between|meaning of|define)"
    rf"(?: (?:of|about|for|like|include|including|from|that|with|on|in|to|against|during|after|having|getting|by|it|a|an|the|some|people|patients|who|can|could|may|might|with)){{0,5}}"
    rf"(?: (?!{SUBJECT}\b)\w+){{0,2}}"
    rf"|\bis (?:it|there|that)(?: \w+)? (?:possible|common|normal|likely|risk|any risk|dangerous|true|known)\b(?: (?!{SUBJECT}\b)\w+){{0,5}}"
    rf"|\bwhat (?:percent|percentage|proportion|share|fraction) of (?:the )?(?:people|patients|women|men|children)(?: \w+){{0,3}}"
    rf"|\bhow (?:common|likely|often|dangerous|many people|serious|rare|is|are|does|do)\b(?: (?!{SUBJECT}\b)\w+){{0,4}}"
    rf"|\b(?:are|is|do|does|did|can|could|have|has|will|would) (?:people|patients|anyone|someone|somebody|anybody|one|many|most|some|you|folks|users|it|they|doctors|nurses|clinics|staff)\b(?: (?!{SUBJECT}\b)\w+){{0,3}}"
    rf"|^(?:is|are|was|were)(?: an?| the)?"
    rf"|\bhow (?:do|would) (?:the |your )?(?:staff|nurses|paramedics|medics) (?:handle|deal with|respond to) (?:someone|somebody|an?)(?: (?!{SUBJECT}\b)\w+){{0,2}}"
    rf"|\bdifference between (?:\w+ ){{1,4}}and(?: an?)?|\bwhat(?:s| is| are| counts as)(?: an?| the)?"
    rf"|\b(?:can|could|does|do) (?:\w+ ){{1,4}}(?:feel|look|seem|sound) like(?: an?)?"
    # Spanish: "puede causar un", "que hacen si alguien", "riesgo de"
    rf"|\b(?:articulos?|folletos?|libros?) (?:sobre|acerca de)(?: (?!(?:mi|mis|me|no|se|tengo|estoy|y)\b)\w+){{0,5}}"
    rf"|\b(?:puede|pueden|podria|podrian) (?:\w+ ){{1,3}}(?:causar|provocar|producir)(?: (?!(?:mi|me|no|se)\b)\w+){{0,2}}"
    rf"|\b(?:puede|pueden|podria|podrian) (?:causar|provocar|producir|dar|llevar a)(?: \w+){{0,3}}"
    rf"|\b(?:que (?:hacen|pasa|hago|debo hacer)|como (?:le hacen|atienden|manejan))\b(?: \w+){{0,3}} si (?:alguien|un|una|el|la)\b(?: \w+){{0,3}}"
    rf"|^(?:y )?q(?:ue)? (?:es|son|significa)(?: un| una| el| la)?|\bdiferencia entre(?: un| una| el| la)?(?: \w+ y)?(?: un| una| el| la)?|\bse puede confundir con(?: un| una)?"
    rf"|\b(?:riesgos?|probabilidad|casos?|sintomas|senales|prevenir|evitar|miedo) (?:de|a|del|un|una)(?: \w+){{0,3}}) ?$"
)
AFTER = re.compile(
    r"^(?: \w+){0,3}[\"\u201d]? (?:se hereda\b|es (?:hereditari[oa]|lo mismo)\b|in (?:some|certain|a few|other|young) (?:users|people|patients|adults|kids|children|teens)|(?:as )?an? (?:known |common |possible |rare |potential )?(?:side effect|risk|symptom|complication|sign)|"
    r"possible|common|likely|dangerous|mean\b|action plans?|awareness|risk (?:score|of \d|\d)|prevention|hotline|clinic|guidelines?|syndrome|medicine|meds|disorder|"
    r"history|rates?|warnings?|antidote|statistics)\b"
)
# Said of a bill or a joke. Words of wanting to die count only with what nobody dies of.
IDIOM = re.compile(
    r"\b(?:heart attack|stroke|passed out|faint\w*|infarto|desmay\w+)\b.{0,60}"
    r"\b(?:bill|price|quoted?|invoice|cuenta|precio|haha\w*|jaja\w*|laughing)\b"
    r"|\b(?:bill|price|invoice|cuenta|precio)\b.{0,40}\b(?:heart attack|stroke|infarto)\b"
    r"|\bdie of (?:embarrassment|boredom|laughter|shame)\b"
)
# What the words themselves say is no illness; nothing else in the sentence is excused by it.
NOT_ILL = re.compile(
    r"\boverdos\w+ on (?:chocolate|haribo|cake|sweets|crisps|cheese|netflix)\b(?! (?:laxative|edible|and))"
    r"|\bheart (?:stopped|sank|skipped a beat)(?: \w+){1,5} (?:bill|fee|price|invoice|quote)\b(?! (?:is|was))"
    r"|\bcollaps\w+ (?:laughing(?! gas)|(?:with|from|in) laughter)\b(?!.*\b(?:now|wake\w*|woke|blue|pulse|breath\w*|respon\w+|gas)\b)"
    r"|\b(?:nearly|almost|casi)\b(?: \w+){0,3} (?:heart attack|infarto)\b,? (?:when|cuando) (?:(?:i|he|she|we|they|my \w+) )?"
    r"(?:saw|opened|read|heard|vi|abri|lei|oi)\b"
    r"|\bsle(?:eps?|pt|eping) like the dead\b|\bjump\w* off (?:\w+ ){1,4}(?:for charity|bungee)\b|\b(?:for|in) (?:a )?bungee jump\b"
    r"|\bsa(?:y|ying|id) (?:my )?goodbyes? to (?:\w+ ){0,3}(?:at|from|in) (?:the |my |her |his |our )?(?:\w+ )?(?:nursery|school|office|work|"
    r"ward|club|team|class|church|choir|gym|placement)\b"
    r"|\bfaint\w* at the (?:sight|thought) of\b"
    r"|\bchoking hazard\b|\bcut(?:ting)? (?:my|your|him|her|our)sel(?:f|ves) (?:some|a (?:bit|little)(?: of)?) slack\b"
)
# Said of what is learnt, read or watched. "In class" is a place: people collapse there.
LEARNT = re.compile(
    r"(?<!thanks )(?<!thank you )\bfor (?:an?|my|our|the|his|her|this) (?:\w+ ){0,3}(?:essay|project|class|course|exam|assignment|quiz|story|novel|book|play|article|"
    r"interview|presentation|training|thesis|paper|podcast|talk|test)\b|\b(?:homework|revision|revising|first aid (?:course|class|training|"
    r"book|quiz|day|lesson|lady|man)|study(?:ing)? for|studying (?:social|to be|nursing|medicine)|interview prep|risk assessment)\b"
    r"|\bin (?:a|the|this|that|his|her) (?:\w+ )?(?:film|movie|book|novel|story|series|drama|soap|tv show|news|newspaper|papers?|episode|documentary|"
    r"podcast|leaflet|play|poem|song)\b|\b(?:a story|a novel|a book|a play|a scene|a film|an essay|an article|a documentary|a drama|a podcast) (?:where|about|on|in which)\b"
    r"|\bpara (?:un|una|mi|la|el) (?:\w+ ){0,2}(?:trabajo|tarea|proyecto|clase|examen|escuela|curso)\b|\ben (?:las noticias|una? (?:serie|novela|pelicula|libro)|la (?:serie|novela|pelicula|tele))\b"
    r"|\b(?:vi|mire|lei) (?:\w+ )?(?:una? )?(?:serie|novela|pelicula|libro)\b"
)
# Medicine that was taken as it should be.
AS_TOLD = re.compile(
    r"\b(?:like|as) (?:on )?(?:the|my) (?:\w+ )?(?:chart|sheet|leaflet|label|box|bottle|plan|doctor|nurse|pharmacist|surgeon|consultant|clinic)\b"
    r"|\bas (?:prescribed|directed|instructed|usual|always)\b|\blike (?:normal|usual|always)\b"
    r"|\bcomo (?:me |nos )?(?:dijo|dijeron|indico|indicaron|receto|recetaron)\b|\bcomo siempre\b"
)
FEARED = re.compile(
    r"\b(?:terrified|petrified|frightened|scared|afraid|worried|nervous|phobia|phobic|dread\w*) (?:that |of )?"
    r"(?:(?:ill|hell|shell|theyll|itll|youll|well)|(?:i|he|she|they|it|you|we) (?:might|may|could|will|would))(?: \w+){0,2} ?$"
    r"|\b(?:terrified|petrified|frightened|phobia|phobic|dread\w*)(?: (?:of|about|by))?(?: \w+ing)?(?: (?:a|an|the|that))? ?$"
)
OWN = re.compile(
    r"\b(?:i have|ive got|im having|i am having|i feel|im feeling|my|im|i am|i got|hes|shes|is having|has been)\b"
)

# Said anywhere in the sentence.
SAID_OF = {"idiom": IDIOM, "learnt": LEARNT, "as told": AS_TOLD}


def excused(sentence: str, start: int, end: int, guards: list[str], *, now: bool) -> str:
    """Return the guard that excuses the phrase ``sentence[start:end]``, or "".

    ``now`` is True when the message says that it is happening: past and hypothetical then excuse nothing.
    """
    before = _clause_before(sentence, start)
    # "they say no, i am ending it": a bare "no" before a new subject denies nothing.
    answer_no = re.search(r"\bno ?$", before) and re.match(rf"{SUBJECT}\b", sentence[start:end])
    phrase = sentence[start:end]
    denied = DENIED.search(before) and not NOTHING_BUT.search(before) and not answer_no
    if "negation" in guards and (denied or (NOBODY.search(before) and not re.match(rf"{SUBJECT}\b", phrase))):
        return "negation"
    if now:
        return ""
    clause = before + sentence[start:end] + _clause_after(sentence, end)
    if "past" in guards and (PAST.search(clause) or FAMILY.search(sentence)) and not RECENT.search(clause):
        return "past"
    return _not_meant(sentence, start, end) if "hypothetical" in guards else ""


def _not_meant(sentence: str, start: int, end: int) -> str:
    """Return why ``sentence[start:end]`` is said of nobody in danger now, or ""."""
    if any(found.start() < end and found.end() > start for found in NOT_ILL.finditer(sentence)):
        return "idiom"
    for name, said in SAID_OF.items():
        if said.search(sentence):
            return name
    lead = sentence[:start].rstrip() + " " if start else ""
    if THINKING.search(lead):
        return ""
    printed = PRINTED.search(lead) and not PERSON.search(sentence)
    asked = HYPOTHETICAL.search(lead) or FEARED.search(lead) or printed
    return "hypothetical" if asked or (AFTER.search(sentence[end:]) and not OWN.search(sentence)) else ""


def _clause_before(sentence: str, start: int) -> str:
    return re.split(r",|:|\bbut\b|\bhowever\b|\balthough\b|\bthough\b|\band now\b|\bbecause\b", sentence[:start])[-1]


def _clause_after(sentence: str, end: int) -> str:
    return re.split(r",|:|\bbut\b|\bhowever\b|\balthough\b|\bthough\b|\band now\b|\bbecause\b", sentence[end:])[0]
