# Weir: what a developer runs. Honours CARGO_TARGET_DIR.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
BENCH_NODE := .tools/kafka/bench

.PHONY: help
help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what building and testing need; quick when it is there
	@scripts/setup

.PHONY: build
build: ## Build the release binary
	cargo build --release -p weir

.PHONY: demo
demo: ## Judge sample prompts on an embedded broker: no Kafka, Java or Docker
	@scripts/setup --only demo
	cargo build --release -p weir
	"$(TARGET)/release/weir" demo

.PHONY: test
test: setup check ## Every check, then every test, on a real Apache Kafka too; a little fuzzing
	scripts/python-client
	WEIR_TEST_KAFKA=1 cargo test --workspace
	scripts/fuzz

SECONDS_OF_SOAK := $(or $(SECONDS),600)
.PHONY: soak
soak: setup ## Ten minutes (or SECONDS=...) of prompts and streams with a gate killed in it, then the replay that must give the same
	WEIR_TEST_KAFKA=1 WEIR_SOAK_SECONDS=$(SECONDS_OF_SOAK) cargo test -p weir --test replay soak -- --ignored --nocapture

.PHONY: fuzz
fuzz: ## Ten million inputs for each fuzz target; takes hours on a busy machine
	scripts/fuzz --runs 10000000

.PHONY: check
check: setup ## Format, lints, documentation, dependency policy, layers, spelling
	@scripts/check

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: bench
bench: setup build ## Latency of prompt to verdict on a real Apache Kafka, as JSON
	@trap 'scripts/kafka stop --dir $(BENCH_NODE)' EXIT; \
	brokers=$$(scripts/kafka start --dir $(BENCH_NODE)); \
	"$(TARGET)/release/weir" bench prompt --json --brokers "$$brokers"

.PHONY: clean
clean: ## Remove what was built; keeps .tools
	cargo clean
