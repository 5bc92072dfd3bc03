package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsGeneratedIsThatOfTheTypes(t *testing.T) {
	top, err := schemaOf("../../../api/v1alpha1")
	require.NoError(t, err)
	text, err := top.text()
	require.NoError(t, err)
	for path, want := range map[string]string{"../schema.json": string(text), "../../../docs/spec.md": Page(top)} {
		have, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(have), "go generate ./internal/spec rewrites %s", path)
	}
}

// TestASentenceSaysWhatAValueMayBe has each form once, as a reader would write it.
func TestASentenceSaysWhatAValueMayBe(t *testing.T) {
	one, most := 1, 65535
	number, text := &schema{Type: "integer", Minimum: &one, Maximum: &most}, &schema{Type: "string"}
	for want, s := range map[string]*schema{
		"a string":                                       text,
		"a string or a number":                           {Type: []string{"string", "number"}},
		"an integer from 1 to 65535 or a string":         {AnyOf: []*schema{number, text, {Type: "string"}}},
		"`\"*\"`, `[\"*\"]`, or a list of [Port](#port)": {AnyOf: []*schema{{Constant: "*"}, {Items: &schema{Constant: "*"}}, {Items: &schema{Reference: "#/$defs/Port"}}}},
	} {
		assert.Equal(t, want, oneOf(s))
	}
}
