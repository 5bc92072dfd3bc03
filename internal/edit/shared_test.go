package edit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// What is kept of one document must say nothing in another one, whatever is done to the
// value there.
func TestWhatEditsShareIsAsIfEachWereMadeAnew(t *testing.T) {
	container := node.Map(node.Str("name"), node.Str("init"), node.Str("args"), node.Seq(node.Str("-a"), node.Str("7001,7002")))
	share := []Edit{
		{Op: Set, Path: Path{"metadata", "annotations", "ports"}, Value: node.Str("7001,7002")},
		{Op: Set, Path: Path{"metadata", "annotations", "record"}, Value: node.Str(`{"v":2}`)},
		{Op: Insert, Path: Path{"spec", "initContainers", 0}, Value: container},
	}
	then := [][]Edit{
		nil,
		{{Op: Set, Path: Path{"spec", "initContainers", 0, "name"}, Value: node.Str("other")}},
		{{Op: Insert, Path: Path{"spec", "initContainers", 0, "args", 1}, Value: node.Str("-b")}},
		{{Op: Remove, Path: Path{"spec", "initContainers", 0, "args", 0}}},
		{{Op: Set, Path: Path{"metadata", "annotations", "ports"}, Value: node.Str("7003")}, {Op: Remove, Path: Path{"metadata", "annotations", "record"}}},
		{{Op: Restore, Path: Path{"metadata", "annotations", "ports"}, Source: "'1'"}},
		{{Op: Remove, Path: Path{"spec", "initContainers", 0}}, share[2]},
	}
	documents := []string{
		"metadata:\n  name: a\nspec:\n  containers:\n  - name: app\n",
		"metadata:\n  annotations:\n    a: b\nspec:\n    initContainers:\n      - name: first\n    containers:\n      - name: app\n",
		"metadata:\n  annotations:\n    \"a\": \"b\"\nspec:\n  initContainers: []\n",
		"metadata:\r\n  annotations:\r\n    'a': 'b'\r\nspec:\r\n  x:\r\n    -   y: z\r\n",
		"metadata: {annotations: {ports: 'x'}}\nspec: {initContainers: [{name: first}]}\n",
		`{"metadata":{"name":"a"},"spec":{"x":[1]}}` + "\n",
		"metadata: {}\nspec: {\n    x: y\n}\n",
		"metadata:\n  annotations:\n    ports: 1\nspec:\n  initContainers:\n",
	}
	shared := make([]Edit, len(share))
	for i, e := range share {
		shared[i] = e
		shared[i].Shared = &Shared{}
	}
	for range 2 {
		for _, document := range documents {
			for _, more := range then {
				want, wantErr := Text([]byte(document), append(share[:len(share):len(share)], more...))
				is, err := Text([]byte(document), append(shared[:len(shared):len(shared)], more...))
				assert.Equal(t, wantErr, err, document)
				assert.Equal(t, string(want), string(is), document)
			}
		}
	}
	assert.Equal(t, "init", node.Of(container).Entry("name").Text())
	// Nodes that a caller holds have nothing in common.
	a, b := parsed(t, []byte(documents[0])), parsed(t, []byte(documents[0]))
	require.NoError(t, Nodes(a, shared))
	require.NoError(t, Nodes(b, shared))
	assert.NotSame(t, node.Of(a).At("spec", "initContainers", 0).Node(), node.Of(b).At("spec", "initContainers", 0).Node())
}
