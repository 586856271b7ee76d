"""What callers say they will do about it: leave, go to law, ask for a supervisor, a regulator, the press. Pure.

Said in earnest, one such sentence deserves a supervisor's attention. The patterns require the caller's own intent, so
reported speech, denials, questions and mere thoughts do not match. Whether the caller is calm about it ("I'm going to
cancel, we're moving") shows in the turn's score, which the detector checks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from callbus import Term

EACH, MOST = -1.2, -1.6
"""What one kind of threat adds to a turn's log-odds, and the limit for all of them."""

_WILL = (
    r"(?:(?:i'm|i am|we're|we are)(?: just)?(?: going| gonna| off| taking| calling| ringing| phoning| writing"
    r"| reporting"
    r"| contacting| getting| seeing| flagging| giving| sending| posting| putting| making| filing| raising"
    r"| lodging)(?: to)?"
    r"|(?:i'll|i will|i shall|we'll|we will|i go|we go)(?: be)?(?: going)?(?: straight| right)?(?: to)?"
    r"|(?<!not )(?<!n't )(?<!was )(?<!were )(?:going|off) (?:straight |right )?to)"
)
_FEW = r"(?: (?!(?:not|never|no|about|because|since|so|if|how|when|for|see)\b)[\w']+){0,6}? "
"""Up to six words, and the space before the next one."""
_OR = r"(?:or|then|otherwise|and) (?:it's|it is|its|it'll be|we will talk in|we'll talk in|we talk in|i'll see you in)"
_ASK = (
    r"(?:i want|i need|i demand|i insist on|i'd like|i would like|put me (?:on|through|on through)|get me|give me"
    r"|fetch me"
    r"|let me|i'm asking for)"
)

THREATS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "threatens to leave",
            r"\b(?:(?:then|so|right|that's it|fine|okay|ok|me) (?:i'm|i am|we're|we are) (?:leaving|off|gone|done|out)"
            r"(?! on\b| to\b| for\b| with the\b)"
            r"|(?:i'm|i am|we're|we are|i'll be|i'll|we'll) (?:closing|close) (?:the lot|everything|every account"
            r"|(?:my|our|all my|both) accounts? (?:right now|now|today))"
            r"|(?:i'll|i will|we'll) cancel (?:it|this|everything|the lot|the whole \w+)(?: all)? then"
            r"|i cancel everything|(?:i'm|i am) off cancel it|cancel (?:the lot|everything|the whole (?:lot"
            r"|thing))(?! (?:on|from|for|please)\b)"
            r"|(?:taking|take) (?:my|our|all my) (?:business|custom|money|account|accounts)"
            r"(?: (?:elsewhere|somewhere|to|away|out|with))"
            r"|(?:i'm|i am|we're|i'll be|i'll|we'll) (?:going|go) (?:elsewhere|somewhere else|to (?:a"
            r"|your) competitors?)"
            r"|(?:you've|you have|you just|you're) (?:just )?(?:lost|losing) (?:a customer|my (?:custom|business)|me)\b"
            r"|(?:i'm|i am|i'll|i will) never (?:\w+ ){0,4}(?:again|with you)"
            r"|(?:i'm|i am) (?:done|finished|through) with (?:you|this company|this bank|the lot of you))\b",
        ),
        (
            "threatens legal action",
            rf"\b(?:{_WILL}{_FEW}(?:a |the |my |our )?(?:sue|suing|lawyers?|solicitors?|attorneys?|barrister"
            rf"|legal action"
            r"|take (?:you|this|it) to court|small claims|lawsuit|chargeback)"
            rf"|{_OR}{_FEW}(?:a )?(?:small claims|court|courts|lawyer|solicitor|chargeback)"
            r"|(?:you'll|you will|you'll be|you will be) (?:hear|recognition|speak|speaking)(?: \w+)? (?:from|to"
            r"|with) (?:a|my|our)"
            r" (?:lawyers?|solicitors?|attorneys?)"
            r"|see you in (?:court|small claims|the small claims))\b",
        ),
        (
            "demands a supervisor",
            rf"\b(?:{_ASK}(?: to)?(?: speak| talk| be put through)?(?: on)?(?: to| with)?(?: (?:a|the|your|his|her))?"
            r" (?:supervisors?|managers?|boss|chief executive|somebody (?:senior|higher|above you|at a better level)"
            r"|someone (?:senior|higher|above you|at a better level|in charge))"
            r"|i want the name of your (?:manager|boss|chief executive))\b(?! approved| said)",
        ),
        (
            "turns to a regulator",
            rf"\b(?:{_WILL}{_FEW}(?:ombudsman|regulator|trading standards|watchdog|ofcom|ofgem|consumer (?:office"
            rf"|protection"
            r"|rights)|better business bureau|attorney general|health and safety|(?:local |my )?m p|mp|councillor)"
            r"|(?:i've|i have) put it to (?:the )?(?:ombudsman|regulator|trading standards)"
            r"|(?:i'll|i will) have (?:my|the) (?:mp|m p|ombudsman|council|card company|union)\b"
            r"|(?:i'm|i am|i'll be) (?:making|filing|lodging|putting in) a formal complaint)\b",
        ),
        (
            "goes public",
            rf"\b(?:{_WILL}{_FEW}(?:newspapers?|(?:to|ringing|calling) the papers?|the press|journalists?"
            rf"|reporters?|(?:to|ringing|calling|and) the telly"
            r"|the b b c|the bbc|the news|social media|twitter|facebook|trustpilot|every review site|bad review"
            r"|one star(?: review)?|review site)"
            r"|(?:i'll|i will|i'm going to|i'm gonna) (?:tell|warn) (?:everyone|everybody|every \w+))\b",
        ),
    )
)

_OTHERS = re.compile(
    r"\b(?:he|she|they|it|who|wife|husband|mother|mum|mom|dad|father|brother|sister|son|daughter|friend|neighbou?r|boss"
    r"|lawyer|solicitor|agent|man|woman|guy|lady|letter|email|mail|one|colleague|customer|somebody|someone)s?"
    r" (?:just |also |always |then )?(?:said|says|say|goes|went|shouted|wrote|writes|reads|was like|told \w+|threatened"
    r"|keeps? saying|kept saying|screamed)(?: that| to me| like)?(?: [\w']+){0,3}$"
)
_MERELY_THOUGHT = re.compile(
    r"(?:\b(?:if|whether|unless|suppose|imagine|say|before|until|because|thinking|joking|not saying|don't think"
    r"|do you think|as if|like|unlikely|not that|never said)|n't say|n't mean)$"
)
_NOT_YOU = re.compile(
    r"^(?: [\w']+){0,2}? (?:him|her|them|my (?:\w+ )?(?:landlord|neighbou?rs?|ex|builder|employer|husband|wife|brother"
    r"|sister|boss|old \w+)|the (?:landlord|neighbou?rs?|driver|builder|seller|airline|council|courier|other \w+"
    r"|wasps))\b"
)
_CALM = re.compile(
    r"\b(?:no hard feelings|nothing wrong|no complaints|no reflection|nothing against you|only joking|just joking"
    r"|just kidding"
    r"|only kidding|moving (?:house|abroad|away|in|to|out)|we move|we're moving|i'm moving|has died|he died|she died"
    r"|passed away|sold the|retir(?:ed|ing)|i'm staying|to thank|to praise|say thank|well done|good review"
    r"|nice review|how (?:nice|kind|good|helpful|lovely|well)"
    r"|five stars?)\b"
)


def threats(words: str) -> tuple[Term, ...]:
    """The threats in plain words (see wording.plain), as terms whose sum is capped."""
    if _CALM.search(words):
        return ()
    found = [name for name, pattern in THREATS if any(_meant(words, at) for at in pattern.finditer(words))]
    value = max(EACH, MOST / len(found)) if found else 0.0
    return tuple(Term(name, value) for name in found)


def _meant(words: str, at: re.Match[str]) -> bool:
    """Whether it is the caller's own intent, directed at us, and not a mere thought."""
    before, after = words[: at.start()].rstrip(), words[at.end() :]
    return not (_OTHERS.search(before) or _MERELY_THOUGHT.search(before) or _NOT_YOU.match(after))
