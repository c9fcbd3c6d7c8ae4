# SPDX-License-Identifier: Apache-2.0
# The few commands people type. Each installs what it needs first (apt, root).

.PHONY: build test demo bench format lint deps

build: deps
	swift build -c release

test: lint
	@.ci/install-envoy
	@.ci/test

# Both need root.
demo:
	@.ci/install-packages
	@echo "Building; the first time takes a few minutes."
	@swift build --quiet -c release
	@Tests/Lab/demo

# What it leaves out, and why, stands in its report; bench/README.md tells of its options.
bench: build
	@bench/install
	bench/run

lint: deps
	swift format lint --strict --recursive Package.swift Sources Tests bench bpf/plugin
	clang-format --dry-run --Werror bpf/*.c bpf/abi/*.c bpf/abi/include/*.h bpf/lib/*.h bpf/programs/*.h

format: deps
	swift format --in-place --recursive Package.swift Sources Tests bench bpf/plugin
	clang-format -i bpf/*.c bpf/abi/*.c bpf/abi/include/*.h bpf/lib/*.h bpf/programs/*.h

deps:
	.ci/install-packages
