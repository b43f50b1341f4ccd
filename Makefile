# Thin: every target installs what is missing, configures, builds and goes on; what is done is skipped.
PRESET ?= release
SECONDS ?= 60
PREFIX ?= dist/attune
BUILD := build/$(PRESET)
JOBS := $(shell n=$$(nproc); [ $$n -lt 2 ] && echo 1 || echo 2)

.PHONY: help bootstrap configure build install quickstart demo test conformance browser web web-test fuzz bench check-all format clean

help:
	@echo "make quickstart   the whole path on a small simulated world: about 2 minutes after the build"
	@echo "make demo         one round of the loop: serve, people talk, export, train again, compare"
	@echo "make test         every test (PRESET=asan-ubsan, debug or tsan for another build)"
	@echo "make conformance  comparisons with transformers, tokenizers, safetensors, OpenAI's clients and others, in one table"
	@echo "make browser      what a report does in Chromium"
	@echo "make web          the pages that attune serve shows, into build/web"
	@echo "make web-test     what the pages do, in Chromium (ATTUNE_URL=… for a server that runs)"
	@echo "make fuzz         every fuzzer for SECONDS=60 each"
	@echo "make bench        speed against plain libtorch, as ratios"
	@echo "make check-all    two hours or more: what .ci/run does, mistakes made on purpose, kills, the toy, sanitizers"
	@echo "make format       format the C++ files"
	@echo "make build        only build (PRESET=cuda: for a GPU, with PyTorch's CUDA wheel)"
	@echo "make install      the program with all it needs in PREFIX=$(PREFIX), a folder of its own that may be moved"
	@echo "make clean        remove what was built (not .venv)"

bootstrap:
	@echo "== install what is missing"
	@scripts/bootstrap
ifeq ($(PRESET),cuda)
	@scripts/bootstrap cuda
endif

configure: bootstrap
	@if [ ! -f $(BUILD)/build.ninja ]; then \
	  echo "== configure $(BUILD)"; cmake --preset $(PRESET); fi

build: web configure
	@echo "== build $(BUILD)"
	@cmake --build $(BUILD) -j $(JOBS)

install: build
	@echo "== install into $(PREFIX)"
	@cmake --install $(BUILD) --prefix "$(PREFIX)"

quickstart: build
	@echo "== run recipes/quickstart.toml"
	@$(BUILD)/src/attune run recipes/quickstart.toml

demo: build
	@ATTUNE=$(BUILD)/src/attune scripts/demo

test: build
	@echo "== test $(BUILD)"
	@scripts/test $(PRESET)

# CHECKS="files metrics" runs only these.
conformance: configure
	@scripts/bootstrap conformance
	@echo "== build the probes of $(BUILD)"
	@cmake --build $(BUILD) -j $(JOBS) --target conformance_probes attune
	@.venv-conformance/bin/python -B tests/conformance/conformance.py --preset $(PRESET) $(CHECKS)

browser: build
	@scripts/bootstrap browser
	@echo "== test reports of $(BUILD) in a browser"
	@ATTUNE=$(BUILD)/src/attune python3 -B tests/browser.py

# The stamp is younger than all that the pages are made from, or they are built again.
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/tests -prune -o -type f -print)
web: build/web/manifest.json

build/web/manifest.json: $(WEB_SOURCES)
	@scripts/bootstrap web
	@echo "== build the pages into build/web"
	@cd web && npm run --silent build

web-test: web configure
	@scripts/bootstrap web
	@scripts/bootstrap browser
	@cd web && npm run --silent check
	@echo "== test the pages in Chromium"
	@web/tests/run
	@if [ -z "$$ATTUNE_URL" ]; then \
	  echo "== test the pages with the program itself" && cmake --build $(BUILD) -j $(JOBS) --target attune && \
	  web/tests/real $(BUILD)/src/attune conversation privacy loop; fi

# FUZZERS="safetensors merges" runs only these.
fuzz: bootstrap
	@scripts/bootstrap fuzz
	@if [ ! -f build/fuzz/build.ninja ]; then cmake --preset fuzz; fi
	@echo "== build build/fuzz"
	@cmake --build build/fuzz -j $(JOBS)
	@scripts/fuzz $(SECONDS) $(FUZZERS)

bench: build
	@echo "== benchmark $(BUILD)"
	@$(BUILD)/bench/bench all

check-all: bootstrap
	@.ci/run
	@tools/mutate_rl
	@ATTUNE=$(BUILD)/src/attune python3 -B tests/kills.py
	@ATTUNE_FEEDBACK_PROBE=$(BUILD)/tests/feedback_probe python3 -B tests/store_kills.py --kills 1000
	@ATTUNE=$(BUILD)/src/attune python3 -B tests/disconnects.py --clients 10000
	@$(BUILD)/src/attune experiment toy --out $(BUILD)/toy
	@$(MAKE) test PRESET=asan-ubsan

format: bootstrap
	@scripts/format

clean:
	rm -rf build
