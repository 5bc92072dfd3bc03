package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestMetadata holds what a catalog shows against the help and the examples.
func TestMetadata(t *testing.T) {
	var metadata struct {
		Image              string   `yaml:"image"`
		Description        string   `yaml:"description"`
		Tags               []string `yaml:"tags"`
		SourceURL          string   `yaml:"sourceURL"`
		ExamplePackageURLs []string `yaml:"examplePackageURLs"`
	}
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&metadata))

	_, help, _ := krmBypass("", "--help")
	summary, _, _ := strings.Cut(help, "\n\n")
	assert.Equal(t, strings.Join(strings.Fields(summary), " "), metadata.Description)
	assert.Equal(t, []string{"mutator"}, metadata.Tags)

	const root = "../.."
	repository, source, _ := strings.Cut(metadata.SourceURL, "/tree/main/")
	assert.DirExists(t, filepath.Join(root, source))
	packages, err := filepath.Glob(filepath.Join(root, "examples", "*", ".expected"))
	require.NoError(t, err)
	var urls []string
	for _, expected := range packages {
		urls = append(urls, repository+"/tree/main/examples/"+path.Base(filepath.Dir(expected)))
	}
	assert.ElementsMatch(t, urls, metadata.ExamplePackageURLs)

	// A registry of the reader's own, as long as nothing is published.
	image := "image: registry.example.com/mesh/" + path.Base(metadata.Image) + ":v"
	for _, example := range []string{"kpt-image/Kptfile", "kpt-eval/.expected/config.yaml", "container/bypass.yaml"} {
		text, err := os.ReadFile(filepath.Join(root, "examples", example))
		require.NoError(t, err)
		assert.Contains(t, string(text), image, example)
	}
}
