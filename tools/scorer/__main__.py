"""`python -m tools.scorer comments|fold|finish`: trains the shipped turn scorer, starting from MiniLM."""

from __future__ import annotations

import argparse
import json
import random
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from tokenizers import Tokenizer

from tools.scorer.calibration import Calibration
from tools.scorer.examples import Example, banking, go_emotions

SHIPPED = Path(__file__).resolve().parents[2] / "analysis" / "models" / "feeling"
HELD_OUT = Path(__file__).parent / "heldout.json"
HELD_OUT_READINGS = Path(__file__).parent / "heldout-readings.json"
WINDOW_TOKENS = 100
"""How much of a call the network reads: the turn, and as many earlier ones as fit."""
REQUESTS = 5_000
"""Banking requests in the first stage."""
EPOCHS, RATE = 4, 3e-4
HALF = 0.5
COMMENTS_AGAIN = 500
"""Unhappy comments added to the dialogues in the second stage."""


def main() -> None:
    """Run one step; torch is imported only by the steps that need it."""
    parser = argparse.ArgumentParser(prog="python -m tools.scorer", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    comments = steps.add_parser("comments", help="first stage: GoEmotions and Banking77")
    fold = steps.add_parser("fold", help="second stage without a group of the composed dialogues, or with all of them")
    fold.add_argument(
        "--group", default="", help="a file of composed/, without .jsonl; default: all, for the shipped model"
    )
    for step in (comments, fold):
        step.add_argument("--data", type=Path, required=True, help="folder with goemotions/ and banking77/")
        step.add_argument("--minilm", type=Path, required=True, help="folder with MiniLM-L6's model.safetensors")
        step.add_argument("--threads", type=int, default=1)
    fold.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1], help="one training per seed, all from the same start"
    )
    finish = steps.add_parser("finish", help="average the trainings, calibrate, write the folds' results, export")
    finish.add_argument("--minilm", type=Path, required=True, help="folder with MiniLM-L6's tokenizer.json")
    finish.add_argument("--model", type=Path, default=SHIPPED)
    for step in (comments, fold, finish):
        step.add_argument("--work", type=Path, required=True, help="folder for intermediate models")
    options = parser.parse_args()

    if options.step == "comments":
        _comments(options)
    elif options.step == "fold":
        _fold(options)
    else:
        _finish(options)


def _comments(options: argparse.Namespace) -> None:
    import torch

    from tools.scorer.network import from_minilm
    from tools.scorer.training import train
    from tools.scorer.variants import variants

    torch.set_num_threads(options.threads)
    dice = random.Random(1)
    requests = dice.sample(list(banking(options.data / "banking77" / "train.csv")), REQUESTS)
    chosen = [*go_emotions(options.data / "goemotions", "train"), *requests]
    dice.shuffle(chosen)
    network = from_minilm(options.minilm / "model.safetensors")
    network.lower.requires_grad_(False)  # comments are unlike calls; it learns from the dialogues alone
    train(network, _tokenizer(options.minilm), variants(chosen, 1, seed=1), epochs=2, rate=2e-4, seed=1)
    options.work.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.work / "comments.pt")


def _fold(options: argparse.Namespace) -> None:
    import torch

    from tools.scorer.folds import composed, without, written
    from tools.scorer.network import Network
    from tools.scorer.training import auc_of_unhappy, train
    from tools.scorer.variants import variants

    torch.set_num_threads(options.threads)
    tokenizer = _tokenizer(options.minilm)
    groups = composed()
    if options.group:
        examples = without(options.group, groups, written())
    else:
        examples = [one for of in groups.values() for one in of] + written()
    print(f"{options.group or 'all'}: {len(examples)} dialogues", flush=True)
    # Callers in the dialogues name their feelings less often than commenters do; the network must not unlearn it.
    heard = variants(examples + _sample(options.data, COMMENTS_AGAIN, random.Random(2)), 2, seed=1)
    start = torch.load(options.work / "comments.pt")
    folder = options.work / (options.group or "all")
    folder.mkdir(exist_ok=True)
    for seed in options.seeds:
        path = folder / f"seed-{seed}.pt"
        if path.exists():
            continue
        network = Network()
        network.load_state_dict(start)
        train(network, tokenizer, heard, epochs=EPOCHS, rate=RATE, seed=seed)
        torch.save(network.state_dict(), path)
        if options.group:
            auc = auc_of_unhappy(network, tokenizer, groups[options.group], WINDOW_TOKENS)
            print(f"{options.group} seed {seed}: AUC of unhappy turns {auc:.4f}", flush=True)


def _sample(data: Path, unhappy: int, dice: random.Random) -> list[Example]:
    """Comments with a single feeling, half of them unhappy, and a few banking requests."""
    known = list(go_emotions(data / "goemotions", "train"))
    of = [[one for one in known if one.labels[0].shares[feeling] == 1] for feeling in range(3)]
    requests = list(banking(data / "banking77" / "train.csv"))
    chosen = [dice.sample(of[0], unhappy), dice.sample(of[2], unhappy // 2), dice.sample(of[1], unhappy // 2)]
    return [one for part in (*chosen, dice.sample(requests, unhappy // 4)) for one in part]


def _finish(options: argparse.Namespace) -> None:
    import numpy as np

    from analysis.scorers.outputs import AT_FEELINGS
    from analysis.scorers.shipped import FeelingScorer
    from bench.evaluation import sets
    from tools.scorer import heldout
    from tools.scorer.calibration import calibrated, probabilities, reliability
    from tools.scorer.exporting import FILES
    from tools.scorer.folds import folds, left_out

    groups = [group for group in folds() if any((options.work / group).glob("seed-*.pt"))]
    for name in (*groups, "all"):
        _export(options, name)
    found = {group: heldout.logits(FeelingScorer(options.work / group), left_out(group)) for group in groups}
    said, true = [], []
    for group, (logits, shares) in found.items():
        # Each group is calibrated with the others, never with itself.
        others = [both for name, both in found.items() if name != group]
        calibration = calibrated(*(np.concatenate(part) for part in zip(*others, strict=True)))
        known = shares[:, 0] >= 0
        said.append(probabilities(logits[known, AT_FEELINGS], calibration)[:, 0])
        true.append(shares[known, 0] > HALF)
        _calibrate(options.work / group, calibration)
    table, gap = reliability(np.concatenate(said), np.concatenate(true))
    print(f"unhappy, groups left out; mean gap {gap:.3f}\n{table}")
    fold_of = {group: group for group in groups} | {hand: group for group in groups for hand in folds()[group]["hands"]}
    hands = sets.hands({}).first
    hands = replace(hands, dialogues=[one for one in hands.dialogues if one.group in fold_of])
    models = {group: options.work / group for group in groups}
    scores = heldout.held_out(models, (sets.composed(groups, {}), hands), fold_of)
    heldout.write(groups, scores, HELD_OUT)
    heldout.write(groups, heldout.readings(models, hands.dialogues, fold_of), HELD_OUT_READINGS)
    _calibrate(options.work / "all", calibrated(*(np.concatenate(part) for part in zip(*found.values(), strict=True))))
    options.model.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(options.work / "all" / name, options.model / name)
    print(json.dumps(json.loads((options.model / "feeling.json").read_text("utf-8"))))


def _export(options: argparse.Namespace, name: str) -> None:
    """Export one network with the mean weights of all trainings of a group, as the folder the scorer loads."""
    import torch

    from tools.scorer.exporting import export
    from tools.scorer.network import Network

    states = [torch.load(path) for path in sorted((options.work / name).glob("seed-*.pt"))]
    network = Network()
    network.load_state_dict({key: sum(state[key] for state in states) / len(states) for key in states[0]})
    export(network, _tokenizer(options.minilm), options.work / name, tokens=WINDOW_TOKENS)
    print(f"{name}: mean of {len(states)} trainings", flush=True)


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
