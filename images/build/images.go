package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"path"
	"runtime/debug"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/krm-bypass/krm-bypass/images/build/pack"
	"github.com/krm-bypass/krm-bypass/images/build/sbom"
)

// home is where the project publishes its images.
const home = "ghcr.io/krm-bypass"

const source = "https://github.com/krm-bypass/krm-bypass"

// product is an image that the project publishes.
type product struct {
	// name is the name of the program in it, and of the files that make writes.
	name string
	// repository is its name in the registry.
	repository         string
	title, description string
	// files gives what is in it.
	files func(program []byte) ([]pack.File, []sbom.Module, error)
	// entrypoint is the program's path.
	entrypoint string
	user       string
	// suffix is what the tag and the files end in, if anything. needs are the
	// programs that its base must have; without any, it has no base.
	suffix string
	needs  []string
}

// products are in the order in which they are made.
var products = []product{
	{
		name: "krm-bypass", repository: "krm-bypass",
		title:       "krm-bypass",
		description: "KRM function and Argo CD plugin that writes into manifests which traffic bypasses the sidecars of a service mesh",
		files:       functionFiles,
		entrypoint:  "/usr/local/bin/krm-bypass",
		// A KRM function has to be able to run as nobody (kustomize
		// cmd/config/docs/api-conventions/functions-spec.md).
		user: "65534:65534",
	},
	initContainer,
	initContainerWithIptables,
}

var initContainer = product{
	name: "krm-bypass-init", repository: "init",
	title:       "krm-bypass-init",
	description: "Init container by which traffic of a pod bypasses the sidecar of its service mesh",
	files:       initFiles,
	entrypoint:  initPath,
	// It programs the kernel: root, with NET_ADMIN alone.
	user: "0:0",
}

var initContainerWithIptables = withIptables(initContainer)

func withIptables(p product) product {
	p.suffix = "-iptables"
	p.description += ", with iptables for kernels without nf_tables"
	p.needs = []string{"iptables-legacy", "iptables-legacy-restore", "ip6tables-legacy", "ip6tables-legacy-restore"}
	return p
}

func initFiles(program []byte) ([]pack.File, []sbom.Module, error) {
	return []pack.File{{Path: initPath, Mode: executable, Content: program}}, nil, nil
}

const initPath = "/krm-bypass-init"

// Modes of files.
const (
	executable = 0o555
	readable   = 0o444
)

// The users that the image is run as, by name or number: docker run --user nobody,
// as kustomize calls it, looks the name up in the image, and Argo CD runs its
// plugins as 999 (argoproj/argo-cd docs/operator-manual/config-management-plugins.md).
const (
	users = `root:x:0:0:root:/:/sbin/nologin
argocd:x:999:999:argocd:/home/argocd:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
`
	groups = `root:x:0:
argocd:x:999:
nogroup:x:65534:
`
)

// functionFiles are the files of the function's image: the program, the names of
// users, a /tmp, which argocd-cmp-server needs, and the certificate authorities of
// registries.
func functionFiles(program []byte) ([]pack.File, []sbom.Module, error) {
	authorities, from, err := certificates()
	if err != nil {
		return nil, nil, err
	}
	return []pack.File{
		{Path: "/usr/local/bin/krm-bypass", Mode: executable, Content: program},
		{Path: "/etc/passwd", Mode: readable, Content: []byte(users)},
		{Path: "/etc/group", Mode: readable, Content: []byte(groups)},
		{Path: "/etc/ssl/certs/ca-certificates.crt", Mode: readable, Content: authorities},
		pack.Folder("/tmp", pack.EveryonesFolder),
	}, []sbom.Module{from}, nil
}

// authoritiesModule holds Mozilla's list of certificate authorities. go.sum fixes it,
// so that the list in the image is the same wherever it is built.
const authoritiesModule = "golang.org/x/crypto/x509roots/fallback"

// certificates gives the authorities, but leaves out those that are trusted only
// under conditions: a file of certificates cannot state them.
func certificates() (authorities []byte, from sbom.Module, err error) {
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			authorities = append(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, from, errors.New("reading of what this program is made: it does not say")
	}
	for _, m := range build.Deps {
		if m.Path == authoritiesModule {
			return authorities, sbom.Module{Path: m.Path, Version: m.Version}, nil
		}
	}
	return nil, from, fmt.Errorf("reading of what this program is made: %s is not there", authoritiesModule)
}

// annotations are those of an image (github.com/opencontainers/image-spec
// annotations.md). They hold no time and no revision but the given ones.
func (p product) annotations(r release) map[string]string {
	said := map[string]string{
		"org.opencontainers.image.title":         p.title,
		"org.opencontainers.image.description":   p.description,
		"org.opencontainers.image.version":       r.version,
		"org.opencontainers.image.created":       r.created.UTC().Format("2006-01-02T15:04:05Z"),
		"org.opencontainers.image.source":        source,
		"org.opencontainers.image.url":           source,
		"org.opencontainers.image.documentation": source + "#readme",
		"org.opencontainers.image.vendor":        "krm-bypass",
	}
	if r.revision != "" {
		said["org.opencontainers.image.revision"] = r.revision
	}
	return said
}

// published is the repository under which the image is published.
func (p product) published() string { return path.Join(home, p.repository) }
