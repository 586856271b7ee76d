"""`python -m analysis`: one analysis worker. `python -m analysis budget` and `fetch`: see budget and fetching."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from functools import partial

from analysis.budget import thresholds
from analysis.call.analyst import Analyst
from analysis.call.decision import Decisions
from analysis.fetching import command
from analysis.lanes.agents import Agents, load_key, load_rules
from analysis.lanes.in_hand import InHand
from analysis.lanes.overload import OverloadWatch
from analysis.lanes.worker import Worker
from analysis.languages.files import SHIPPED, LanguageError, tables
from analysis.languages.lexicon import ENGLISH, Lexicon, lexicons
from analysis.practice import phrases as practice_phrases
from analysis.practice.repeated import Repeats
from analysis.scorers.choice import chosen_rules, chosen_scoring, judged_languages, listed_languages, shipped_readings
from analysis.settings import AUTO, AnalysisSection, AnalysisSettings
from analysis.words.batcher import Batcher
from analysis.words.hallucination import SHIPPED_PHRASES, Phrases
from analysis.words.language import ALL, Languages
from analysis.words.names import Glossary
from analysis.words.readers import Listener, chosen_readers
from analysis.words.recognition import Recognizer
from callbus.redis.bus import Bus
from callbus.redis.contacts import Contacts
from callbus.redis.foretelling import AheadReader
from callbus.redis.fork_reader import ForkReader
from callbus.redis.housekeeping import Housekeeping
from callbus.redis.loads import Loads
from service import standard_streams
from service.cores import cores
from service.health import Check
from service.process import Process, main
from service.settings import ConfigError
from service.work_threads import WorkThreads

log = logging.getLogger("analysis")

WATCH_SECONDS = 0.25
STALL_SECONDS = {"model": 120.0, "scorer": 30.0, "reader": 30.0, "features": 30.0}
"""By thread: longer than any piece of its work takes, even on the slowest machine with the largest model."""
ENDING_SECONDS = 10.0
"""How long the shutdown waits for the threads' current work."""
MOST_FEATURE_THREADS = 4
"""Unless set: 1,000 two-leg calls take two of them whole."""
IN_HAND_A_QUEUE = 4
"""Times `queue_utterances`: those waiting for features, for the model, for a score, and behind others of a call."""


async def work(settings: AnalysisSettings, process: Process) -> None:
    """Load the model, wait for Redis, work until told to stop, give the partitions back."""
    section = settings.analysis
    phrases, key = _phrases(section), load_key(settings.load)
    lexicons, practice = _of_languages(section)
    listed, judged = listed_languages(section, lexicons), judged_languages(section, lexicons)
    english = lexicons.get(ENGLISH, Lexicon(ENGLISH))
    process.unready = "loading the model"
    scoring = await asyncio.to_thread(chosen_scoring, section, english)
    readings = await asyncio.to_thread(shipped_readings, english) if practice else None
    readers = await asyncio.to_thread(chosen_readers, section)
    server, whisper = readers.server, readers.whisper
    is_english = whisper is not None and not server and not whisper.detects
    languages = _languages(section, judged, is_english, detects=whisper is not None and not server and not is_english)
    repeats = Repeats(secrets.token_bytes(32)) if practice and section.practice_repeated else None
    analyst = Analyst(chosen_rules(section), section.redacted_digits, languages, practice, lexicons, listed, repeats)
    batcher = Batcher(whisper, section.batch_size, section.queue_utterances) if whisper else None
    recognizer = Recognizer(
        whisper or Listener(),
        batcher,
        phrases,
        server=server,
        feature_threads=section.feature_threads or min(MOST_FEATURE_THREADS, cores()),
        limit=section.queue_utterances,
        voices=section.raised_voice,
        languages=languages,
        glossary=Glossary(section.names, section.names_by_queue),
    )
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    threads = (
        *([batcher.threads] if batcher else []),
        scoring.threads,
        *([readings.threads] if readings else []),
        recognizer.threads,
    )
    stalled = partial(_stalled, threads)
    async with Bus(settings.redis) as bus:
        reader = ForkReader(bus, name)
        in_hand = InHand(IN_HAND_A_QUEUE * section.queue_utterances)
        contacts = Contacts(bus, settings.contacts.days)
        agents = Agents(Loads(bus), key, load_rules(settings.load)) if key else None
        worker = Worker(reader, recognizer, Decisions(analyst, scoring, readings), in_hand, contacts, agents)
        overload = OverloadWatch(bus, name, in_hand, recognizer.loads)
        transcribing = process.start("the batcher", batcher.run()) if batcher else None
        process.start("the housekeeping", Housekeeping(bus, contacts).run())
        process.start("the watch over the load", overload.run())
        process.start("the watch", _watch(bus, process, lambda: stalled() or (server.unready if server else "")))
        process.alive_checks.append(stalled)
        try:
            scoring.begin()
            if server:
                server.begin()
            reading = process.start("the reader", worker.read())
            if not server:
                process.start("reading ahead", worker.read_ahead(AheadReader(bus, lambda: reader.held)))
            await process.stopping.wait()
            await process.end(reading)
            # Half the lease: later the partition may already belong to another worker.
            await worker.finish(0 if transcribing and transcribing.done() else settings.redis.lease_seconds / 2)
        finally:
            process.stopping.set()
            process.alive_checks.remove(stalled)
            await reader.release()
            await process.end()
    await scoring.close()
    if readings:
        await readings.close()
    if server:
        await server.close()
    recognizer.close()
    await asyncio.gather(*(each.ended(ENDING_SECONDS) for each in threads))


def _stalled(threads: Sequence[WorkThreads]) -> str:
    """Why words or scores have stopped coming; empty if they have not."""
    hanging = (each.kind for each in threads if each.busy_seconds() > STALL_SECONDS[each.kind])
    return next((f"the {kind} thread hangs" for kind in hanging), "")


async def _watch(bus: Bus, process: Process, unready: Check) -> None:
    """Keep /readyz in step with Redis, and with what else keeps words from coming."""
    while not process.stopping.is_set():
        process.unready = bus.unready or unready()
        await asyncio.sleep(WATCH_SECONDS)


def _languages(section: AnalysisSection, judged: frozenset[str], is_english: bool, detects: bool) -> Languages:
    """`is_english`: the model knows nothing else."""
    expected = "en" if is_english else "" if section.language == AUTO else section.language
    if not judged & {expected, *section.languages, ALL} and (expected or section.languages):
        log.warning(
            "the scorer judges %s alone: calls in %s raise no alerts; see analysis.scorer",
            ", ".join(sorted(judged)),
            ", ".join(sorted({expected, *section.languages} - {""})),
        )
    return Languages(expected, frozenset(section.languages), judged, detects)


def _phrases(section: AnalysisSection) -> Phrases:
    path = section.invented_phrases or SHIPPED_PHRASES
    try:
        return Phrases.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"analysis.invented_phrases: {path}: {error}; give a readable UTF-8 file") from None


def _of_languages(section: AnalysisSection) -> tuple[dict[str, Lexicon], dict[str, practice_phrases.Phrases] | None]:
    """What is looked for in words, by language; the phrases only if practice is looked for."""
    try:
        known = tables(section.language_files or SHIPPED)
        found = practice_phrases.by_language(known)
        return lexicons(known), found if section.practice else None
    except LanguageError as error:
        raise ConfigError(f"analysis.language_files: {error}") from None


if __name__ == "__main__":
    standard_streams.ensure()
    if sys.argv[1:2] == ["budget"]:
        sys.exit(thresholds.main(sys.argv[2:]))
    if sys.argv[1:2] == ["fetch"]:
        sys.exit(command.main(sys.argv[2:]))
    sys.exit(
        main(
            "analysis", "Turns the utterances of many calls into transcripts and alerts.", AnalysisSettings, work, 9102
        )
    )
