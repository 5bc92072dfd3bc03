package revise_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/krm-bypass/krm-bypass/internal/revise"
)

func fieldOf(t require.TestingT, path string) Field {
	fields := Fields("spec.workloads[0]")
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Path == path })
	require.GreaterOrEqual(t, i, 0)
	return fields[i]
}

func TestMerge(t *testing.T) {
	const ports, labels = "excludeOutboundPorts", "match.labelSelector.matchLabels"
	unset, empty := Setting{}, Says()
	says := func(entries string) Setting { return Says(strings.Fields(entries)...) }
	for name, c := range map[string]struct {
		field                     string
		was, mine, theirs, merged Setting
		told                      string
	}{
		"both add":                      {ports, says("1"), says("1 2"), says("1 3"), says("1 3 2"), ""},
		"both add the same":             {ports, says("1"), says("1 2"), says("1 2"), says("1 2"), ""},
		"one adds, one takes away":      {ports, says("1 2"), says("1 2 3"), says("2"), says("2 3"), ""},
		"I take away, they add":         {ports, says("1 2"), says("2"), says("0 1 2"), says("0 2"), ""},
		"both begin a list":             {ports, unset, says("1"), says("2"), says("2 1"), ""},
		"I change the order":            {ports, says("1 2 3"), says("3 1 2"), says("1 2 3 4"), says("3 4 1 2"), ""},
		"they change the order":         {ports, says("1 2 3"), says("1 2 3 4"), says("3 1 2"), says("3 4 1 2"), ""},
		"both change the order":         {ports, says("1 2 3"), says("3 2 1"), says("2 1 3"), says("2 1 3"), "the order is that of the file, and not yours"},
		"only they change it":           {ports, says("1"), says("1"), says("2"), says("2"), ""},
		"only I change it":              {ports, says("1"), says("2"), says("1"), says("2"), ""},
		"both change one to another":    {ports, says("1 2"), says("3 2"), says("4 2"), says("4 3 2"), "in the place of 1 the file has 4 now, and you have 3: all of that stays"},
		"nothing is left":               {ports, says("1 2"), says("1"), says("2"), empty, "nothing is left of the list: it is none now"},
		"I choose none":                 {ports, says("1"), empty, says("1 2"), empty, "the file has 2 now, which goes: you chose none"},
		"I choose not set":              {ports, says("1"), unset, says("1 2 3"), unset, "the file has 2, 3 now, which goes: you chose not set"},
		"I choose none of less":         {ports, says("1 2"), empty, says("1"), empty, ""},
		"they choose none":              {ports, says("1"), says("1 2"), empty, says("2"), "in the file it is none now, and what you added takes its place: 2"},
		"they choose none, I less":      {ports, says("1 2"), says("1"), empty, empty, ""},
		"none and not set":              {ports, says("1"), unset, empty, unset, "in the file it is none now, and yours takes its place: not set"},
		"all beside some":               {"includeInboundPorts", says("1"), says("*"), says("1 2"), says("*"), "the file has 2 now, which goes: it cannot stand beside what you have"},
		"all of theirs":                 {"includeInboundPorts", says("1"), says("1 2"), says("*"), says("2"), "the file has * now, which goes: it cannot stand beside what you have"},
		"labels":                        {labels, says("app=web"), says("app=web a=b"), says("app=web c=d"), says("app=web c=d a=b"), ""},
		"a label with two values":       {labels, says("app=web"), says("app=shop"), says("app=cart c=d"), says("c=d app=shop"), "the file has app=cart now, which goes: it cannot stand beside what you have"},
		"pairs, otherwise typed":        {"excludeOutbound", unset, Says("10.0.0.0/8@443,"), Says("10.0.0.0/8@443"), Says("10.0.0.0/8@443"), ""},
		"a reason":                      {"reason", Says("a"), Says("b"), Says("c"), Says("b"), `in the file it is "c" now, and yours takes its place: "b"`},
		"a reason that I take away":     {"reason", Says("a"), unset, Says("c"), unset, `in the file it is "c" now, and yours takes its place: not set`},
		"a reason that they take away":  {"reason", Says("a"), Says("b"), unset, Says("b"), `in the file it is not set now, and yours takes its place: "b"`},
		"an entry that cannot be typed": {"excludeOutbound", unset, Says("x"), Says("10.0.0.0/8@443"), Says("10.0.0.0/8@443", "x"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			merged, told := fieldOf(t, c.field).Merge(c.was, c.mine, c.theirs)
			assert.Equal(t, c.merged, merged)
			assert.Equal(t, c.told, told)
		})
	}
}

// Nothing that either came to goes without a word.
func TestMergeLosesNothingSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := fieldOf(t, rapid.SampledFrom([]string{"excludeOutboundPorts", "includeInboundPorts", "match.labelSelector.matchLabels"}).Draw(t, "field"))
		entry := rapid.SampledFrom([]string{"1", "2", "3", "4", "*"})
		if strings.HasPrefix(field.Path, "match") {
			entry = rapid.SampledFrom([]string{"a=1", "a=2", "b=1", "c=1"})
		}
		setting := rapid.Custom(func(t *rapid.T) Setting {
			if rapid.IntRange(0, 5).Draw(t, "unset") == 0 {
				return Setting{}
			}
			entries := rapid.SliceOfNDistinct(entry, 0, 4, rapid.ID).Draw(t, "entries")
			if slices.Contains(entries, "*") {
				entries = []string{"*"}
			}
			return Says(entries...)
		})
		was, mine, theirs := setting.Draw(t, "was"), setting.Draw(t, "mine"), setting.Draw(t, "theirs")
		merged, told := field.Merge(was, mine, theirs)
		for side, one := range map[string]Setting{"mine": mine, "theirs": theirs} {
			for _, e := range one.Entries {
				if !slices.Contains(was.Entries, e) && !slices.Contains(merged.Entries, e) {
					require.NotEmpty(t, told, "%s: %s", side, e)
				}
			}
		}
		for _, e := range was.Entries {
			if slices.Contains(mine.Entries, e) && slices.Contains(theirs.Entries, e) && !slices.Contains(merged.Entries, e) {
				require.NotEmpty(t, told, e)
			}
		}
	})
}
