# The commands that people and CI call. A fresh machine needs a Rust toolchain, apt and pip.

CARGO ?= cargo
# Of the static executable: `quick` is for machines that build it to test it.
PROFILE ?= release
DEMO := target/demo
AGENT ?= fake
RUNNER := $(CARGO) run --locked --quiet --package agent-runner --
LOCAL = $(RUNNER) local examples/demo $(DEMO_OF_$(AGENT)) --set 'repository=file://$(CURDIR)/$(DEMO)/portal.git'
# A Secret by way of a variable; it is in nothing that is printed or kept.
SECRET_OF_fake := SECRET_ANTHROPIC_API_KEY=correct-horse-battery
DEMO_OF_codex := examples/demo/codex --name fix-login-codex

.PHONY: demo test chart chart-generate images lint deny generate bench static clean

## Carries out one whole run of the manifests in examples/demo, on a repository of this machine, with
## the scripted agent: no server, no cluster, no model. `make demo AGENT=claude` and `AGENT=codex` take
## the one that is installed.
demo:
	$(CARGO) build --locked --quiet --package agent-runner
	@rm -rf $(DEMO)
	@sh examples/demo/repository $(DEMO)/portal.git
	@echo '--- agent-runner local --print run (what a controller would tell the pod)'
	@$(LOCAL) --print run
	@echo '--- agent-runner local --agent $(AGENT) (the run, without a pod)'
	@$(SECRET_OF_$(AGENT)) $(LOCAL) --agent $(AGENT) --workspace $(DEMO)/run
	@echo '--- agent-runner explain (how it went)'
	@$(RUNNER) explain $(DEMO)/run/workspace/.agent/status.json
	@echo '--- the artifact, as it is stored'
	@cat $(DEMO)/run/artifacts/*/report.md

## Installs what the tests need, then runs all of them.
test:
	@sh tests/install
	$(CARGO) build --locked --workspace --bins
	$(CARGO) test --locked --workspace
	@sh tests/chart/run

## Lints, renders and tests the Helm chart; needs pip. With an agent-runner in target/ also carries runs out.
chart:
	@sh tests/chart/run

## Rewrites what is made of the chart's values.yaml: README, schema, copies of the providers.
chart-generate:
	@sh tests/chart/run generate

## Builds the images on a local base and tests them in containers. Installs what is missing; needs a machine where
## podman may mount.
images: static
	@sh tests/images/run

## What CI refuses: formatting, lints, documentation.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-Dwarnings -Arustdoc::private-intra-doc-links' $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet

## Licenses, sources and bans of dependencies (deny.toml); needs cargo-deny.
deny:
	$(CARGO) deny --locked check bans licenses sources

## Rewrites the generated pages and the definitions of the chart's kinds; CI compares them.
generate:
	$(CARGO) build --locked --workspace --bins
	AGENT_TESTS_UPDATE=1 $(CARGO) test --locked --package agent-tests --test reference --test crds

## Compares with peers in one run; see docs/performance.md.
bench:
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked --package agent-tests

## The static executable for images: target/static/<amd64|arm64>/agent-runner. Installs musl-gcc (Debian:
## musl-tools) if need be.
static:
	@CARGO=$(CARGO) sh images/static $(PROFILE)

clean:
	$(CARGO) clean
