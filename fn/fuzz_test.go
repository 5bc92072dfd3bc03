package fn_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// FuzzProcess reads any text as a ResourceList: it is refused, or what comes of
// it is the same list, which the function changes no further.
func FuzzProcess(f *testing.F) {
	inputs, err := filepath.Glob(goldens + "/*/*/input.yaml")
	require.NoError(f, err)
	for _, path := range inputs {
		folder := filepath.Dir(path)
		input, err := os.ReadFile(path)
		require.NoError(f, err)
		if config, err := os.ReadFile(filepath.Join(folder, "spec.yaml")); err == nil {
			input = resourceList(config, documentsOf(input))
		}
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		output, results, err := fn.Process(input, fn.Options{})
		if output == nil {
			require.Error(t, err)
			require.NotErrorIs(t, err, fn.ErrFailed)
			return
		}
		require.Equal(t, results.Failed(), err != nil)
		before, after := itemTexts(t, input), itemTexts(t, output)
		if n := len(before); n > 0 && n == len(after) {
			// The results stand behind the last one, on lines of their own.
			before[n-1], after[n-1] = strings.TrimRight(before[n-1], "\r\n"), strings.TrimRight(after[n-1], "\r\n")
		}
		if err != nil {
			require.ErrorIs(t, err, fn.ErrFailed)
			require.Equal(t, before, after, "where there is an error nothing is written")
			return
		}
		require.Len(t, after, len(before))
		again, _, err := fn.Process(output, fn.Options{})
		require.NoError(t, err)
		require.Equal(t, itemTexts(t, output), itemTexts(t, again), "the function on its own output changes no byte")
	})
}

// FuzzManifests reads any file: it is left as it is, or what was written into it
// is found there, and a spec that says nothing takes it away again.
func FuzzManifests(f *testing.F) {
	styles, err := filepath.Glob("../testdata/corpus/*")
	require.NoError(f, err)
	require.NotEmpty(f, styles)
	for i, style := range styles {
		files, err := filepath.Glob(style + "/*")
		require.NoError(f, err)
		if len(files) == 0 {
			continue // what explains the corpus
		}
		text, err := os.ReadFile(files[0])
		require.NoError(f, err)
		f.Add(text, uint8(i))
	}
	specs := []string{
		"spec: {global: {excludeOutboundPorts: [3306]}, enforcement: {image: a/b:c}}",
		"spec: {merge: Union, global: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [80]}], excludeInboundPorts: [9090]}, enforcement: {image: a/b:c}}",
		"spec: {enforcement: {mode: AnnotationsOnly}, meshDefaults: {excludeOutboundPorts: [1]}, global: {excludeOutboundPorts: [], includeInboundPorts: [8080]}}",
		"spec: {mesh: Linkerd, global: {excludeOutboundPorts: [3306, 4567]}, enforcement: {image: a/b:c}}",
	}
	render := func(t *testing.T, spec string, text []byte) ([]byte, error) {
		files, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\n" + spec + "\n")}),
			[]fn.Manifest{{Path: "a.yaml", Text: text}}, fn.Options{})
		require.Equal(t, results.Failed(), err != nil)
		require.Len(t, files, 1)
		return files[0].Text, err
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		spec := specs[int(which)%len(specs)]
		out, err := render(t, spec, text)
		if err != nil {
			require.Equal(t, string(text), string(out), "where there is an error nothing is written")
			return
		}
		again, err := render(t, spec, out)
		require.NoError(t, err)
		require.Equal(t, string(out), string(again), "rendering twice is rendering once")
		if bytes.Contains(text, []byte("krm-bypass")) {
			return // what of it is ours is not for this test to know
		}
		back, err := render(t, "spec: {}", out)
		require.NoError(t, err)
		require.Equal(t, string(text), string(back), "taking everything away gives back the bytes")
	})
}
