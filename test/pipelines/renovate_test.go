package pipelines

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// renovate is all that examples/renovate/renovate.json says.
type renovate struct {
	Schema     string `json:"$schema"`
	Kubernetes struct {
		Description string
		Patterns    []string `json:"managerFilePatterns"`
	}
	CustomManagers []struct {
		Description  string
		CustomType   string
		Patterns     []string `json:"managerFilePatterns"`
		Strategy     string   `json:"matchStringsStrategy"`
		MatchStrings []string
		Datasource   string `json:"datasourceTemplate"`
		PackageName  string `json:"packageNameTemplate"`
	}
}

func readRenovate(t *testing.T) renovate {
	t.Helper()
	file, err := os.Open(filepath.Join(ways.Repository(), "examples/renovate/renovate.json"))
	require.NoError(t, err)
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var config renovate
	require.NoError(t, decoder.Decode(&config))
	return config
}

// matches reports whether a pattern is for a file.
func matches(t *testing.T, patterns []string, path string) bool {
	t.Helper()
	for _, pattern := range patterns {
		require.Regexp(t, `^/.*/$`, pattern, "between slashes it is an expression, else a glob")
		if regexp.MustCompile(strings.Trim(pattern, "/")).MatchString(path) {
			return true
		}
	}
	return false
}

// imageLine is what Renovate's kubernetes manager takes for one, as far as it concerns us
// (renovatebot/renovate lib/modules/manager/kubernetes/extract.ts).
var imageLine = regexp.MustCompile(`(?m)^\s*-?\s*image:\s*['"]?([a-z0-9.:/-]+:[\w.-]+(?:@sha256:[0-9a-f]{64})?)['"]?\s*$`)

// TestRenovateReadsTheImagesOfTheExamples holds that what the kubernetes manager is given
// has lines that it reads, also with a digest as krm-bypass pin writes it.
func TestRenovateReadsTheImagesOfTheExamples(t *testing.T) {
	config := readRenovate(t)
	for path, name := range map[string]string{
		"examples/every-way/bypass.yaml":             "/init:",
		"examples/component/bypass/spec/bypass.yaml": "/init:",
		"examples/kpt-image/Kptfile":                 "/krm-bypass:",
	} {
		assert.True(t, matches(t, config.Kubernetes.Patterns, path), path)
		text := readText(t, filepath.Join(ways.Repository(), path))
		assert.Contains(t, text, "apiVersion:")
		found := imageLine.FindStringSubmatch(text)
		require.NotNil(t, found, path)
		image, _, _ := strings.Cut(found[1], "@")
		assert.Contains(t, image, name)
		pinned := image + "@sha256:" + strings.Repeat("4f", 32)
		found = imageLine.FindStringSubmatch(strings.Replace(text, found[1], pinned, 1))
		require.NotNil(t, found, path)
		assert.Equal(t, pinned, found[1])
	}
	assert.False(t, matches(t, config.Kubernetes.Patterns, "shop/no-bypass.yaml"))
}

// TestRenovateFindsTheRefsOfTransformers applies the expressions of the file. Renovate's are
// RE2's, as Go's are.
func TestRenovateFindsTheRefsOfTransformers(t *testing.T) {
	config := readRenovate(t)
	require.Len(t, config.CustomManagers, 1)
	manager := config.CustomManagers[0]
	require.Equal(t, "recursive", manager.Strategy)
	require.Len(t, manager.MatchStrings, 2)
	list, entry := regexp.MustCompile(manager.MatchStrings[0]), regexp.MustCompile(manager.MatchStrings[1])
	assert.True(t, matches(t, manager.Patterns, "clusters/production/kustomization.yaml"))

	type ref struct{ depName, currentValue string }
	for text, want := range map[string][]ref{
		"transformers:\n- https://github.com/example/platform//bypass/spec?ref=v1.2.0\n": {{"github.com/example/platform", "v1.2.0"}},
		"kind: Kustomization\ntransformers:\n  - labels.yaml\n  # of the platform's team\n  - \"https://git.example.com:8443/mesh/tools/platform.git//spec?timeout=90&ref=v2.0.0&submodules=0\"": {
			{"git.example.com:8443/mesh/tools/platform.git", "v2.0.0"}},
		"transformers:\n- https://a.example.com/b/c//d?ref=v1\n- https://a.example.com/e/f//g?ref=v2 # of the platform\nresources:\n- https://a.example.com/h/i//j?ref=v3\n": {
			{"a.example.com/b/c", "v1"}, {"a.example.com/e/f", "v2"}},
		"transformers: # of the platform\n\n- labels.yaml\n\n- https://a.example.com/b/c//d?ref=v1\n": {{"a.example.com/b/c", "v1"}},
		"transformers:\r\n- labels.yaml\r\n\r\n- https://a.example.com/b/c//d?ref=v1\r\nresources:\r\n- https://a.example.com/h/i//j?ref=v3\r\n": {
			{"a.example.com/b/c", "v1"}},
		// kustomize's own manager finds these.
		"components:\n- https://github.com/example/platform//bypass?ref=v1\nresources:\n- https://github.com/example/platform//base?ref=v1\n": nil,
		"transformers:\n- ../bypass/spec\n- https://github.com/example/platform//spec\n":                                                      nil,
		"transformers:\n# - https://github.com/example/platform//old?ref=v1\n- spec\n":                                                        nil,
		"# transformers:\n# - https://github.com/example/platform//bypass/spec?ref=v1.2.0\n":                                                  nil,
	} {
		var found []ref
		for _, block := range list.FindAllString(text, -1) {
			for _, match := range entry.FindAllStringSubmatch(block, -1) {
				found = append(found, ref{match[entry.SubexpIndex("depName")], match[entry.SubexpIndex("currentValue")]})
			}
		}
		assert.Equal(t, want, found, text)
	}
	assert.Equal(t, "git-tags", manager.Datasource)
	assert.Equal(t, "https://{{{depName}}}", manager.PackageName)
}

// TestRenovateFindsTheRefThatTheExampleShows has the address that examples/component gives
// to others be one that is found.
func TestRenovateFindsTheRefThatTheExampleShows(t *testing.T) {
	entry := regexp.MustCompile(readRenovate(t).CustomManagers[0].MatchStrings[1])
	page := readText(t, filepath.Join(ways.Repository(), "examples/component/README.md"))
	shown := regexp.MustCompile("`(https://github\\.com/example/platform//bypass/spec\\?ref=[^`]+)`").FindStringSubmatch(page)
	require.NotNil(t, shown)
	match := entry.FindStringSubmatch("- " + shown[1])
	require.NotNil(t, match)
	assert.Equal(t, "v1", match[entry.SubexpIndex("currentValue")])
}
