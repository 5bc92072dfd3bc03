package release

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/krew/pkg/constants"
	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"
)

const downloads = "https://github.com/krm-bypass/krm-bypass/releases/download/" + version + "/"

// digest gives what sha256sum says of the file that a URL offers.
func digest(t *testing.T, url string) string {
	t.Helper()
	name, is := strings.CutPrefix(url, downloads)
	require.True(t, is, url)
	text, err := os.ReadFile(filepath.Join(release(t), name))
	require.NoError(t, err)
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

func TestKrewManifest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(release(t), "krm-bypass.yaml"))
	require.NoError(t, err)
	var plugin index.Plugin
	require.NoError(t, yaml.UnmarshalStrict(text, &plugin))
	assert.Equal(t, constants.CurrentAPIVersion, plugin.APIVersion)
	assert.Equal(t, constants.PluginKind, plugin.Kind)
	assert.Equal(t, "krm-bypass", plugin.Name)
	assert.Equal(t, version, plugin.Spec.Version)
	assert.NotEmpty(t, plugin.Spec.ShortDescription)
	var found []string
	for _, p := range plugin.Spec.Platforms {
		platform := p.Selector.MatchLabels["os"] + "-" + p.Selector.MatchLabels["arch"]
		found = append(found, platform)
		name, exe := archiveOf(platform)
		assert.Equal(t, downloads+name, p.URI)
		assert.Equal(t, digest(t, p.URI), p.Sha256)
		assert.Equal(t, "krm-bypass"+exe, p.Bin)
		files := unpacked(t, platform)
		var taken []string
		for _, f := range p.Files {
			_, within, _ := strings.Cut(f.From, "/")
			assert.Contains(t, files, within, f.From)
			assert.True(t, strings.HasPrefix(name, strings.TrimSuffix(f.From, "/"+within)+"."), f.From)
			assert.Equal(t, ".", f.To)
			taken = append(taken, within)
		}
		assert.Contains(t, taken, p.Bin)
	}
	assert.Equal(t, platforms, found)
}

var (
	offer     = regexp.MustCompile(`(?m)^  on_(macos|linux) do\n    on_(intel|arm) do\n      url "([^"]+)"\n      sha256 "([0-9a-f]{64})"\n    end\n  end$`)
	installs  = regexp.MustCompile(`(?m)^    (?:bin|[a-z]+_completion|doc)\.install (.*)$`)
	quoted    = regexp.MustCompile(`"([^"]+)"`)
	begins    = regexp.MustCompile(`(?m)^ *class .*$|^ *def .*$|^.* do$`)
	ends      = regexp.MustCompile(`(?m)^ *end$`)
	unescaped = regexp.MustCompile(`desc "([^"\\#]+)"`)
)

// TestFormula reads the formula by its shape: a Ruby and Homebrew are much to install for
// one file.
func TestFormula(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(release(t), "krm-bypass.rb"))
	require.NoError(t, err)
	formula := string(text)
	assert.True(t, strings.HasPrefix(formula, "class KrmBypass < Formula\n"))
	assert.Contains(t, formula, "\n  version \""+strings.TrimPrefix(version, "v")+"\"\n")
	description := unescaped.FindStringSubmatch(formula)
	require.NotNil(t, description)
	assert.Less(t, len(description[1]), 80, "brew audit refuses longer ones")
	assert.Len(t, ends.FindAllString(formula, -1), len(begins.FindAllString(formula, -1)))
	systems := map[string]string{"macos": "darwin", "linux": "linux", "intel": "amd64", "arm": "arm64"}
	var found []string
	for _, o := range offer.FindAllStringSubmatch(formula, -1) {
		platform := systems[o[1]] + "-" + systems[o[2]]
		found = append(found, platform)
		name, _ := archiveOf(platform)
		assert.Equal(t, downloads+name, o[3])
		assert.Equal(t, digest(t, o[3]), o[4])
	}
	assert.Equal(t, platforms[:4], found)
	files := unpacked(t, "linux-amd64")
	lines := installs.FindAllStringSubmatch(formula, -1)
	assert.Len(t, lines, 5)
	for _, line := range lines {
		from, _, _ := strings.Cut(line[1], " => ")
		for _, name := range quoted.FindAllStringSubmatch(from, -1) {
			assert.Contains(t, files, name[1])
		}
	}
	assert.Contains(t, formula, `man1.install Dir["man/*.1"]`)
}
