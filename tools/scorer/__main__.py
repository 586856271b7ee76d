"""`python -m tools.scorer comments|fold|finish`: the turn scorer that ships with Callvane, from MiniLM."""

from __future__ import annotations

import argparse
import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path

from tokenizers import Tokenizer

from tools.scorer.calibration import Calibration
from tools.scorer.examples import Example, banking, go_emotions

SHIPPED = Path(__file__).resolve().parents[2] / "analysis" / "models" / "feeling"
HELD_OUT = Path(__file__).parent / "heldout.json"
WINDOW_TOKENS = 64
"""How much of a call the network reads: the turn, and what fits of those before it."""
COMMENTS, COMMENTS_AGAIN = 5_000, 500
"""Unhappy comments of the first stage, and of the second beside the dialogues."""


def main() -> None:
    """Run one step; torch is imported only by the steps that need it."""
    parser = argparse.ArgumentParser(prog="python -m tools.scorer", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    comments = steps.add_parser("comments", help="first stage: GoEmotions and Banking77")
    fold = steps.add_parser("fold", help="second stage without a group of the composed dialogues, or with all of them")
    fold.add_argument("--group", default="", help="a file of composed/, without .jsonl; none: the model that ships")
    for step in (comments, fold):
        step.add_argument("--data", type=Path, required=True, help="folder of goemotions/ and banking77/")
        step.add_argument("--minilm", type=Path, required=True, help="folder of MiniLM-L6's model.safetensors")
        step.add_argument("--threads", type=int, default=1)
    fold.add_argument("--epochs", type=int, default=2)
    fold.add_argument("--rate", type=float, default=2e-4)
    fold.add_argument("--seeds", type=int, default=1, help="trainings whose weights are averaged")
    finish = steps.add_parser("finish", help="calibrate on the folds, write what they say, export the model")
    finish.add_argument("--model", type=Path, default=SHIPPED)
    for step in (comments, fold, finish):
        step.add_argument("--work", type=Path, required=True, help="where models in the making lie")
    options = parser.parse_args()

    if options.step == "comments":
        _comments(options)
    elif options.step == "fold":
        _fold(options)
    else:
        _finish(options)


def _comments(options: argparse.Namespace) -> None:
    import torch

    from tools.scorer.network import Readings, from_minilm
    from tools.scorer.training import train
    from tools.scorer.variants import variants

    torch.set_num_threads(options.threads)
    dice = random.Random(1)
    chosen = _sample(options.data, COMMENTS, dice)
    heard = [[dice.choice(same) for same in zip(*variants(chosen, 1, seed=1), strict=True)]]
    network = from_minilm(options.minilm / "model.safetensors")
    train(network, Readings(network), _tokenizer(options.minilm), heard, epochs=1, rate=1e-4, seed=1)
    options.work.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.work / "comments.pt")


def _sample(data: Path, unhappy: int, dice: random.Random) -> list[Example]:
    """Comments of one feeling alone, unhappy ones as many as the others together, and a few banking requests."""
    known = list(go_emotions(data / "goemotions", "train"))
    of = [[one for one in known if one.labels[0].feelings[feeling] == 1] for feeling in range(3)]
    requests = list(banking(data / "banking77" / "train.csv"))
    chosen = [dice.sample(of[0], unhappy), dice.sample(of[2], unhappy // 2), dice.sample(of[1], unhappy // 2)]
    return [one for part in (*chosen, dice.sample(requests, unhappy // 4)) for one in part]


def _fold(options: argparse.Namespace) -> None:
    import torch

    from tools.scorer.exporting import export
    from tools.scorer.folds import composed, without, written
    from tools.scorer.network import Network, Readings
    from tools.scorer.training import train
    from tools.scorer.variants import variants

    torch.set_num_threads(options.threads)
    tokenizer = _tokenizer(options.minilm)
    groups = composed()
    if options.group:
        examples = without(options.group, groups, written())
    else:
        examples = [one for of in groups.values() for one in of] + written()
    # Callers of the dialogues seldom say outright how they feel; these do, and it must not be unlearnt.
    examples += _sample(options.data, COMMENTS_AGAIN, random.Random(2))
    heard = variants(examples, 2, seed=1)
    print(f"{options.group or 'all'}: {len(examples)} dialogues", flush=True)
    states = []
    readings: Readings | None = None
    for seed in range(options.seeds):
        network = Network()
        network.load_state_dict(torch.load(options.work / "comments.pt"))
        readings = readings or Readings(network)
        train(network, readings, tokenizer, heard, epochs=options.epochs, rate=options.rate, seed=seed)
        states.append(network.state_dict())
    network.load_state_dict({name: sum(state[name] for state in states) / len(states) for name in states[0]})
    export(network, tokenizer, options.work / (options.group or "all"), tokens=WINDOW_TOKENS)


def _finish(options: argparse.Namespace) -> None:
    import numpy as np

    from bench.evaluation.dialogues import read_jsonl
    from tools.scorer import heldout
    from tools.scorer.calibration import fitted, probabilities, reliability
    from tools.scorer.folds import COMPOSED

    trained = [path for path in sorted(COMPOSED.glob("*.jsonl")) if (options.work / path.stem).is_dir()]
    groups = {path.stem: read_jsonl(path) for path in trained}
    found = {group: heldout.logits(options.work / group, dialogues) for group, dialogues in groups.items()}
    said, true = [], []
    for group, (logits, labels) in found.items():
        # Each group is calibrated by the others: none on what it is shown on.
        others = [both for name, both in found.items() if name != group]
        calibration = fitted(np.concatenate([x for x, _ in others]), np.concatenate([y for _, y in others]))
        said.append(probabilities(logits, calibration)[:, 0])
        true.append(labels == 0)
        _calibrate(options.work / group, calibration)
    table, gap = reliability(np.concatenate(said), np.concatenate(true))
    print(f"unhappy, groups left out; mean gap {gap:.3f}\n{table}")
    heldout.write(list(groups), heldout.held_out({group: options.work / group for group in groups}, COMPOSED), HELD_OUT)
    logits, labels = (np.concatenate(both) for both in zip(*found.values(), strict=True))
    _calibrate(options.work / "all", fitted(logits, labels))
    options.model.mkdir(parents=True, exist_ok=True)
    for name in ("model.onnx", "tokenizer.json", "feeling.json"):
        shutil.copyfile(options.work / "all" / name, options.model / name)
    print(json.dumps(json.loads((options.model / "feeling.json").read_text("utf-8"))))


def _calibrate(folder: Path, calibration: Calibration) -> None:
    path = folder / "feeling.json"
    about = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(about | asdict(calibration), indent=2) + "\n", "utf-8")


def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


if __name__ == "__main__":
    main()
