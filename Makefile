# One set of verbs, here and in .ci/run. `make demo` and `make test` need python3, cargo and a C compiler; all else is
# installed into .venv at pinned versions.

PYTHON ?= python3
FUZZ_SECONDS ?= 600
BENCH_ARGS ?=
ROTATIONS ?= 1000
KILLS ?= 1000
AGENT_KILLS ?= 200
AGENT_HELD ?= 360000
CASES ?= 20000
EXAMPLES ?= 2000
WORKERS ?= 2

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

venv := .venv
python := $(CURDIR)/$(venv)/bin/python
# One interpreter for every build of the binding, so that cargo, clippy and maturin share what they compiled.
export PYO3_PYTHON := $(python)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

installed := $(venv)/.installed-tools
built := $(venv)/.installed-auditwake
sources := pyproject.toml README.md LICENSE Cargo.toml Cargo.lock \
	$(shell find rust/core rust/py python -type f -not -name '*.pyc' -not -path '*/target/*' -not -path '*/tests/*')

say = @.ci/phase '$(1)'

.PHONY: help
help: ## show the verbs
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: demo
demo: $(built) ## build, then read the bundled real log: who acted, who was denied, what was slow
	@mkdir -p demo-output && cd demo-output && $(CURDIR)/$(venv)/bin/auditwake demo

# Prometheus' own checker, for the tests of the metrics and of the alert rules: out of Debian's package, without
# installing it and without root. Where it cannot be had, those tests are skipped and say so.
promtool := target/tools/bin/promtool

.PHONY: promtool
promtool:
	@command -v promtool >/dev/null || test -x $(promtool) || $(MAKE) -s $(promtool) || \
		echo 'promtool cannot be had here: the tests that need it are skipped' >&2

$(promtool):
	@command -v apt-get dpkg-deb >/dev/null
	@rm -rf target/tools/apt
	@mkdir -p $(dir $@) target/tools/apt/lists/partial target/tools/apt/cache/archives/partial
	@# The lists of the machine if it has some, else lists of our own.
	@cd target/tools/apt; own="-o Dir::State::Lists=$$PWD/lists -o Dir::Cache=$$PWD/cache"; \
		apt-get -qq download prometheus 2>/dev/null || { apt-get -qq $$own update && apt-get -qq $$own download prometheus; }
	@dpkg-deb --fsys-tarfile target/tools/apt/prometheus_*.deb | tar -xO ./usr/bin/promtool >$@.new
	@chmod +x $@.new
	@mv $@.new $@
	@rm -rf target/tools/apt

# A real browser for the tests of the page: Debian's headless Chromium and the libraries that this machine lacks, laid out
# without installing them and without root. Where it cannot be had, those tests are skipped and say so.
browser := target/tools/chromium/usr/lib/chromium/chromium-headless-shell

.PHONY: chromium
chromium:
	@command -v chromium-headless-shell chromium chromium-browser google-chrome >/dev/null || test -x $(browser) || \
		$(MAKE) -s $(browser) || echo 'Chromium cannot be had here: the tests that need it are skipped' >&2

$(browser):
	@command -v apt-get dpkg-deb >/dev/null
	@rm -rf target/tools/apt-chromium target/tools/chromium.new target/tools/chromium
	@mkdir -p target/tools/apt-chromium/lists/partial target/tools/apt-chromium/cache/archives/partial
	@cd target/tools/apt-chromium; own="-o Dir::State::Lists=$$PWD/lists -o Dir::Cache=$$PWD/cache"; \
		get() { packages=$$(apt-get -qq "$$@" --simulate --no-install-recommends install chromium-headless-shell | \
			sed -n 's/^Inst \([^ ]*\).*/\1/p'); test -n "$$packages" && apt-get -qq "$$@" download $$packages; }; \
		get 2>/dev/null || { apt-get -qq $$own update && get $$own; }
	@for package in target/tools/apt-chromium/*.deb; do dpkg-deb -x "$$package" target/tools/chromium.new; done
	@mv target/tools/chromium.new target/tools/chromium
	@rm -rf target/tools/apt-chromium

# Counts instructions: as above.
valgrind := target/tools/valgrind/usr/bin/valgrind

.PHONY: valgrind
valgrind:
	@command -v valgrind >/dev/null || test -x $(valgrind) || $(MAKE) -s $(valgrind) || \
		echo 'valgrind cannot be had here: instructions are not counted' >&2

$(valgrind):
	@command -v apt-get dpkg-deb >/dev/null
	@rm -rf target/tools/apt-valgrind target/tools/valgrind.new target/tools/valgrind
	@mkdir -p target/tools/apt-valgrind/lists/partial target/tools/apt-valgrind/cache/archives/partial
	@cd target/tools/apt-valgrind; own="-o Dir::State::Lists=$$PWD/lists -o Dir::Cache=$$PWD/cache"; \
		apt-get -qq download valgrind 2>/dev/null || { apt-get -qq $$own update && apt-get -qq $$own download valgrind; }
	@dpkg-deb -x target/tools/apt-valgrind/valgrind_*.deb target/tools/valgrind.new
	@mv target/tools/valgrind.new target/tools/valgrind
	@rm -rf target/tools/apt-valgrind

# What is drawn at random is the same in every run, so that a change alone makes a test fail.
test: export PROPTEST_RNG_SEED := 20261126

.PHONY: test
test: $(built) promtool chromium valgrind ## all tests: Rust with every SIMD level and without, the examples in the docs, Python (in WORKERS (2) processes)
	$(call say,Rust)
	cargo test --release --locked --workspace
	$(call say,Rust: without SIMD)
	@# The whole workspace again: one package alone has other features, and everything below it would be built anew.
	AUDITWAKE_SIMD=portable cargo test --release --locked --workspace
	$(call say,Rust: lanes with AVX2)
	@# Where there is AVX-512, no log was parsed with the kernel for AVX2 so far. Where there is no AVX2, the name is ignored.
	AUDITWAKE_SIMD=avx2 cargo test --release --locked --workspace --lib --test all -- parse:: lanes:: twin::
	@$(MAKE) -s instructions
	$(call say,Python: without SIMD)
	AUDITWAKE_SIMD=portable $(python) -m pytest -q tests/test_read.py tests/test_lines.py
	$(call say,Python: examples and tests)
	@# Many tests wait for other processes: two workers use that time.
	$(python) -m pytest -q -n $(WORKERS) --dist worksteal -p no:benchmark --doctest-modules --pyargs auditwake tests

.PHONY: instructions
instructions: $(installed) valgrind | rust-present ## instructions a line, which benches/instructions.json keeps, within 3 %
	$(call say,Instructions)
	@# The whole workspace, as above: its tests have built this already.
	cargo build -q --release --locked --workspace --example read
	$(python) benches/instruction_gate.py

.PHONY: instructions-renew
instructions-renew: $(installed) valgrind | rust-present ## count the instructions anew, after a change that is meant or with a new compiler
	cargo build -q --release --locked --workspace --example read
	$(python) benches/instruction_gate.py --renew

.PHONY: lint
lint: $(built) ## formatting, lints, types and stubs; all of it must be clean
	$(call say,Rust)
	cargo fmt --all --check
	@# The release profile, so that the macros, the build scripts and the C code of zstd are those of the wheel.
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --workspace --no-deps --document-private-items
	$(call say,Python)
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	$(python) -m mypy.stubtest --mypy-config-file pyproject.toml auditwake._core

.PHONY: format
format: $(installed) ## format the Rust and the Python sources
	cargo fmt --all
	$(python) -m ruff check --fix-only
	$(python) -m ruff format

.PHONY: bench
bench: $(built) ## the same work beside other engines (BENCH_ARGS="--runs 3"), then the benchmarks of the Python API
	@test -d .venv-bench || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q -r benches/requirements.txt
	.venv-bench/bin/python -m pip install -q --force-reinstall --no-deps target/wheels/auditwake-*.whl
	.venv-bench/bin/python benches/compare.py $(BENCH_ARGS)
	.venv-bench/bin/python -m pytest -q benches

.PHONY: bench-questions
bench-questions: $(built) ## every question over ten million events as Parquet, and straight from a log (BENCH_ARGS="--runs 1")
	$(python) benches/questions.py $(BENCH_ARGS)

.PHONY: bench-tail
bench-tail: $(built) ## catch-up beside `aw.read`; CPU, memory and latency on a live log (BENCH_ARGS="--seconds 10")
	$(python) benches/tail.py $(BENCH_ARGS)

.PHONY: bench-agent
bench-agent: $(built) ## a backlog to a file and to Datadog payloads; CPU and memory on a live log (BENCH_ARGS="--seconds 20")
	$(python) benches/agent.py $(BENCH_ARGS)

.PHONY: soak
soak: $(built) ## the long forms: new draws, CASES (20000) or EXAMPLES (2000) a test; ROTATIONS (1000), KILLS (1000) of a tail, AGENT_KILLS (200), AGENT_HELD (360000 events, an hour)
	$(call say,Rust: what is drawn at random)
	PROPTEST_CASES=$(CASES) cargo test --release --locked --workspace
	$(call say,Rust: without SIMD)
	PROPTEST_CASES=$(CASES) AUDITWAKE_SIMD=portable cargo test --release --locked --workspace --test all -- fuzzed:: twin::
	$(call say,Rust: lanes with AVX2)
	PROPTEST_CASES=$(CASES) AUDITWAKE_SIMD=avx2 cargo test --release --locked --workspace --test all -- fuzzed:: lanes:: twin::
	$(call say,Python: what is drawn at random)
	PROPTEST_CASES=$(EXAMPLES) $(python) -m pytest -q -m hypothesis tests
	$(call say,Python: rotations and kills)
	AUDITWAKE_ROTATIONS=$(ROTATIONS) AUDITWAKE_KILLS=$(KILLS) $(python) -m pytest -q --durations=0 --durations-min=1 \
		tests/test_tail_writer.py tests/test_tail_kill.py
	$(call say,Python: agents and tables that are killed)
	AUDITWAKE_KILLS=$(AGENT_KILLS) AUDITWAKE_HELD=$(AGENT_HELD) $(python) -m pytest -q --durations=0 --durations-min=1 \
		tests/test_agent_chaos.py tests/test_sinks_kill.py

.PHONY: fuzz
fuzz: rust-present ## fuzz for FUZZ_SECONDS (600) in all, shared by the targets; needs a nightly toolchain
	@cargo +nightly --version >/dev/null 2>&1 || { echo 'make fuzz needs: rustup toolchain install nightly' >&2; exit 1; }
	@test -x target/tools/bin/cargo-fuzz || cargo install --quiet --locked --root target/tools cargo-fuzz
	@export PATH="$(CURDIR)/target/tools/bin:$$PATH"; \
	targets=$$(cargo +nightly fuzz list --fuzz-dir rust/fuzz); \
	test -n "$$targets" || { echo 'rust/fuzz has no targets' >&2; exit 1; }; \
	seconds=$$(( $(FUZZ_SECONDS) / $$(wc -w <<<"$$targets") )); \
	for target in $$targets; do \
		printf '\n== %s for %s s\n' "$$target" "$$seconds"; \
		mkdir -p rust/fuzz/corpus/$$target; \
		cargo +nightly fuzz run --fuzz-dir rust/fuzz "$$target" rust/fuzz/corpus/$$target rust/fuzz/seeds/$$target \
			-- -max_total_time="$$seconds" -rss_limit_mb=4096 -dict=rust/fuzz/dictionary; \
	done

.PHONY: miri
miri: rust-present ## the scanner's kernels, with and without AVX2, under Miri; needs a nightly toolchain with miri
	@cargo +nightly miri --version >/dev/null 2>&1 || { \
		echo 'make miri needs: rustup toolchain install nightly --component miri,rust-src' >&2; exit 1; }
	RUSTFLAGS='-Ctarget-feature=+avx2,+bmi1,+popcnt,+pclmulqdq' MIRIFLAGS=-Zmiri-disable-isolation CARGO_TARGET_DIR=target/miri \
		cargo +nightly miri test --locked --package auditwake-core --lib -- scan::tests::depth scan::tests::edges

# The kernel for 64-bit ARM on any other machine; on such a one, `make test` runs it. Nothing can be timed under qemu.
arm := aarch64-unknown-linux-gnu
neon: export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER := aarch64-linux-gnu-gcc
neon: export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER := qemu-aarch64-static -L /usr/aarch64-linux-gnu
neon: export CC_aarch64_unknown_linux_gnu := aarch64-linux-gnu-gcc

.PHONY: neon
neon: rust-present ## the core linted for 64-bit ARM, its kernels and lanes with and without NEON under qemu
	@test -d "$$(rustc --print target-libdir --target $(arm))" || { \
		echo 'make neon needs: rustup target add $(arm)' >&2; exit 1; }
	@command -v aarch64-linux-gnu-gcc >/dev/null && test -e /usr/aarch64-linux-gnu/lib/libc.so.6 || { \
		echo 'make neon needs a cross compiler (Debian: apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross)' >&2; exit 1; }
	@command -v qemu-aarch64-static >/dev/null || { \
		echo 'make neon needs qemu (Debian: apt install qemu-user-static)' >&2; exit 1; }
	cargo clippy --release --locked --package auditwake-core --target $(arm) --all-targets -- -D warnings
	cargo test --release --locked --package auditwake-core --target $(arm) --lib --test all -- scan:: parse:: lanes:: twin::
	AUDITWAKE_SIMD=portable cargo test --release --locked --package auditwake-core --target $(arm) --lib -- scan:: parse::

# Python itself reads undefined bytes on purpose, so that only bad addresses are looked for there. valgrind knows no AVX-512
# and shows a CPU without it, so that kernel is left to the compiler's own sanitizer.
.PHONY: memcheck
memcheck: $(built) ## the scanner's kernels at the edges of texts, and Arrow streams out of and into Python, under valgrind; AVX-512 with nightly
	@command -v valgrind >/dev/null || { echo 'make memcheck needs valgrind (Debian: apt install valgrind)' >&2; exit 1; }
	cargo test --release --locked --workspace --lib --config 'target."cfg(unix)".runner="valgrind -q --error-exitcode=9"' \
		-- scan::tests::depth scan::tests::edges
	PYTHONMALLOC=malloc valgrind -q --undef-value-errors=no --error-exitcode=9 $(python) -m pytest -q --noconftest \
		-p no:cacheprovider -p no:benchmark -p no:hypothesispytest tests/test_capsule.py
	@# Only with a target named are build scripts and macros compiled without the sanitizer.
	@if cargo +nightly --version >/dev/null 2>&1; then \
		RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/asan cargo +nightly test --locked --package auditwake-core --lib \
			--target "$$(rustc +nightly --print host-tuple)" -- scan::; \
	else \
		echo 'AVX-512 was not looked at: that needs rustup toolchain install nightly' >&2; \
	fi

.PHONY: wheel
wheel: $(installed) ## the wheel and the source distribution, into dist/
	$(python) -m maturin build --release --locked --sdist --out dist --interpreter $(python)

.PHONY: docs
docs: $(built) ## write anew what the code writes of docs/: schema, policy, detections, doctor, agent-config, metrics, questions
	$(venv)/bin/auditwake schema --output markdown > docs/schema.md
	$(python) -m auditwake.policy.lint.page docs/policy.md
	$(python) -m auditwake.detections.page docs/detections.md
	$(python) -m auditwake.forwarder.doctor.page docs/doctor.md
	$(python) -m auditwake.forwarder.config.page docs/agent-config.md
	$(python) -m auditwake.forwarder.metrics.page docs/metrics.md
	$(python) -m auditwake.questions.page docs/questions.md

.PHONY: lock
lock: python-present ## resolve requirements/dev.txt anew from pyproject.toml
	@test -d target/lock || $(PYTHON) -m venv target/lock
	target/lock/bin/python -m pip install -q uv
	target/lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --no-emit-index-url --extra dev \
		--custom-compile-command 'make lock' --output-file requirements/dev.txt pyproject.toml

.PHONY: clean
clean: ## remove everything that was built or installed
	rm -rf target rust/fuzz/target .venv .venv-bench dist demo-output .pytest_cache .mypy_cache .ruff_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(installed): requirements/dev.txt | python-present
	$(call say,Tools into $(venv))
	test -x $(python) || $(PYTHON) -m venv $(venv)
	$(python) -m pip install -q -r requirements/dev.txt
	@touch $@

# The wheel itself, not an editable build: the tests read real logs, and they test what users install.
$(built): $(sources) $(installed) | rust-present
	$(call say,The wheel (a first build takes some minutes))
	rm -f target/wheels/auditwake-*.whl
	$(python) -m maturin build --release --locked --out target/wheels --interpreter $(python)
	$(python) -m pip install -q --force-reinstall --no-deps target/wheels/auditwake-*.whl
	@touch $@

.PHONY: python-present
python-present:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Python 3.11 or newer with venv is needed; name one with PYTHON=... (Debian: apt install python3-venv).' >&2; \
		exit 1; }

.PHONY: rust-present
rust-present:
	@command -v cargo >/dev/null || { echo 'cargo is needed: install a stable Rust toolchain with rustup.' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'A C compiler is needed (Debian: apt install build-essential).' >&2; exit 1; }
