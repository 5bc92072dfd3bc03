package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsGeneratedIsThatOfTheTypes(t *testing.T) {
	top, err := schemaOf("../../../api/v1alpha1/types.go")
	require.NoError(t, err)
	text, err := top.text()
	require.NoError(t, err)
	for path, want := range map[string]string{"../schema.json": string(text), "../../../docs/spec.md": Page(top)} {
		have, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(have), "go generate ./internal/spec rewrites %s", path)
	}
}
