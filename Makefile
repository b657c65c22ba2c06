# What there is to do here. `make` alone lists it. Verbs print what they do; whoever calls them (.ci/run, people)
# calls the same ones. The tools are pinned in infra/local/requirements-*.txt and live in .tools/.

PYTHON ?= python3
CLOUD := $(PYTHON) infra/local/cloud.py
SAM := .tools/sam/bin/sam
CFN_LINT := .tools/sam/bin/cfn-lint
CHECKOV := .tools/check/bin/checkov
TEMPLATES := template.yaml infra/observability.yaml infra/batch-operations.yaml
PACKAGES := apache2-bin nginx-light haproxy caddy nftables iproute2 curl python3-venv git man-db jq

export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
# The verbs share .tools/ and target/, and are read one after the other.
.NOTPARALLEL:
.PHONY: help demo up deploy down env install build deb fmt lint lint-rust lint-template test test-rust test-python \
	test-terminal test-servers test-browser \
	test-stack test-documents test-missing-tools test-invoke fuzz-check fuzz bench bench-cold bench-stages \
	bench-instructions bench-scale bench-cost bench-docs bench-check packages clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  CLOUD_PORT=N chooses the port of the local cloud: without it a free one is found, from 4566 on."

demo: ## the whole way once: a local cloud, sample CSVs in, .htaccess out, everything stopped
	@$(CLOUD) demo

up: ## start a local cloud with the stack deployed, and leave it running
	@$(CLOUD) up

deploy: ## build again and deploy to the local cloud that is up
	@$(CLOUD) deploy

down: ## end what `make up` started
	@$(CLOUD) down

env: ## print the environment for the plain aws client: eval "$(make -s env)"
	@$(CLOUD) env

install: ## install the pinned tools into .tools/
	@$(CLOUD) install

build: ## build the function for AWS (ARCHITECTURE=arm64: for that) and lay it out in .aws-sam/
	@$(CLOUD) build

CARGO_DEB_VERSION := 3.8.0
CARGO_DEB := .tools/cargo/bin/cargo-deb

# As it is built fastest: it packs three megabytes.
$(CARGO_DEB):
	nice -n 19 cargo install --debug --locked --no-default-features --root .tools/cargo --version $(CARGO_DEB_VERSION) cargo-deb

# What a package holds beside the program: told by the program itself, of the profile's folder in target/.
define describe-command-line
	rm -rf target/packaging
	target/$(1)/htaccess man -o target/packaging/man
	{ cat LICENSE-MIT; echo; echo "Or the Apache License 2.0: /usr/share/common-licenses/Apache-2.0"; } > target/packaging/license
	for shell in bash zsh fish; do \
	  target/$(1)/htaccess completions $$shell > target/packaging/htaccess.$$shell || exit 1; \
	done
endef

deb: $(CARGO_DEB) ## a Debian package of the command line, in target/debian/
	cargo build --release --bin htaccess
	$(call describe-command-line,release)
	$(CARGO_DEB) --no-build

fmt: ## format the Rust code
	cargo fmt

lint: lint-rust lint-template ## both of these

# All targets are those that `cargo test` runs by itself: the other tests are named.
lint-rust: ## check formatting, and clippy
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
	cargo clippy --all-features --test python --test servers --test stack -- -D warnings

# Validation needs a region but no account. A check that does not apply is excused, with its reason, in the template if it is
# about one resource, otherwise in .cfnlintrc or .checkov.yaml.
# Checkov reads copies of the templates in which the conditions are resolved: infra/local/conditions.py says why.
lint-template: install ## check the templates with sam validate, cfn-lint and Checkov
	env -u AWS_PROFILE AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true $(SAM) validate --lint
	$(CFN_LINT) --append-rules cfn_lint_serverless.rules -- $(TEMPLATES)
	.tools/sam/bin/python infra/local/conditions.py .tools/checkov $(TEMPLATES)
	$(CHECKOV) --directory .tools/checkov

test: packages lint-rust test-rust test-python test-missing-tools test-terminal test-servers test-browser lint-template test-stack test-documents test-invoke ## everything, on a fresh clone: installs what it needs first

test-rust: ## unit, property and integration tests; need nothing installed
	RACE_SITES=500 cargo test

test-python: ## addresses are accepted exactly as this machine's Python accepts them; docs/migration.md's script is run
	PYTHON=$(PYTHON) cargo test --test python

test-terminal: packages $(CARGO_DEB) ## the command line on a terminal, in bash, by pre-commit, from a Debian package
	cargo build --bin htaccess
	$(call describe-command-line,debug)
	$(CARGO_DEB) --no-build --no-strip --fast --profile dev --output target/packaging/htaccess.deb
	$(PYTHON) -m unittest discover --start-directory tests/system/terminal

test-missing-tools: ## what is said where something is missing: Docker, a port, keys, a compiler, a network
	$(PYTHON) -m unittest discover --start-directory tests/system/missing_tools

test-servers: packages ## the outputs in front of a real Apache, nginx, HAProxy, Caddy and nftables
	cargo test --test servers

# BROWSER_TESTS=test_report.Inert runs one class of them; `tests/system/browser/run.py --screenshots FOLDER` draws each page.
test-browser: ## the report page in a real Chromium: accessible, inert, readable; installs Chromium first
	$(PYTHON) tests/system/browser/run.py $(BROWSER_TESTS)

test-stack: install ## the deployed stack, in a local cloud of its own
	PYTHON=$(PYTHON) cargo test --test stack -- --nocapture

test-documents: packages install ## every command of the documents and of --help, in a scratch folder and a local cloud; every link
	$(PYTHON) -m unittest discover --start-directory tests/system/documents
	$(PYTHON) tests/system/documents/run.py

test-invoke: install ## the sample events by `sam local invoke`; says so where there is no Docker to do it with
	@$(CLOUD) invoke

# Both need a nightly compiler: `rustup toolchain install nightly`. `make fuzz FUZZ_TARGETS=parse FUZZ_SECONDS=60` runs
# one target for a minute. What is found lies in fuzz/artifacts/, what is new in fuzz/found/; to keep of it what the
# corpus does not cover: `cargo +nightly fuzz run TARGET fuzz/corpus/TARGET fuzz/found/TARGET -- -merge=1`.
FUZZ_TARGETS ?= parse address event generate
FUZZ_SECONDS ?= 600
FUZZ_OPTIONS := -rss_limit_mb=1024 -timeout=10 -max_len=4096 -dict=fuzz/dictionary.txt -print_final_stats=1
CARGO_FUZZ_VERSION := 0.13.1
CARGO_FUZZ := PATH="$(CURDIR)/.tools/cargo/bin:$$PATH" nice -n 19 cargo +nightly fuzz

.tools/cargo/bin/cargo-fuzz:
	nice -n 19 cargo install --locked --root .tools/cargo --version $(CARGO_FUZZ_VERSION) cargo-fuzz

fuzz-check: .tools/cargo/bin/cargo-fuzz ## the fuzz targets build, and pass their corpus
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	for target in $(FUZZ_TARGETS); do \
	  $(CARGO_FUZZ) run --features function $$target fuzz/corpus/$$target -- $(FUZZ_OPTIONS) -runs=0 || exit 1; \
	done

fuzz: .tools/cargo/bin/cargo-fuzz ## run each fuzz target for FUZZ_SECONDS (600)
	for target in $(FUZZ_TARGETS); do mkdir -p fuzz/found/$$target; \
	  $(CARGO_FUZZ) run --features function $$target fuzz/found/$$target fuzz/corpus/$$target -- \
	    $(FUZZ_OPTIONS) -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

# What they install, build and mean: docs/benchmarks.md. BENCH_OPTIONS=--help tells the options of each,
# BENCH_OPTIONS=--quick runs small sizes.
bench: ## the command line and its outputs beside their peers, in one table
	$(PYTHON) benches/peers.py $(BENCH_OPTIONS)

bench-cold: ## the function's start and invocations, beside one that does nothing and one in Python
	$(PYTHON) benches/cold.py $(BENCH_OPTIONS)

bench-stages: ## each stage of the pure middle by itself
	$(PYTHON) benches/stages.py $(BENCH_OPTIONS)

bench-instructions: ## instructions a row, held against benches/instructions.json
	$(PYTHON) benches/instructions.py $(BENCH_OPTIONS)

bench-scale: ## time and memory against rows and files; draws docs/benchmarks/*.svg
	$(PYTHON) benches/scale.py $(BENCH_OPTIONS)

bench-cost: ## what uploads cost on AWS, from what bench-cold measured
	$(PYTHON) benches/cost.py $(BENCH_OPTIONS)

bench-docs: ## measure all of it, and refresh the tables and charts of docs/benchmarks.md (an hour)
	$(PYTHON) benches/peers.py --markdown
	$(PYTHON) benches/cold.py --markdown --json target/bench-cold.json
	$(PYTHON) benches/cold.py --markdown --tls bundle
	$(PYTHON) benches/cost.py --markdown --measured target/bench-cold.json
	$(PYTHON) benches/stages.py --markdown
	$(PYTHON) benches/instructions.py --markdown
	$(PYTHON) benches/scale.py --markdown

HARNESS := CARGO_TARGET_DIR=target/harness cargo

bench-check: ## the benches build and run, in small; their figures mean nothing
	cargo fmt --check --manifest-path benches/harness/Cargo.toml
	$(HARNESS) clippy --manifest-path benches/harness/Cargo.toml --all-targets -- -D warnings
	$(HARNESS) test --quiet --manifest-path benches/harness/Cargo.toml
	$(PYTHON) benches/stages.py --quick
	$(PYTHON) benches/peers.py --quick
	$(PYTHON) benches/cold.py --quick
	$(PYTHON) benches/cold.py --quick --tls bundle
	$(PYTHON) benches/instructions.py --check --only "5,000 rows"
	$(PYTHON) benches/scale.py --quick
	$(PYTHON) benches/cost.py

packages: ## install the Debian packages of the tests: apt-get, as root or by sudo
	@$(CLOUD) packages $(PACKAGES)

clean: down ## end the local cloud and remove what was built and installed
	cargo clean
	rm -rf .tools .aws-sam
