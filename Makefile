# The words a newcomer needs. CI calls the same ones (.ci/run). CONTRIBUTING.md explains them.
#
# No target sets RUSTFLAGS: all of them, plain cargo and an editor share one build.

CARGO ?= cargo
.DEFAULT_GOAL := help
.PHONY: help dev check fmt clippy deny layers size doc test conformance bench fuzz tools

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

dev: ## a node on this machine, nothing installed; ARGS="--data DIR" and the like are passed on
	$(CARGO) run --release --package alephd --bin alephd -- dev $(ARGS)

check: fmt clippy deny layers size doc ## everything that needs no run of the program; no network

fmt:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# The advisory database is fetched from the network, so it is left to `cargo deny check advisories`.
deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny --log-level error check bans licenses sources; \
	else echo "deny: cargo-deny is not installed, skipped (make tools installs it)"; fi

layers:
	$(CARGO) xtask layers

size:
	$(CARGO) xtask size

# With private items: most of a module's explanation stands in private modules, and a link that
# only a reader of the source would follow must not be broken either.
doc:
	RUSTDOCFLAGS="-D warnings -D rustdoc::broken_intra_doc_links" \
	  $(CARGO) doc --workspace --no-deps --document-private-items --quiet

test: tools ## everything: installs what the tests need, check, all tests, the clients
	$(MAKE) check
	scripts/test.sh

conformance: ## the published clients against a node of ours
	$(CARGO) build --profile ci --package alephd --bin alephd
	scripts/conformance.sh

bench: ## measurements; ARGS go to the load generator
	scripts/bench.sh $(ARGS)

fuzz: ## every fuzz target for FUZZ_SECONDS (60)
	scripts/tools.sh fuzz
	scripts/fuzz.sh

tools: ## installs what check and test need and this machine lacks
	scripts/tools.sh
