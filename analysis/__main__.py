"""`python -m analysis`: one analysis worker. `python -m analysis budget`: see budget."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys

from analysis import budget
from analysis.analyst import Analyst
from analysis.batcher import Batcher
from analysis.chosen_scorer import chosen_rules, chosen_scoring
from analysis.ear import Ear
from analysis.hallucination import SHIPPED_PHRASES, Phrases
from analysis.settings import AnalysisSection, AnalysisSettings
from analysis.transcriber import Transcriber
from analysis.worker import Worker
from callbus.bus import Bus
from callbus.fork_reader import ForkReader
from callbus.housekeeping import Housekeeping
from service.process import Process, main
from service.settings import ConfigError

log = logging.getLogger("analysis")

WATCH_SECONDS = 0.25


async def work(settings: AnalysisSettings, process: Process) -> None:
    """Load the model, wait for Redis, work until the process is told to stop, give the partitions back."""
    section = settings.analysis
    phrases = _phrases(section)
    process.unready = "loading the model"
    scoring = await asyncio.to_thread(chosen_scoring, section)
    transcriber = await asyncio.to_thread(Transcriber, section)
    analyst = Analyst(chosen_rules(section), section.redacted_digits)
    batcher = Batcher(transcriber, section.batch_size, section.queue_utterances)
    ear = Ear(
        transcriber,
        batcher,
        phrases,
        feature_threads=section.feature_threads,
        limit=section.queue_utterances,
        voices=section.raised_voice,
    )
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    async with Bus(settings.redis) as bus, asyncio.TaskGroup() as group:
        reader = ForkReader(bus, name)
        beside = [
            group.create_task(batcher.run(), name="batcher"),
            group.create_task(Housekeeping(bus).run(), name="housekeeping"),
            group.create_task(_watch(bus, process), name="watch"),
        ]
        scoring.begin()
        # Half the lease: whoever is still at work then may find the partition taken.
        await Worker(reader, ear, scoring, analyst).run(process.stopping, settings.redis.lease_seconds / 2)
        await reader.release()
        for task in beside:
            task.cancel()
    await scoring.close()
    ear.close()


async def _watch(bus: Bus, process: Process) -> None:
    """Keep /readyz true to whether Redis answers."""
    while not process.stopping.is_set():
        process.unready = bus.unready
        await asyncio.sleep(WATCH_SECONDS)


def _phrases(section: AnalysisSection) -> Phrases:
    path = section.invented_phrases or SHIPPED_PHRASES
    try:
        return Phrases.read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"analysis.invented_phrases: {path}: {error}; name a readable UTF-8 file") from None


if __name__ == "__main__":
    if sys.argv[1:2] == ["budget"]:
        sys.exit(budget.main(sys.argv[2:]))
    sys.exit(
        main(
            "analysis", "Turns the utterances of many calls into transcripts and alerts.", AnalysisSettings, work, 9102
        )
    )
