"""`python -m tools.whisper synthesise|train|export|evaluate`: the shipped Whisper, trained from scratch."""

import argparse
from pathlib import Path

MODEL = Path(__file__).resolve().parents[2] / "analysis" / "models" / "telephone"


def main() -> None:
    """Run one step; only the steps that need torch and transformers import them."""
    parser = argparse.ArgumentParser(prog="python -m tools.whisper", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    synthesise = steps.add_parser("synthesise", help="speak the training sentences (espeak-ng, flite)")
    synthesise.add_argument("--utterances", type=int, default=80_000)
    synthesise.add_argument("--snippets", type=int, default=40_000, help="utterances of one to four words")
    train = steps.add_parser("train", help="train, or continue training, on the speech synthesised so far")
    train.add_argument("--seconds", type=float, default=5400.0, help="total training time over all runs")
    train.add_argument("--threads", type=int, default=1)
    export = steps.add_parser("export", help="write the int8 CTranslate2 model of the latest checkpoint")
    export.add_argument("--model", type=Path, default=MODEL)
    for step in (synthesise, train, export):
        step.add_argument("--out", type=Path, required=True, help="work folder: corpus, checkpoint, tokenizer")
    evaluate = steps.add_parser("evaluate", help="word error by voice, on voices and sentences never heard")
    evaluate.add_argument("--model", type=Path, default=MODEL)
    evaluate.add_argument("--each", type=int, default=40, help="utterances per voice")
    evaluate.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()

    if options.step == "synthesise":
        from .synthesis import synthesise_training

        synthesise_training(options.out / "corpus", options.utterances, options.snippets)
    elif options.step == "train":
        from .training import train as run

        run(options.out, options.seconds, options.threads)
    elif options.step == "export":
        from .exporting import export as write

        write(options.out, options.model)
    else:
        from .evaluation import evaluate as run_evaluation

        run_evaluation(options.model, options.each, options.json)


if __name__ == "__main__":
    main()
