package kustomization

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/attacks"
)

// outside counts the attempts to leave the machine's files: a git in PATH that
// does no more than say so, and a server.
type outside struct {
	t        *testing.T
	calls    string // the file that git writes to
	requests atomic.Int32
	url      string
}

func watchOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{t: t, calls: filepath.Join(t.TempDir(), "calls")}
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >> '%s'\nexit 1\n", o.calls)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		o.requests.Add(1)
		fmt.Fprint(w, attacks.ConfigMap)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	return o
}

// attempts gives how often git was run and the server asked since the last time.
func (o *outside) attempts() int {
	text, err := os.ReadFile(o.calls)
	if err == nil {
		require.NoError(o.t, os.Remove(o.calls))
	}
	return strings.Count(string(text), "\n") + int(o.requests.Swap(0))
}

// left gives what stands in the folder for temporary files.
func (o *outside) left() []string {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	require.NoError(o.t, err)
	return found
}

// TestNothingLeavesTheFiles holds each of the two lines by itself: that no entry
// is handed on which kustomize takes for remote, and that kustomize has neither
// git nor HTTP. Without both, every input makes an attempt, or it would show
// nothing.
func TestNothingLeavesTheFiles(t *testing.T) {
	for name, test := range attacks.ReachingOut {
		t.Run(name, func(t *testing.T) {
			o := watchOutside(t)
			dir := t.TempDir()
			require.NoError(t, test.Write(dir, o.url))
			path, transport := os.Getenv("PATH"), http.DefaultTransport
			build := func(unjudged, unconfined bool) error {
				options := marking
				options.unjudged, options.unconfined = unjudged, unconfined
				_, err := Build(dir, options)
				assert.Equal(t, path, os.Getenv("PATH"))
				assert.Equal(t, transport, http.DefaultTransport)
				return err
			}
			for line, err := range map[string]error{"both": build(false, false), "the first": build(false, true)} {
				if test.Says == "" {
					assert.NoError(t, err, line)
				} else {
					assert.ErrorContains(t, err, test.Says, line)
				}
				assert.Zero(t, o.attempts(), line)
				assert.Empty(t, o.left(), line)
			}
			err := build(true, false)
			assert.ErrorContains(t, err, test.Says, "the second")
			if name != "a file that does not parse" { // kustomize tells that alone
				assert.ErrorContains(t, err, "what is remote is not fetched", "the second")
			}
			assert.Zero(t, o.attempts(), "the second")
			assert.Empty(t, o.left(), "the second")

			_ = build(true, true)
			assert.Positive(t, o.attempts(), "with neither, kustomize should leave the files")
		})
	}
}

// TestWhatPatchesMakeRemoteIsRefused has a patch write into a plugin's
// configuration what no entry names: the second line alone sees it.
func TestWhatPatchesMakeRemoteIsRefused(t *testing.T) {
	o := watchOutside(t)
	dir := tree(t, map[string]string{
		"kustomization.yaml": "resources: [a.yaml]\ntransformers: [t]\n", "a.yaml": attacks.ConfigMap, "p.yaml": attacks.ConfigMap,
		"t/kustomization.yaml": "resources: [t.yaml]\npatches: [{target: {kind: PatchTransformer}, patch: '[{\"op\": \"replace\", \"path\": \"/path\", \"value\": \"" + o.url + "/p.yaml\"}]'}]\n",
		"t/t.yaml":             attacks.HeadOf("PatchTransformer") + "path: p.yaml\n",
	})
	_, err := Build(dir, marking)
	require.ErrorContains(t, err, o.url+"/p.yaml is remote, and what is remote is not fetched")
	assert.Zero(t, o.attempts())

	options := marking
	options.unconfined = true
	_, err = Build(dir, options)
	require.NoError(t, err)
	assert.Equal(t, 1, o.attempts())
}
