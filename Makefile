# Callvane's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo test eval eval-practice eval-words bench-bridge bench-sip bench-words bench-worker check format lock browser fuzz interop sanitize

VENV := .venv/bin
FUZZ := $(or $(CALLVANE_CACHE),$(HOME)/.cache/callvane)/fuzz

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | column -t -s '	'

setup: ## install what Callvane needs, once
	@deploy/setup/setup.sh

setup-tests:
	@deploy/setup/setup.sh --tests

demo: setup ## run everything on this machine with synthetic calls; ONCE=1: one call, its alert as JSON
	@$(VENV)/python -m testcall.demo $(if $(ONCE),--once) $(DEMO)

test: setup-tests ## run the tests, WORKERS (3) files at a time
	@$(VENV)/python -m pytest --numprocesses=$(or $(WORKERS),3) --dist=loadfile --no-loadscope-reorder $(TESTS)

browser: setup-tests ## run the tests of the page in Chromium
	@$(VENV)/python -m pytest -m browser tests/browser

eval: setup ## how well shifts are found; DIALOGUES=file.jsonl: in one's own; CONFIG=file.toml: by one's own scorer; MISSES=1: and what is missed; OUT=file.json: as rows
	@$(VENV)/python -m bench.evaluation $(EVAL)

eval-practice: setup ## how well agents' acts, urgency, wishes and repeated text are read; OUT=file.json: as rows
	@$(VENV)/python -m bench.practice

eval-words: setup ## words lost and invented on real voices, beside stock faster-whisper; MODELS, SOUNDS, CALLS, NAMES, PROMPTS
	@$(VENV)/python -m bench.words

bench-bridge: setup ## how many calls a bridge holds on one core, and what they cost
	@$(VENV)/python -m bench.bridge $(BENCH)

bench-worker: setup ## how many calls an analysis worker holds beside its model, and what happens at twice as many
	@$(VENV)/python -m bench.worker $(BENCH)

bench-sip: setup ## how long one message holds a bridge's SIP thread, and what a call costs it
	@$(VENV)/python -m bench.sip_thread $(BENCH)

bench-words: setup ## how fast utterances are read, beside stock faster-whisper; MODELS, SOUNDS, COUNT, SECONDS, DEVICE, THREADS, SHAPE
	@$(VENV)/python -m bench.speed

fuzz: setup-tests ## break the readers of what PBXes send, guided by coverage, for SECONDS (60)
	@$(VENV)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --upgrade \
		--target "$(FUZZ)/atheris" -r tools/fuzz/requirements.txt
	@PYTHONPATH="$(FUZZ)/atheris" $(VENV)/python -m tools.fuzz --folder "$(FUZZ)" --seconds $(or $(SECONDS),60)

sanitize: setup-tests ## run the tests of hostile input with a pjsua2 under ASan and UBSan (the first time builds it, some minutes)
	@tools/sanitize.sh $(TESTS)

interop: setup-tests ## run the tests with sipp and real Asterisk 22, Kamailio, rtpengine (root; the first time takes minutes)
	@deploy/setup/setup.sh --interop
	@$(VENV)/python -m pytest --nothing-missing -m "interop or slow" tests/interop tests/sip_bridge/test_session_timer.py

check: setup-tests ## lint, types, imports between rooms, shell scripts, Dockerfile
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy analysis bench callbus console service sip_bridge testcall tests tools written
	@$(VENV)/lint-imports --no-logo --no-cache pyproject.toml
	@shellcheck $$(git ls-files '*.sh' .ci/run)
	@if [ -x $(VENV)/hadolint ]; then $(VENV)/hadolint deploy/docker/Dockerfile; fi

format: setup ## put the code into its standard form
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

lock: ## pin the dependencies anew (needs uv)
	@deploy/setup/lock.sh
