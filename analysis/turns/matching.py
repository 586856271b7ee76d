"""Words as the patterns of a language's file see them. Pure."""

from __future__ import annotations

from analysis.languages.folding import folded
from analysis.languages.lexicon import ENGLISH, Lexicon
from analysis.turns.quoting import own_words
from analysis.turns.wording import bare, plain


def matchable(text: str, lexicon: Lexicon) -> str:
    """Lower case without punctuation and accents; English figures as words, those of other languages as they are."""
    return folded(plain(text) if lexicon.language == ENGLISH else bare(text))


def own(text: str, lexicon: Lexicon) -> str:
    """The same of what is the speaker's own."""
    return matchable(own_words(folded(text), lexicon), lexicon)
