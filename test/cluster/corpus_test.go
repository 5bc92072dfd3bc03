package cluster

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

const corpusSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  merge: Union
  global:
    excludeInboundPorts: [7001]
    excludeOutboundIPRanges: [192.0.2.0/24]
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
`

// TestCorpus hands kubectl and the server, as a dry run, the manifests of
// testdata/corpus as they stand there and as the function rewrites them: bytes
// that Kubernetes' own reader of YAML and JSON has to read. They refuse the same
// ones for the same reasons, and of the others make the same objects, but for
// what the record says was written.
func TestCorpus(t *testing.T) {
	before := filepath.Join(t.TempDir(), "corpus")
	require.NoError(t, os.CopyFS(before, os.DirFS(filepath.Join(repository, "testdata/corpus"))))
	after := filepath.Join(t.TempDir(), "corpus")
	require.NoError(t, filepath.WalkDir(before, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if objects, err := decode(string(text)); err == nil {
			prepare(t, objects)
		}
		rewritten := filepath.Join(after, strings.TrimPrefix(path, before))
		if err := os.MkdirAll(filepath.Dir(rewritten), 0o700); err != nil {
			return err
		}
		if filepath.Ext(path) != ".md" { // it explains the corpus
			files, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(corpusSpec)}), []fn.Manifest{{Path: path, Text: text}}, fn.Options{})
			require.NoError(t, err, results.Report())
			text = files[0].Text
		}
		return os.WriteFile(rewritten, text, 0o600)
	}))

	was, refusedBefore := dryRun(t, before)
	is, refusedAfter := dryRun(t, after)
	assert.Equal(t, refusedBefore, refusedAfter)
	require.Len(t, is, len(was))
	written := 0
	for i := range was {
		o := wrote(is[i])
		if !o.isNothing() {
			written++
		}
		o = o.and(wrote(was[i]))
		assert.Equal(t, without(was[i], o), without(is[i], o), "%s %s", was[i].Text("kind"), was[i].Text("metadata", "name"))
	}
	t.Logf("the server takes %d objects of the corpus as they go in and as they come out, %d of them written by the function, and refuses %d either way", len(is), written, len(refusedBefore))
	assert.Greater(t, written, len(refusedBefore))
}

// dryRun creates what a folder holds, and gives what the server makes of it and
// what kubectl says of what is refused.
func dryRun(t *testing.T, folder string) (objects []controlplane.Object, refused []string) {
	t.Helper()
	output, err := server.Kubectl(t.Context(), "", "create", "--dry-run=server", "-o", "json", "-R", "-f", folder)
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(output.Stdout))
	for {
		var object controlplane.Object
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		objects = append(objects, object)
	}
	for line := range strings.Lines(output.Stderr) {
		// The server gives its reasons in any order.
		words := strings.FieldsFunc(strings.ReplaceAll(line, folder, ""), func(r rune) bool { return strings.ContainsRune(" ,[]\n", r) })
		slices.Sort(words)
		refused = append(refused, strings.Join(words, " "))
	}
	return objects, refused
}
