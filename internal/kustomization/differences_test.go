package kustomization

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"pgregory.net/rapid"
)

// drawnValue draws what JSON can hold, small and alike, so that two of them have
// much in common.
var drawnValue = rapid.Custom(func(t *rapid.T) any { return drawValue(t, 3) })

func drawValue(t *rapid.T, depth int) any {
	kinds := 3
	if depth == 0 {
		kinds = 1
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 1:
		value := map[string]any{}
		for _, key := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b/c", "d~e"}), 0, 3).Draw(t, "keys") {
			value[key] = drawValue(t, depth-1)
		}
		return value
	case 2:
		value := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "items") {
			value = append(value, drawValue(t, depth-1))
		}
		return value
	}
	return rapid.SampledFrom([]any{"x", "y", 1.0, true, nil}).Draw(t, "scalar")
}

// TestDifferencesLeadFromOneToTheOther has the library with which kustomize
// applies patches judge them.
func TestDifferencesLeadFromOneToTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := map[string]any{"object": drawnValue.Draw(t, "from")}
		to := map[string]any{"object": drawnValue.Draw(t, "to")}
		operations := differences(from, to, "")
		text, err := json.Marshal(operations)
		require.NoError(t, err)
		if len(operations) == 0 {
			require.Equal(t, from, to)
			return
		}
		patch, err := jsonpatch.DecodePatch(text)
		require.NoError(t, err)
		before, err := json.Marshal(from)
		require.NoError(t, err)
		after, err := patch.Apply(before)
		require.NoError(t, err, "%s", text)
		var got any
		require.NoError(t, json.Unmarshal(after, &got))
		require.Equal(t, any(to), got, "%s", text)
	})
}

func TestDifferencesLeaveAloneWhatIsTheSame(t *testing.T) {
	from := map[string]any{"list": []any{"a", "b", "c"}, "stays": map[string]any{"x": 1}}
	to := map[string]any{"list": []any{"new", "a", "b", "c"}, "stays": map[string]any{"x": 1}}
	assert.Equal(t, []operation{{"add", "/list/0", "new"}}, differences(from, to, ""))
	assert.Equal(t, []operation{{Op: "remove", Path: "/list/0"}}, differences(to, from, ""))
}
