package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInstallCopiesTheProgram(t *testing.T) {
	folder := t.TempDir()
	for range 2 { // a container may be restarted
		code, out, errOut := krmBypass("", "install", folder)
		require.Zero(t, code, errOut)
		assert.Empty(t, out+errOut)
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing else stays")
	info, err := os.Stat(filepath.Join(folder, "krm-bypass"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode())

	itself, err := os.Executable()
	require.NoError(t, err)
	wanted, err := os.ReadFile(itself)
	require.NoError(t, err)
	installed, err := os.ReadFile(filepath.Join(folder, "krm-bypass"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(wanted, installed))
}

func TestInstallSaysWhatItMisses(t *testing.T) {
	for want, args := range map[string][]string{
		"name it, as in krm-bypass install /krm-bypass": {"install"},
		"/no/such/folder": {"install", "/no/such/folder"},
	} {
		code, out, errOut := krmBypass("", args...)
		assert.Equal(t, 1, code)
		assert.Empty(t, out)
		assert.Contains(t, errOut, want)
	}
}
