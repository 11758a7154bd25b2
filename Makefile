# The commands that people and CI call. A fresh machine needs a Rust toolchain, apt and pip.

CARGO ?= cargo
DEMO := target/demo

.PHONY: demo test lint deny generate bench static clean

## Carries out one whole run on a bundled spec: no server, no cluster, no model.
demo:
	$(CARGO) build --locked --quiet --package agent-runner
	@rm -rf $(DEMO) && mkdir -p $(DEMO) && cp examples/demo/*.json $(DEMO)
	@echo '--- agent-runner plan (what it will do)'
	@cd $(DEMO) && ../debug/agent-runner plan agent-runner.json
	@echo '--- agent-runner (the run)'
	@cd $(DEMO) && DEMO_TOKEN=correct-horse-battery ../debug/agent-runner agent-runner.json
	@echo '--- agent-runner explain (how it went)'
	@cd $(DEMO) && ../debug/agent-runner explain out/status.json
	@echo '--- the artifact, out/report.md'
	@cat $(DEMO)/out/report.md

## Installs what the tests need, then runs all of them.
test:
	@sh tests/install
	$(CARGO) build --locked --workspace --bins
	$(CARGO) test --locked --workspace

## What CI refuses: formatting, lints, documentation.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-Dwarnings -Arustdoc::private-intra-doc-links' $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet

## Licenses, sources and bans of dependencies (deny.toml); needs cargo-deny.
deny:
	$(CARGO) deny --locked check bans licenses sources

## Rewrites the generated pages; CI compares them.
generate:
	$(CARGO) build --locked --workspace --bins
	AGENT_TESTS_UPDATE=1 $(CARGO) test --locked --package agent-tests --test reference

## Compares with peers in one run; see docs/performance.md.
bench:
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked --package agent-tests


## The static executable for images: target/x86_64-unknown-linux-musl/release/agent-runner.
## Needs musl-gcc (Debian: musl-tools).
static:
	rustup target add x86_64-unknown-linux-musl
	CC_x86_64_unknown_linux_musl=musl-gcc $(CARGO) build --locked --release --package agent-runner --target x86_64-unknown-linux-musl

clean:
	$(CARGO) clean
