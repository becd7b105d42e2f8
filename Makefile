# Every target does the set-up it needs. `make help` lists them.
SHELL := /bin/sh
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT_TIME := $(shell git log -1 --format=%cI 2>/dev/null)
BUILD := github.com/usherhq/usher/internal/build
LDFLAGS := -s -w -funcalign=16 -X $(BUILD).version=$(VERSION) -X $(BUILD).date=$(COMMIT_TIME)
COLD := $(foreach p,$(shell grep -v '^\#' internal/build/cold),-gcflags=$(p)=-l)

.DEFAULT_GOAL := help
.PHONY: help build demo test test-kubernetes lint generate record bench clean release-dry

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

build: ## build bin/usher, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath $(COLD) -ldflags '$(LDFLAGS)' -o bin/usher ./cmd/usher

demo: build ## run the main job from end to end (KEEP=1 leaves it running)
	@KEEP=$(KEEP) ./demo/run.sh

test: build ## run every test
	$(GO) vet ./...
	$(GO) test -p 1 -timeout 40m ./... # one package at a time: the reference's server locks its database under load

test-kubernetes: ## test the Kubernetes worker against a real control plane, which is built first (minutes)
	USHER_TEST_KUBERNETES=1 $(GO) test -timeout 40m ./internal/worker -run TestKubernetes

lint: ## run the linters
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

generate: build ## regenerate wire types, client, completions, docs/cli and manual pages
	$(GO) generate ./...
	$(GO) run ./internal/tools/clidocs

record: ## record the reference's answers to generated requests again, and what differs from ours
	$(GO) run ./internal/tools/record
	USHER_CONTRACT_DIFFERENCES=write $(GO) test ./internal/acceptance/contract -run TestAnswers
	USHER_CONTRACT_TABLE=write $(GO) test ./internal/acceptance/contract -run TestTable

bench: build ## measure the bars side by side with the reference (BENCH="requests polls": only these)
	$(GO) run ./internal/tools/bench $(BENCH)

release-dry: ## build archives, packages, SBOMs and checksums for every platform without publishing them
	GOFLAGS='$(GOFLAGS) $(COLD)' $(GO) run github.com/goreleaser/goreleaser/v2@v2.14.3 release --snapshot --clean

clean: ## remove what the targets made
	rm -rf bin dist .cache
