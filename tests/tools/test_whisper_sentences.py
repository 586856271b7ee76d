"""The training language: what may be trained on, and that it can say what the scenarios say."""

import random
from itertools import islice

import pytest

from tools.whisper.sentences import (
    MAX_WORDS,
    Part,
    draw,
    draw_snippets,
    expand,
    grammar,
    part_of,
    scenario_sentences,
    scenario_texts,
    split_sentences,
    vocabulary,
    words,
)


def test_vocabulary_covers_every_scenario_word() -> None:
    """Every word of every scenario is in the vocabulary."""
    said = {word for text in scenario_texts() for word in words(text)}
    assert said
    assert said <= set(vocabulary())


def test_every_scenario_word_is_trained_on() -> None:
    """Every scenario word occurs in other sentences among the first 10,000 training utterances."""
    heard = {word for sentence in islice(draw(Part.TRAIN, 1), 10_000) for word in sentence.written.split()}
    assert {word for text in scenario_texts() for word in words(text)} <= heard


@pytest.mark.parametrize("part", list(Part))
def test_no_scenario_sentence_is_drawn(part: Part) -> None:
    """No utterance of any part is, or holds as one of its sentences, a sentence of a scenario."""
    for sentence in islice(draw(part, 3), 600):
        assert sentence.written not in scenario_sentences()
        assert not scenario_sentences().intersection(split_sentences(sentence.spoken))


def test_no_scenario_sentence_is_a_snippet() -> None:
    """Snippets are one to four words of the training part, and never a scenario's sentence."""
    for snippet in islice(draw_snippets(3), 4_000):
        assert snippet.written not in scenario_sentences()
        assert part_of(snippet.written) is Part.TRAIN
        assert 1 <= len(snippet.written.split()) <= 4


def test_parts_share_no_sentence() -> None:
    """A sentence of three words or more belongs to one part alone, also inside a longer utterance."""
    drawn = {
        part: {
            piece
            for sentence in islice(draw(part, 5), 600)
            for piece in split_sentences(sentence.spoken)
            if len(piece.split()) > 2
        }
        for part in Part
    }
    assert not drawn[Part.TRAIN] & drawn[Part.TEST]
    assert not drawn[Part.TRAIN] & drawn[Part.DEV]
    assert not drawn[Part.DEV] & drawn[Part.TEST]


def test_utterances_are_bounded_and_differ() -> None:
    """Utterances have at most MAX_WORDS words, and none is drawn twice."""
    drawn = [sentence.written for sentence in islice(draw(Part.TRAIN, 9), 600)]
    assert len(set(drawn)) == len(drawn)
    assert max(len(text.split()) for text in drawn) <= MAX_WORDS


def test_every_template_expands() -> None:
    """Every template of the grammar names slots that exist and closes its brackets."""
    rng = random.Random(1)
    for templates in grammar()[1].values():
        for template in templates:
            for _ in range(5):
                assert not set(expand(template, rng)) & set("{}()[]|")


def test_same_seed_same_sentences() -> None:
    """The same part and seed give the same utterances, so a corpus can be made again."""
    assert list(islice(draw(Part.TRAIN, 2), 50)) == list(islice(draw(Part.TRAIN, 2), 50))


def test_short_sentences_are_for_training() -> None:
    """One- and two-word sentences are never held out: every caller says them."""
    assert part_of("thank you") is Part.TRAIN


def test_words_of_a_text() -> None:
    """Words are lower case and keep only the apostrophes inside them."""
    assert words("Yes, it's 'fine' - o'clock!") == ["yes", "it's", "fine", "o'clock"]
