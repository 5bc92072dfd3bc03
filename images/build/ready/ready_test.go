package ready

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var digest = "@sha256:" + strings.Repeat("0123456789abcdef", 4)

var release = Release{Version: "v0.1.0", Files: []string{"SHA256SUMS", "krm-bypass-v0.1.0-linux-amd64.tar.gz"}}

func TestText(t *testing.T) {
	const ours = "https://github.com/krm-bypass/krm-bypass"
	for name, test := range map[string]struct {
		text string
		says []string // what the findings say, "" for none
	}{
		"a resource of the version":     {"- " + ours + "//examples/argocd/sidecar?ref=v0.1.0", nil},
		"a resource of another":         {"- " + ours + "//examples/argocd/sidecar?ref=v0.0.9", []string{"f.md:1: github.com/krm-bypass/krm-bypass//examples/argocd/sidecar?ref=v0.0.9: it names another version: write ?ref=v0.1.0"}},
		"a resource of a branch":        {"`" + ours + "//x?ref=main`", []string{"write ?ref=v0.1.0"}},
		"somebody else's":               {"- https://github.com/example/platform//bypass?ref=v1", nil},
		"the action of the version":     {"- uses: krm-bypass/krm-bypass@v0.1.0", nil},
		"the action of another":         {"- uses: krm-bypass/krm-bypass@v1", []string{"write @v0.1.0"}},
		"somebody else's action":        {"- uses: actions/checkout@v4", nil},
		"go install of another":         {"go install github.com/krm-bypass/krm-bypass/cmd/krm-bypass@v0.2.0", []string{"write @v0.1.0"}},
		"go install of the version":     {"go install github.com/krm-bypass/krm-bypass/cmd/krm-bypass@v0.1.0", nil},
		"an image, pinned":              {"image: ghcr.io/krm-bypass/init:v0.1.0" + digest, nil},
		"an image without digest":       {"\nimage: ghcr.io/krm-bypass/init:v0.1.0", []string{"f.md:2: ghcr.io/krm-bypass/init:v0.1.0: it names no digest: write ghcr.io/krm-bypass/init:v0.1.0@sha256: and the digest that make images prints"}},
		"an image of another version":   {"image: ghcr.io/krm-bypass/krm-bypass:v0.1.1" + digest, []string{"write ghcr.io/krm-bypass/krm-bypass:v0.1.0@sha256: "}},
		"the one with iptables":         {"ghcr.io/krm-bypass/init:v0.1.0-iptables" + digest, nil},
		"the same without digest":       {"ghcr.io/krm-bypass/init:v0.1.0-iptables", []string{"write ghcr.io/krm-bypass/init:v0.1.0-iptables@sha256: "}},
		"half a digest":                 {"ghcr.io/krm-bypass/init:v0.1.0@sha256:4f2a…", []string{"the digest is no whole one"}},
		"dots for a digest":             {"cosign verify ghcr.io/krm-bypass/init@sha256:... \\", []string{"the digest is no whole one"}},
		"a digest without a tag":        {"ghcr.io/krm-bypass/init" + digest, nil},
		"an image without version":      {"  image: ghcr.io/krm-bypass/init # there is no default", []string{"it names no version: write ghcr.io/krm-bypass/init:v0.1.0@"}},
		"the name of an image in words": {"| `ghcr.io/krm-bypass/init` | the init container |", nil},
		"somebody's image":              {"image: registry.example.com/shop/cart:1.8.0", nil},
		"our image at a placeholder":    {"image: registry.example.com/krm-bypass/init:v0.1.0", []string{"the host is a placeholder"}},
		"a placeholder for the action":  {"- uses: YOUR-ORGANISATION/krm-bypass@YOUR-COMMIT # all 40 digits", []string{"write krm-bypass/krm-bypass@v0.1.0"}},
		"a placeholder of the reader's": {"image: registry.example.com/YOUR-IMAGE", nil},
		"a file of the release":         {ours + "/releases/download/v0.1.0/SHA256SUMS", nil},
		"a file of none":                {ours + "/releases/download/v0.1.0/krm-bypass.deb", []string{"no release offers this file: name one of SHA256SUMS, "}},
		"a file of another":             {ours + "/releases/download/v0.2.0/SHA256SUMS", []string{"it names another version: write v0.1.0"}},
		"a page of another":             {ours + "/releases/tag/v0.0.1", []string{"write v0.1.0"}},
		"all releases":                  {ours + "/releases", nil},
		"not published":                 {"Nothing is published yet.", []string{"say where v0.1.0 is"}},
		"not released":                  {"Nothing is released yet: this", []string{"say where v0.1.0 is"}},
		"two in a line":                 {"ghcr.io/krm-bypass/init:v0.0.1 ghcr.io/krm-bypass/krm-bypass:v0.0.1\r", []string{"init:v0.1.0@", "krm-bypass:v0.1.0@"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := release.Text("f.md", test.text)
			require.Len(t, found, len(test.says), found)
			for i, says := range test.says {
				assert.Contains(t, found[i].String(), says)
			}
		})
	}
}

func TestTree(t *testing.T) {
	wrong := &fstest.MapFile{Data: []byte("fine\nimage: ghcr.io/krm-bypass/init:v0.0.1\n")}
	tree := fstest.MapFS{}
	for _, file := range []string{"README.md", "docs/a.md", "examples/x/bypass.yaml", ".github/workflows/ci.yaml", "action.yaml",
		"docs/pictures/a.png", "internal/a.md", "Makefile", ".cache/a.md", "bin/README.md"} {
		tree[file] = wrong
	}
	found, err := release.Tree(tree)
	require.NoError(t, err)
	var files []string
	for _, f := range found {
		assert.Equal(t, 2, f.Line)
		files = append(files, f.File)
	}
	assert.ElementsMatch(t, []string{"README.md", "docs/a.md", "examples/x/bypass.yaml", ".github/workflows/ci.yaml", "action.yaml"}, files)
}
