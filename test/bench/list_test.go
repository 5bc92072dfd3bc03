package main

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/kio"
)

func TestTheListIsWhatTheTableSays(t *testing.T) {
	assert.Equal(t, 70, strings.Count(deployment, "\n"), "lines of a Deployment")
	for _, in := range inputs {
		list := listOf(t, in, 40)
		var said struct {
			Items []struct{ Kind string }
		}
		require.NoError(t, yaml.Unmarshal([]byte(list), &said))
		count := map[string]int{}
		for _, item := range said.Items {
			count[item.Kind]++
		}
		assert.Equal(t, map[string]int{"Deployment": 40, "Service": 40, "ConfigMap": 8}, count)
	}
}

func TestTheListIsAsKyamlWritesIt(t *testing.T) {
	list := listOf(t, uniform, 3)
	var written bytes.Buffer
	peer := &kio.ByteReadWriter{Reader: strings.NewReader(list), Writer: &written, KeepReaderAnnotations: true}
	items, err := peer.Read()
	require.NoError(t, err)
	require.NoError(t, peer.Write(items))
	assert.Equal(t, list, written.String())
}

// What is kept of an object by its text would make a list fast whose objects repeat.
func TestNoTwoObjectsAreAlike(t *testing.T) {
	seen := map[string]bool{}
	styles := map[string]int{}
	varied.each(1000, func(text string) {
		assert.False(t, seen[text], text)
		seen[text] = true
		for style, mark := range map[string]string{"flow": "{\"api", "flow over lines": "{\n", "anchor": "&labels", "literal": "|\n", "comment": " # ", "single": ": '", "double": ": \"", "indented": "\n  - "} {
			if strings.Contains(text, mark) {
				styles[style]++
			}
		}
	})
	for style, least := range map[string]int{"flow": 10, "flow over lines": 10, "anchor": 30, "literal": 300, "comment": 800, "single": 800, "double": 500, "indented": 200} {
		assert.GreaterOrEqual(t, styles[style], least, style)
	}
	first := listOf(t, varied, 10)
	assert.Equal(t, first, listOf(t, varied, 10), "the same every time")
}

// A contestant that does not do its work would win every race.
func TestChecksRefuseWorkNotDone(t *testing.T) {
	assert.ErrorContains(t, holds("init", 3)(strings.NewReader("a\nits init\nthe init")), "2 lines")
	assert.NoError(t, holds("init", 2)(strings.NewReader("a\nits init\nthe init")))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte("abc"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	assert.ErrorContains(t, packs(4)(bytes.NewReader(packed.Bytes())), "3 bytes")
	assert.NoError(t, packs(3)(bytes.NewReader(packed.Bytes())))
	assert.Error(t, packs(3)(bytes.NewReader(packed.Bytes()[:9])))
}

func TestTheMedianAndItsSpread(t *testing.T) {
	s := summed("x", []sample{{9, 2, 30}, {1, 3, 10}, {5, 1, 20}})
	assert.Equal(t, summary{"x", 3, sample{5, 2, 20}, 1, 9}, s)
}

// The share would be 1 of nothing.
func TestTheShareCountsDeployments(t *testing.T) {
	var out strings.Builder
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: Deployment\n- kind: Service\n- kind: Deployment\n  x: >\n    a\n"
	require.NoError(t, share(strings.NewReader(list), &out))
	assert.Equal(t, "0.500\n", out.String())
}

func listOf(t *testing.T, in input, deployments int) string {
	t.Helper()
	var list bytes.Buffer
	require.NoError(t, in.writeList(&list, deployments))
	return list.String()
}
