package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/kio"
)

func TestTheListIsWhatTheTableSays(t *testing.T) {
	assert.Equal(t, 70, strings.Count(deployment, "\n"), "lines of a Deployment")

	list := listOf(t, 10)
	assert.Equal(t, 10, strings.Count(list, "kind: Deployment\n  metadata:"))
	assert.Equal(t, 10, strings.Count(list, "kind: Service\n"))
	assert.Equal(t, 2, strings.Count(list, "kind: ConfigMap\n"))
}

func TestTheListIsAsKyamlWritesIt(t *testing.T) {
	list := listOf(t, 3)
	var written bytes.Buffer
	peer := &kio.ByteReadWriter{Reader: strings.NewReader(list), Writer: &written, KeepReaderAnnotations: true}
	items, err := peer.Read()
	require.NoError(t, err)
	require.NoError(t, peer.Write(items))
	assert.Equal(t, list, written.String())
}

// A contestant that does not do its work would win every race.
func TestChecksRefuseWorkNotDone(t *testing.T) {
	list := file(t, listOf(t, 3))
	assert.NoError(t, isTheSame(list, file(t, listOf(t, 3)), 3))
	assert.ErrorContains(t, isTheSame(file(t, listOf(t, 3)), file(t, listOf(t, 2)), 3), "differs")
	assert.ErrorContains(t, isTheSame(file(t, listOf(t, 3)), file(t, ""), 3), "at byte 0")
	assert.ErrorContains(t, hasInitContainers(nil, file(t, listOf(t, 3)), 3), "0 Deployments")
	assert.NoError(t, hasInitContainers(nil, file(t, "  - name: krm-bypass-init\n"), 1))
}

func listOf(t *testing.T, deployments int) string {
	t.Helper()
	var list bytes.Buffer
	require.NoError(t, writeList(&list, deployments))
	return list.String()
}

func file(t *testing.T, text string) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "list.yaml"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, file.Close()) })
	_, err = file.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, rewind(file))
	return file
}
