package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	want, err := Generate("../../../api/v1alpha1/types.go")
	require.NoError(t, err)
	have, err := os.ReadFile("../schema.json")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(have), "go generate ./internal/spec rewrites schema.json")
}
