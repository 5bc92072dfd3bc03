package object_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

// What stands in a folder beside manifests and is none: kubectl refuses it, and
// nobody meant it as one.
func TestIsForeign(t *testing.T) {
	for name, text := range map[string]string{
		"a JSON Schema":            `{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"apiVersion": {}, "kind": {}}}`,
		"package.json":             `{"name": "a", "version": "1.0.0", "scripts": {"build": "tsc"}}`,
		"values of a chart":        "image: {tag: \"1\"}\nextraObjects:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n",
		"values that say a kind":   "kind: DaemonSet\nimage: {tag: \"1\"}\n",
		"Chart.yaml":               "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
		"a dashboard":              `{"title": "a", "panels": [{"kind": "graph"}]}`,
		"a list of dashboards":     `[{"title": "a"}]`,
		"JSON with comments":       "{\n  // how tsc runs\n  \"compilerOptions\": {\"strict\": true},\n}\n",
		"renovate.json":            `{"$schema": "https://docs.renovatebot.com/renovate-schema.json", "extends": ["config:base"]}`,
		"OpenAPI":                  "openapi: 3.0.0\ninfo: {title: a}\npaths: {}\ncomponents: {schemas: {apiVersion: {}, kind: {}}}\n",
		"a JSON patch":             "- op: add\n  path: /metadata/labels\n  value: {a: b}\n",
		"a text":                   "hello\n",
		"several":                  "a: b\n---\nc: d\n",
		"metadata of its own":      "metadata: {title: a}\nimage: b\n",
		"in a longer line":         `{"apiVersion2": 1, "kinds": []}`,
		"a file of docker compose": "services:\n  web: {image: web}\n",
	} {
		assert.True(t, object.IsForeign([]byte(text)), name)
	}
	for name, text := range map[string]string{
		"nothing":                  "",
		"a comment":                "# nothing\n",
		"an object":                "apiVersion: v1\nkind: Service\n",
		"in JSON":                  `{"kind": "Service", "apiVersion": "v1"}`,
		"a list without a type":    "items:\n- {apiVersion: v1, kind: Service}\n",
		"one among others":         "a: b\n---\napiVersion: v1\nkind: Service\n",
		"behind a key":             "$schema: a\napiVersion: v1\nkind: Service\n",
		"by escapes":               "{\"api\\u0056ersion\": \"v1\", \"\\x6bind\": \"Service\"}",
		"by base64":                "!!binary a2luZA==: Service\napiVersion: v1\n",
		"by a merge key":           "a: &a {kind: Service}\napiVersion: v1\n<<: *a\n",
		"without an apiVersion":    "kind: Deployment\nmetadata: {name: web}\n",
		"without a kind":           "apiVersion: v1\nmetadata: {name: web}\n",
		"without both":             "metadata: {name: web}\nspec: {}\n",
		"misspelt":                 "apiversion: v1\nKind: Service\n",
		"misspelt otherwise":       "apiVerion: v1\nkind: Service\n",
		"unreadable":               "kind: [\n",
		"unreadable, with escapes": "\"\\x6bind\": [\n",
		"a template of a chart":    "{{- include \"common.web\" . }}\n",
	} {
		assert.False(t, object.IsForeign([]byte(text)), name)
	}
}
