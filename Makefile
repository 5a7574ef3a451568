# What a person types; everything else is cargo's. The first run of most targets builds a Kubernetes
# control plane, which takes minutes, once per machine.

.DEFAULT_GOAL := help
.PHONY: help demo test conformance fuzz model bench up down crds control-plane

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: control-plane ## The whole story on an embedded control plane, in plain words; ends by itself
	cargo build --bin scim-operator
	cargo run --quiet --example demo

test: control-plane .venv/ready ## Every test that needs no root
	cargo test
	$(SUITES)

conformance: control-plane .venv/ready ## What others ask of a SCIM server: public suites, Microsoft's cases, every dialect
	cargo test --test it -- every_dialect
	$(SUITES)

# On a control plane and an operator of their own, which end with them.
SUITES = cargo run --quiet --example up -- run .venv/bin/python tests/conformance/suites.py

model: ## The directory's protocols in every interleaving, for half an hour; CONFIG=words of a sentence: one of them
	cargo build --release --example model
	cargo run --release --quiet --example model -- "$(CONFIG)"

fuzz: ## Hostile bytes at every parser, TIME=30 seconds for each; TARGET=filter for one alone
	fuzz/run.sh $(or $(TIME),30) $(TARGET)

# What `make bench` measures: all, core, or a part that benches/load/parts/mod.rs names.
WHAT ?= all

bench: control-plane ## Requests beside the least that they could cost, as a table of ratios; WHAT=post for a part
	$(if $(filter all core,$(WHAT)),cargo bench --bench core)
	$(if $(filter-out core,$(WHAT)),cargo bench --bench load -- $(WHAT))

up: control-plane ## Control plane and operator in the background, on 127.0.0.1; writes .dev/env
	cargo build --bin scim-operator
	cargo run --quiet --example up -- up

down: ## Ends what `make up` started
	cargo run --quiet --example up -- down

crds: ## The custom resource definitions, from the types into crds/
	cargo build --bin scim-operator
	rm -f crds/*.yaml
	cargo run --quiet --bin scim-operator -- crds --output crds

control-plane:
	@tests/cluster/build.sh > /dev/null

# SCIM clients that nobody here wrote.
.venv/ready: tests/requirements.txt
	python3 -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
