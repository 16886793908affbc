# Windhover. `make start` and `make test` need Go and nothing else that they do not install themselves.
SHELL := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/windhover-io/windhover/internal/app.Version=$(VERSION)
export CGO_ENABLED := 0

.PHONY: help build start test test-go test-race test-all test-clients fuzz lint bench release clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## Build bin/windhover
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/windhover ./cmd/windhover

start: build ## Build and start everything on http://localhost:8080
	./bin/windhover server local

test: ## Run every test that a change has to pass
	./scripts/test.sh

test-go: ## Run the Go tests alone
	go test ./...

test-race: ## Run the Go tests under the race detector
	CGO_ENABLED=1 go test -race ./...

test-clients: build ## Run a published client against the server
	./scripts/test-kestrapy.sh

test-all: ## Run everything, also what takes long
	./scripts/test.sh --all

fuzz: ## Fuzz every target for a while (FUZZTIME=30s)
	./scripts/fuzz.sh

lint: ## Run golangci-lint
	./scripts/lint.sh

bench: build ## Measure, against limits measured in the same run
	./scripts/bench.sh

release: ## Build the binaries for every platform into dist/
	./scripts/release.sh '$(VERSION)'

clean: ## Remove what was built
	rm -rf bin dist
