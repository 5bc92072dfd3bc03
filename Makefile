# What a user and CI run. A recipe says what happens; the scripts in hack/ do it.

MAKEFLAGS += --no-builtin-rules --no-print-directory
TOOLS := .cache/bin

# No cgo, no paths, no time: two clones at one commit build the same bytes,
# and the init container's binary runs on an empty base image.
go_build = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w $(stamp)'

# Of the images: their tag and what the programs in them say of themselves.
VERSION ?= v0.1.0
# Of a release: the init container's image that was published with it, with its
# digest. krm-bypass pin writes it into a spec that names none.
PUBLISHED ?=
published = $(if $(PUBLISHED),-X main.publishedImage=$(PUBLISHED))
platforms := linux-amd64 linux-arm64
archives := $(platforms) darwin-amd64 darwin-arm64 windows-amd64 windows-arm64
function := github.com/krm-bypass/krm-bypass/cmd/internal/function

.PHONY: build demo test test-all test-rest test-argocd test-helm test-cluster test-containers test-browser pictures corpus bench fuzz soak reproducible licences lint images push dist release-check tools clean help
.PHONY: go modules packages all-packages axe builder registry kustomize helm helm4 golangci-lint

build: stamp = $(published) -X $(function).commit=$(shell git describe --always --abbrev=12 --exclude='*' --dirty 2>/dev/null)
build: go ## bin/krm-bypass, bin/krm-bypass-fn and bin/krm-bypass-init
	@$(go_build) -o bin/krm-bypass ./cmd/krm-bypass
	@$(go_build) -o bin/krm-bypass-fn ./cmd/krm-bypass-fn
	@$(go_build) -o bin/krm-bypass-init ./images/init

demo: build kustomize ## what the function makes of examples/asm-ports, as a diff
	@hack/demo.sh

test: build kustomize packages ## what to run before a change is sent: unit tests, goldens, kustomize, network namespaces, documentation
	@hack/test.sh test

test-all: test test-rest ## make test, then everything that it leaves out

test-rest: build kustomize helm helm4 images modules all-packages axe ## what make test leaves out: kube-apiserver, Helm, Argo CD, podman, fuzz, race detector
	@hack/test.sh rest


test-argocd: kustomize helm all-packages ## the plugins for Argo CD, by the real argocd-cmp-server
	@hack/test.sh argocd

test-helm: helm helm4 ## krm-bypass as the post-renderer of Helm 3 and Helm 4
	@hack/test.sh helm

test-cluster: helm ## manifests and the admission policy, by a real kube-apiserver (the first time takes minutes to build it)
	@hack/test.sh cluster

test-containers: build kustomize images modules all-packages ## the images with podman and runc: by kustomize, and in pods beside istio-iptables
	@hack/test.sh containers

test-browser: axe ## the page of krm-bypass ui, in Chromium
	@hack/test.sh browser

pictures: axe ## docs/pictures, which docs/page.md shows
	@go test -C test/browser -count=1 -run '^TestPictures$$' -pictures ../../docs/pictures ./...

corpus: kustomize ## what krm-bypass promises of files, held against those of a folder of yours: make corpus DIR=../clusters
	@$(if $(DIR),,$(error corpus needs DIR, as in make corpus DIR=../clusters))
	@KRM_BYPASS_CORPUS='$(DIR)' go test -v -count=1 -timeout=5h -run '^TestTrees$$' ./test/corpus

fuzz: go ## every fuzz target for TIME (1m), two at a time; what fails is kept in testdata/fuzz
	@hack/fuzz.sh $(TIME)

soak: build kustomize packages ## random cases over both backends for TIME (10m), 20,000 connections a second for a minute, 10,000 kustomizations, a million odd documents
	@hack/soak.sh $(TIME)

reproducible: ## build the programs twice, in two folders, and compare
	@hack/reproducible.sh

licences: go ## docs/licences.md, of the modules that are linked in
	@go test -C test/licences ./... -update

bench: build kustomize axe ## the programs beside their peers, as ratios: BENCH_RUNS=1 for a look
	@hack/bench.sh

lint: golangci-lint ## golangci-lint with .golangci.yaml
	@$(TOOLS)/golangci-lint run
	@for module in $(dir $(wildcard images/*/go.mod test/*/go.mod)); do (cd "$$module" && "$(CURDIR)/$(TOOLS)/golangci-lint" run --timeout=30m --config "$(CURDIR)/.golangci.yaml") || exit 1; done

# What makes the images is a module of its own: the product's go.mod has nothing of
# what it stands on.
builder: go
	@go build -C images/build -o '$(CURDIR)/.cache/build' .

images: builder $(platforms:%=.cache/images/%) ## container images in bin/images (VERSION=, BASE= for one with iptables)
	@rm -rf bin/images # what another version or BASE left would be pushed too
	@.cache/build make --programs=.cache/images --output=bin/images --version='$(VERSION)' $(if $(BASE),--base='$(BASE)')

push: registry images ## push them: make push REGISTRY=registry.example.com/mesh
	@.cache/build push --from=bin/images '$(REGISTRY)'

registry:
	@$(if $(REGISTRY),,$(error push needs REGISTRY, as in make push REGISTRY=registry.example.com/mesh))

# What goes into every archive beside the programs: man pages and scripts for completion,
# of the commands themselves.
.cache/shipped: go
	@rm -rf $@
	@go test -trimpath -vet=off -count=1 ./cmd/krm-bypass -run '^TestShipped$$' -into '$(CURDIR)/$@' -shipped '$(VERSION)' >/dev/null

dist: builder .cache/shipped $(archives:%=.cache/dist/%) ## archives for six platforms with checksums, formula and krew manifest in bin/dist (VERSION=)
	@.cache/build dist --programs=.cache/dist --shipped=.cache/shipped --licences=docs/licences.md --output=bin/dist --version='$(VERSION)'

release-check: builder ## find what would be wrong in pages, examples and workflows at a release (VERSION=)
	@.cache/build ready --version='$(VERSION)'

# Compiled anew every time: the go command knows better than make what changed.
compiled := $(platforms:%=.cache/images/%) $(archives:%=.cache/dist/%)
.PHONY: .cache/shipped $(compiled)
$(compiled): go
$(compiled): stamp = -X main.version=$(VERSION) -X $(function).version=$(VERSION) $(published)
cross_build = GOOS=$(word 1,$(subst -, ,$(@F))) GOARCH=$(word 2,$(subst -, ,$(@F))) $(go_build)
$(platforms:%=.cache/images/%):
	@$(cross_build) -o $@/krm-bypass ./cmd/krm-bypass
	@$(cross_build) -o $@/krm-bypass-init ./images/init
$(archives:%=.cache/dist/%):
	@$(cross_build) -o $@/ ./cmd/krm-bypass ./cmd/krm-bypass-fn

tools: kustomize helm helm4 golangci-lint ## the Go tools of hack/tools.txt, in .cache/bin

clean: ## remove bin/ and .cache/
	@rm -rf bin .cache

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 22

go:
	@hack/need-go.sh

# All of them: the Dockerfiles are built where there is no network.
modules: go
	@go mod download

packages:
	@hack/need-packages.sh test

all-packages:
	@hack/need-packages.sh test rest

axe: go all-packages
	@hack/need-axe.sh

kustomize helm helm4 golangci-lint: go
	@hack/need-tool.sh $@
