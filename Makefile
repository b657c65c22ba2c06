# The tasks of this project. `make` without arguments lists them. Developers and continuous integration (.ci/run) use the
# same targets. The versions of the tools are pinned in infra/local/requirements-*.txt. The tools are installed in .tools/.

PYTHON ?= python3
CLOUD := $(PYTHON) infra/local/cloud.py
SAM := .tools/sam/bin/sam
CFN_LINT := .tools/sam/bin/cfn-lint
CHECKOV := .tools/check/bin/checkov
TEMPLATES := template.yaml infra/notifications.yaml infra/observability.yaml infra/reconcile.yaml infra/site-topic.yaml infra/web-server.yaml
PACKAGES := apache2-bin nginx-light haproxy caddy nftables iproute2 curl python3-venv git man-db jq unzip

export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
# The targets share .tools/ and target/, so they run one after another. Only `make test` runs two targets at a time.
ifndef TWO_AT_A_TIME
.NOTPARALLEL:
endif
.PHONY: help demo up deploy down env install build requirements deb dist sbom licenses htaccess-sync fmt lint lint-rust lint-dependencies lint-template lint-workflows \
	test test-rust test-python test-dist \
	test-terminal test-servers test-browser \
	test-stack test-documents test-missing-tools test-supply test-sync test-redrive test-invoke fuzz-check fuzz bench bench-cold bench-stages bench-pathological \
	bench-instructions bench-scale bench-cost bench-last-mile bench-fleet bench-docs bench-check packages clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  CLOUD_PORT=N sets the port of the local cloud. The default is the first free port from 4566."

demo: ## start a local cloud, upload the sample CSVs, print the outputs, and stop everything
	@$(CLOUD) demo

up: ## start a local cloud with the deployed stack, and leave it running
	@$(CLOUD) up

deploy: ## rebuild the function and deploy it to the running local cloud
	@$(CLOUD) deploy

down: ## stop the local cloud that `make up` started
	@$(CLOUD) down

env: ## print the environment for the aws client: eval "$(make -s env)"
	@$(CLOUD) env

install: ## install the pinned tools into .tools/
	@$(CLOUD) install

build: ## build the function for AWS in .aws-sam/ (for arm64: ARCHITECTURE=arm64)
	@$(CLOUD) build

requirements: ## update the hashes in infra/local/requirements-*.txt from the versions in requirements-*.in
	@$(CLOUD) requirements

CARGO_DEB_VERSION := 3.8.0
CARGO_DEB := .tools/cargo/bin/cargo-deb

# A debug build is used, because it compiles fastest and the package has only three megabytes.
$(CARGO_DEB):
	nice -n 19 cargo install --debug --locked --no-default-features --root .tools/cargo --version $(CARGO_DEB_VERSION) cargo-deb

# Like the function (infra/local/tools.py), the program contains no paths of the machine that builds it.
CARGO_HOME ?= $(HOME)/.cargo
REMAP := CARGO_BUILD_RUSTFLAGS="--remap-path-prefix=$(CARGO_HOME)=/cargo --remap-path-prefix=$(CURDIR)=/htaccess-generator"

deb: $(CARGO_DEB) ## build a Debian package of the command line in target/debian/
	$(REMAP) cargo build --locked --release --bin htaccess
	packaging/describe target/release/htaccess target/packaging
	$(CARGO_DEB) --no-build

dist: $(CARGO_DEB) ## build all files of a release in dist/, with checksums; the same commit gives the same bytes
	$(PYTHON) infra/release/dist.py dist

sbom: ## write an SBOM of each program, in the CycloneDX format, into target/sbom/
	$(PYTHON) infra/supply/sbom.py target/sbom

licenses: ## write THIRD-PARTY-LICENSES.txt, the licences of all linked packages
	$(PYTHON) infra/supply/licenses.py

htaccess-sync: ## build htaccess-sync, the program for web servers, as one file in target/
	$(PYTHON) infra/release/python_program.py infra/operate/sync/htaccess-sync target/htaccess-sync

fmt: ## format the Rust code
	cargo fmt

lint: lint-rust lint-dependencies lint-template lint-workflows ## run all lint targets

# --all-targets includes only the tests that `cargo test` runs by default, so the other tests are listed.
lint-rust: ## check the format of the Rust code, and run clippy
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
	cargo clippy --all-features --test python --test servers --test stack -- -D warnings

CARGO_DENY := .tools/deny/bin/cargo-deny

# The advisory database is on GitHub. A machine that cannot reach it checks everything else.
lint-dependencies: install ## check licences, versions, sources and advisories of the crates; the rules are in deny.toml
	$(PYTHON) infra/supply/licenses.py --check
	$(CARGO_DENY) --locked check --deny unmatched-skip bans licenses sources
	if timeout 120 $(CARGO_DENY) --locked fetch db 2> .tools/log/advisories.log; then \
	  $(CARGO_DENY) --locked check advisories; \
	else \
	  echo "advisories: not checked, because their database cannot be downloaded (.tools/log/advisories.log)" >&2; \
	fi

# Validation needs a region but no account. Checks that do not apply are disabled, with a reason: in the template for one
# resource, otherwise in .cfnlintrc or .checkov.yaml. Checkov reads copies of the templates in which the conditions are
# resolved. infra/local/conditions.py explains why.
lint-template: install ## check the templates with sam validate, cfn-lint and Checkov
	env -u AWS_PROFILE AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true $(SAM) validate --lint
	$(CFN_LINT) --append-rules cfn_lint_serverless.rules -- $(TEMPLATES)
	.tools/sam/bin/python infra/local/conditions.py .tools/checkov $(TEMPLATES)
	$(CHECKOV) --directory .tools/checkov

# actionlint checks scripts in the workflows only if ShellCheck is installed. This check is disabled, so that the result is
# the same on every machine.
lint-workflows: install ## check the workflows in .github/ with actionlint
	.tools/actionlint/bin/actionlint -shellcheck= -pyflakes=

# Two targets run at a time, because the tests of the stack and of htaccess-sync mostly wait. The longest targets come first.
# make prints the output of a target when the target ends.
TESTS := lint-rust $(CARGO_DEB) test-sync test-rust test-stack test-terminal test-dist test-documents test-python test-servers test-browser \
	test-supply lint-dependencies lint-template lint-workflows test-redrive test-missing-tools test-invoke

# make moves a target to the end of the list if a prerequisite must run first. packages and install therefore run before
# the list, and --old-file marks them as done.
test: packages install ## run all tests and checks, two at a time; installs the required tools and packages first
	$(MAKE) --jobs=2 --output-sync=target --old-file=packages --old-file=install TWO_AT_A_TIME=yes $(TESTS)

ifdef TWO_AT_A_TIME
# MAKEFLAGS is not exported, because Cargo cannot use make's job slots and would print a warning.
unexport MAKEFLAGS
# TWO_AT_A_TIME is not exported, because it must not affect a `make` that a test starts.
unexport TWO_AT_A_TIME
# The following targets write the same files in target/, so they do not run at the same time.
test-dist: | test-terminal
test-documents: | test-dist
endif

# `make test` runs the race tests with 500 sites, and damages 12,000 files. The defaults for `make test-rust` are 60 and
# 300.
test: export RACE_SITES := 500
test: export DAMAGED_FILES := 12000

test-rust: ## run unit, property and integration tests, which need no other programs: the fast test loop
	cargo test

test-python: ## compare addresses and dates with Python's ipaddress and zoneinfo modules, and run the script of docs/migration.md
	PYTHON=$(PYTHON) cargo test --test python

test-terminal: packages $(CARGO_DEB) ## test the command line in a terminal, in bash, with pre-commit and from a Debian package
	$(REMAP) cargo build --locked --bin htaccess
	packaging/describe target/debug/htaccess target/packaging
	$(CARGO_DEB) --no-build --no-strip --fast --profile dev --output target/packaging/htaccess.deb
	$(PYTHON) -m unittest discover --start-directory tests/system/terminal

test-missing-tools: ## test the messages for missing tools, ports and networks
	$(PYTHON) -m unittest discover --start-directory tests/system/missing_tools

test-supply: install ## test the pinned tools, the SBOMs and the licences of third parties
	$(PYTHON) -m unittest discover --start-directory tests/system/supply

# The command line is built with the same fast profile as the function for the local cloud, because a build with the release
# profile takes minutes longer. The list of files in the release is the same.
test-dist: install $(CARGO_DEB) ## test the files of a release, and deploy them to a local cloud without the SAM CLI and Rust
	$(PYTHON) -m unittest discover --start-directory tests/system/release

# When run by root, the target also tests devices, mounts, immutable folders and files of other users.
test-sync: ## test htaccess-sync with hostile web roots, keys and downloads
	$(PYTHON) -m unittest discover --start-directory tests/system/sync

test-redrive: ## test infra/operate/redrive.py with hostile messages in the failure queue
	$(PYTHON) -m unittest discover --start-directory tests/system/redrive

test-servers: packages ## test the outputs with a real Apache, nginx, HAProxy, Caddy and nftables
	cargo test --test servers

# BROWSER_TESTS=test_report.Inert runs one class of tests. `tests/system/browser/run.py --screenshots FOLDER` saves images
# of the pages.
test-browser: ## test the report page and the overview in a real Chromium, which is installed first
	$(PYTHON) tests/system/browser/run.py $(BROWSER_TESTS)

test-stack: packages install ## test the deployed stack in a separate local cloud
	PYTHON=$(PYTHON) cargo test --test stack -- --nocapture

# The commands run in a temporary folder and in a local cloud. The commands in docs/install.md need a release.
test-documents: packages install $(CARGO_DEB) ## run every command of the documents and of --help, and check every link
	$(PYTHON) infra/release/dist.py --quick target/dist-quick
	$(PYTHON) -m unittest discover --start-directory tests/system/documents
	$(PYTHON) tests/system/documents/run.py

test-invoke: install ## test the sample events with `sam local invoke`; skipped with a message if there is no Docker
	@$(CLOUD) invoke

# Both targets need a nightly compiler: `rustup toolchain install nightly`. To run one fuzz target for a minute:
# `make fuzz FUZZ_TARGETS=parse FUZZ_SECONDS=60`. Failing inputs are in fuzz/artifacts/, and new inputs in fuzz/found/.
# To add the new inputs that increase the coverage of the corpus:
# `cargo +nightly fuzz run TARGET fuzz/corpus/TARGET fuzz/found/TARGET -- -merge=1`.
FUZZ_TARGETS ?= parse address event generate time
FUZZ_SECONDS ?= 600
FUZZ_OPTIONS := -rss_limit_mb=1024 -timeout=10 -max_len=4096 -dict=fuzz/dictionary.txt -print_final_stats=1
CARGO_FUZZ_VERSION := 0.13.1
CARGO_FUZZ := PATH="$(CURDIR)/.tools/cargo/bin:$$PATH" nice -n 19 cargo +nightly fuzz
# The target `time` measures time, so it is built like a release: without sanitizer, assertions and comparison tracing.
FUZZ_BUILD_time := --release --sanitizer none --no-trace-compares
fuzz-target = $(CARGO_FUZZ) run --features function $(FUZZ_BUILD_$(1)) $(1)

.tools/cargo/bin/cargo-fuzz:
	nice -n 19 cargo install --locked --root .tools/cargo --version $(CARGO_FUZZ_VERSION) cargo-fuzz

fuzz-check: .tools/cargo/bin/cargo-fuzz ## build the fuzz targets and run them with their corpus
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	$(foreach target,$(FUZZ_TARGETS),$(call fuzz-target,$(target)) fuzz/corpus/$(target) -- $(FUZZ_OPTIONS) -runs=0 &&) true

fuzz: .tools/cargo/bin/cargo-fuzz ## run each fuzz target for FUZZ_SECONDS (600)
	$(foreach target,$(FUZZ_TARGETS),mkdir -p fuzz/found/$(target) && $(call fuzz-target,$(target)) \
	  fuzz/found/$(target) fuzz/corpus/$(target) -- $(FUZZ_OPTIONS) -max_total_time=$(FUZZ_SECONDS) &&) true

# docs/benchmarks.md describes the benchmarks and what they install. BENCH_OPTIONS=--help lists the options of a benchmark,
# and BENCH_OPTIONS=--quick runs it with small sizes.
bench: ## compare the command line and its outputs with other implementations, in one table
	$(PYTHON) benches/peers.py $(BENCH_OPTIONS)

bench-cold: ## compare the start and the invocations of the function with an empty function and a Python function
	$(PYTHON) benches/cold.py $(BENCH_OPTIONS)

bench-stages: ## measure each stage from parsing to rendering separately
	$(PYTHON) benches/stages.py $(BENCH_OPTIONS)

bench-pathological: ## measure uploads that are designed to be slow; each may take at most 50 ns per byte
	$(PYTHON) benches/pathological.py $(BENCH_OPTIONS)

bench-instructions: ## count instructions per row, and compare them with benches/instructions.json
	$(PYTHON) benches/instructions.py $(BENCH_OPTIONS)

bench-scale: ## measure time and memory for different numbers of rows and files, and draw docs/benchmarks/*.svg
	$(PYTHON) benches/scale.py $(BENCH_OPTIONS)

bench-cost: ## calculate the cost of uploads on AWS from the results of bench-cold
	$(PYTHON) benches/cost.py $(BENCH_OPTIONS)

bench-last-mile: ## measure the time from an upload until a real Apache enforces it, with up to 10,000 sites
	$(PYTHON) benches/last_mile.py $(BENCH_OPTIONS)

bench-fleet: ## measure runs over 100, 1,000 and 10,000 sites in a local cloud, and calculate their cost on AWS
	$(PYTHON) benches/fleet.py $(BENCH_OPTIONS)

bench-docs: ## run all benchmarks and update the tables and charts of docs/benchmarks.md (an hour)
	$(PYTHON) benches/peers.py --markdown
	$(PYTHON) benches/cold.py --markdown --json target/bench-cold.json
	$(PYTHON) benches/cold.py --markdown --tls bundle
	$(PYTHON) benches/cost.py --markdown --measured target/bench-cold.json
	$(PYTHON) benches/stages.py --markdown
	$(PYTHON) benches/pathological.py --markdown
	$(PYTHON) benches/instructions.py --markdown
	$(PYTHON) benches/scale.py --markdown
	$(PYTHON) benches/last_mile.py --markdown
	$(PYTHON) benches/fleet.py --markdown

HARNESS := CARGO_TARGET_DIR=target/harness cargo

bench-check: ## build the benchmarks and run them with small sizes; the results have no meaning
	cargo fmt --check --manifest-path benches/harness/Cargo.toml
	$(HARNESS) clippy --manifest-path benches/harness/Cargo.toml --all-targets -- -D warnings
	$(HARNESS) test --quiet --manifest-path benches/harness/Cargo.toml
	$(PYTHON) benches/stages.py --quick
	$(PYTHON) benches/pathological.py --quick
	$(PYTHON) benches/peers.py --quick
	$(PYTHON) benches/cold.py --quick
	$(PYTHON) benches/cold.py --quick --tls bundle
	$(PYTHON) benches/instructions.py --check --only "5,000 rows"
	$(PYTHON) benches/scale.py --quick
	$(PYTHON) benches/last_mile.py --quick
	$(PYTHON) benches/cost.py
	$(PYTHON) benches/fleet.py --quick

packages: ## install the Debian packages that the tests need, with apt-get as root or with sudo
	@$(CLOUD) packages $(PACKAGES)

clean: down ## stop the local cloud, and remove builds and installed tools
	cargo clean
	rm -rf .tools .aws-sam dist
