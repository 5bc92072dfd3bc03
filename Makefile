# What a user and CI run. A recipe says what happens; the scripts in hack/ do it.

MAKEFLAGS += --no-builtin-rules --no-print-directory
TOOLS := .cache/bin

# No cgo, no paths, no commit: two clones at one commit build the same bytes,
# and the init container's binary runs on an empty base image.
go_build = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w'

.PHONY: build demo test bench lint tools clean help
.PHONY: go packages kustomize golangci-lint

build: go ## bin/krm-bypass, bin/krm-bypass-fn and bin/krm-bypass-init
	@$(go_build) -o bin/krm-bypass ./cmd/krm-bypass
	@$(go_build) -o bin/krm-bypass-fn ./cmd/krm-bypass-fn
	@$(go_build) -o bin/krm-bypass-init ./images/init

demo: build kustomize ## what the function makes of examples/asm-ports, as a diff
	@hack/demo.sh

test: build kustomize packages ## everything: vet, unit tests, goldens, kustomize, network namespaces
	@hack/test.sh

bench: build ## the function and the init container beside their peers, as ratios
	@hack/bench.sh

lint: golangci-lint ## golangci-lint with .golangci.yaml
	@$(TOOLS)/golangci-lint run

tools: kustomize golangci-lint ## the Go tools of hack/tools.txt, in .cache/bin

clean: ## remove bin/ and .cache/
	@rm -rf bin .cache

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

go:
	@hack/need-go.sh

packages:
	@hack/need-packages.sh

kustomize golangci-lint: go
	@hack/need-tool.sh $@
