package revise_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"

	. "github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// specs are the files of this repository in which there is a ClusterBypass that can be
// read, and each once more as JSON and with other line ends.
var specs = sync.OnceValue(func() (all []yamltext.File) {
	for _, root := range []string{"testdata", "../../testdata", "../../examples", "../../cmd/krm-bypass/testdata"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(text, []byte("ClusterBypass")) || len(text) > 1<<16 {
				return err
			}
			all = append(all, yamltext.File{Path: path, Text: text})
			if converted, err := sigsyaml.YAMLToJSON(text); err == nil && len(all)%4 == 0 {
				all = append(all, yamltext.File{Path: path + " in JSON", Text: converted})
			}
			if !bytes.Contains(text, []byte("\r")) && len(all)%4 == 1 {
				all = append(all, yamltext.File{Path: path + " with CRLF", Text: bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))})
			}
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	return slices.DeleteFunc(all, func(f yamltext.File) bool {
		rows, _ := Rows(f)
		return len(rows) == 0
	})
})

func TestWhatIsShownAndPutBackChangesNothing(t *testing.T) {
	require.Greater(t, len(specs()), 300)
	for _, f := range specs() {
		rows, _ := Rows(f)
		for _, row := range rows {
			all := Rule{}
			for _, field := range Fields(row.Path) {
				all[field.Path] = row.Rule[field.Path] // those that are not set too
			}
			got, err := Apply(f, Put{row.Path, all})
			if assert.NoError(t, err, f.Path) {
				assert.Equal(t, string(f.Text), string(got), "%s %s", f.Path, row.Path)
			}
		}
	}
}

// drawSetting draws what a field may say.
func drawSetting(t *rapid.T, f Field, was Setting) Setting {
	entry := rapid.SampledFrom([]string{"3306", "443", "9000-9010", "53/UDP", "10.0.0.0/8", "fd00::/8", "http-metrics", "*", "a: b", "yes", "0x10", "08", "null", "# x", "it's", `say "so"`, "~", "-", "1e3", "2027-01-31"})
	if f.Flag {
		entry = rapid.SampledFrom([]string{"true", "false", "maybe"})
	}
	of := func() string { return entry.Draw(t, "entry") }
	if !f.List {
		return rapid.SampledFrom([]Setting{{}, Says(of()), Says(of() + "\nand " + of())}).Draw(t, "value")
	}
	switch {
	case strings.HasSuffix(f.Path, "excludeOutbound"):
		single := of
		of = func() string { return single() + "@" + single() }
	case strings.HasSuffix(f.Path, "matchLabels"):
		return rapid.SampledFrom([]Setting{{}, {State: None}, Says("app=" + of()), Says("app="+of(), "a.b/c="+of())}).Draw(t, "labels")
	case strings.HasSuffix(f.Path, "matchExpressions"):
		of = func() string {
			return rapid.SampledFrom([]string{"tier In web,api", "old DoesNotExist", "tier NotIn x"}).Draw(t, "requirement")
		}
	}
	entries := slices.Clone(was.Entries)
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		switch i := rapid.IntRange(0, len(entries)).Draw(t, "place"); rapid.IntRange(0, 3).Draw(t, "how") {
		case 0, 1:
			entries = slices.Insert(entries, i, of())
		case 2:
			if i < len(entries) {
				entries[i] = of()
			}
		default:
			if i < len(entries) {
				entries = slices.Delete(entries, i, i+1)
			}
		}
	}
	return rapid.SampledFrom([]Setting{{}, {State: None}, Says(entries...), Says(entries...), Says(entries...)}).Draw(t, "setting")
}

// within makes sure that a change stays in the lines of its rule.
func within(t require.TestingT, was, is string, rows []Row, row Row) {
	x, y := strings.SplitAfter(was, "\n"), strings.SplitAfter(is, "\n")
	before, after := 0, 0
	for before < min(len(x), len(y)) && x[before] == y[before] {
		before++
	}
	for after < min(len(x), len(y))-before && x[len(x)-1-after] == y[len(y)-1-after] {
		after++
	}
	next := len(x) + 1
	for _, r := range rows {
		if r.Line > row.Line {
			next = min(next, r.Line)
		}
		if r.Line == row.Line && r.Path != row.Path {
			return // on one line
		}
	}
	require.True(t, was == is || before >= row.Line-1 && len(x)-after < next, "%s\n%s", was, is)
}

func TestPuttingBackWhatWasThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(specs()).Draw(t, "file")
		rows, mistaken := Rows(f)
		row := rapid.SampledFrom(rows).Draw(t, "row")
		field := rapid.SampledFrom(Fields(row.Path)).Draw(t, "field")
		was := row.Rule[field.Path]
		want := drawSetting(t, field, was)
		got, err := Apply(f, Put{row.Path, Rule{field.Path: want}})
		if refusable(f, err) {
			return
		}
		require.NoError(t, err, "%s %s.%s %v\n%s", f.Path, row.Path, field.Path, want, f.Text)
		then := yamltext.File{Path: f.Path, Text: got}
		require.Equal(t, json.Valid(f.Text), json.Valid(got), "%s", got)
		after, _ := Rows(then)
		require.Len(t, after, len(rows))
		back := Setting{}
		for i, r := range after {
			if r.Path != row.Path {
				require.Equal(t, rows[i].Rule, r.Rule)
				continue
			}
			back = r.Rule[field.Path]
			require.Equal(t, want.State, back.State)
			others := Rule{}
			for path, s := range r.Rule {
				if path != field.Path {
					others[path] = s
				}
			}
			for path, s := range rows[i].Rule {
				if path != field.Path {
					require.Equal(t, s, others[path], path)
				}
			}
		}
		within(t, string(f.Text), string(got), rows, row)
		again, err := Apply(then, Put{row.Path, Rule{field.Path: was}})
		require.NoError(t, err, "%s", got)
		restored, _ := Rows(yamltext.File{Path: f.Path, Text: again})
		for i := range restored {
			require.Equal(t, rows[i].Rule, restored[i].Rule, "%s\n%s", f.Text, again)
		}
		if was.State == Unset && mistaken == nil {
			require.Equal(t, string(f.Text), string(again), "%s %s", f.Path, got)
		}
	})
}

// refusable reports whether a change may be refused: values are shared, the text ends where
// nothing can be added, or what stands there is no spec.
func refusable(f yamltext.File, err error) bool {
	return err != nil && (bytes.Contains(f.Text, []byte(": *")) || strings.Contains(f.Path, "refused") || strings.Contains(f.Path, "no-line-break")) &&
		regexp.MustCompile(`write |by hand|end the document with a line break|remove one of them|not a (list|mapping)`).MatchString(err.Error())
}

func TestMovingThereAndBack(t *testing.T) {
	moved := 0
	for _, f := range specs() {
		rows, _ := Rows(f)
		for _, row := range rows {
			there, err := Apply(f, Move{row.Path, 1})
			if err != nil {
				assert.True(t, refusable(f, err) || strings.Contains(err.Error(), "there is no place"), "%v", err)
				continue
			}
			moved++
			next, _ := Rows(yamltext.File{Path: f.Path, Text: there})
			for i := range rows {
				if rows[i].Path == row.Path {
					assert.Equal(t, rows[i].Rule, next[i+1].Rule)
					back, err := Apply(yamltext.File{Path: f.Path, Text: there}, Move{next[i+1].Path, -1})
					require.NoError(t, err)
					assert.Equal(t, string(f.Text), string(back))
				}
			}
		}
	}
	assert.Greater(t, moved, 50)
}

func TestAddingAndTakingAway(t *testing.T) {
	for _, f := range specs() {
		rows, _ := Rows(f)
		for _, list := range []string{"spec.namespaces", "spec.workloads"} {
			there := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !strings.HasPrefix(r.Path, list) })
			rule := Rule{"match.names": Says("drawn"), "excludeOutboundPorts": Says("3306"), "excludeOutbound": Says("10.0.0.0/8@443"), "reason": Says("a: b")}
			for at := range len(there) + 1 {
				added, err := Apply(f, Add{list, at, rule})
				if refusable(f, err) {
					continue
				}
				require.NoError(t, err, "%s", f.Text)
				then := yamltext.File{Path: f.Path, Text: added}
				all, _ := Rows(then)
				require.Len(t, all, len(rows)+1)
				i := slices.IndexFunc(all, func(r Row) bool { return r.Rule["reason"].State == Listed && r.Rule["reason"].Entries[0] == "a: b" })
				assert.Equal(t, rule, all[i].Rule)
				// Comments above stay with the rule that they were about, or nobody can tell.
				back, err := Apply(then, Remove{all[i].Path})
				require.NoError(t, err)
				if len(there) > 0 || !bytes.Contains(f.Text, []byte(list[len("spec."):]+":")) {
					assert.Equal(t, string(f.Text), string(back), "%s\n%s", f.Path, added)
				}
			}
		}
	}
}
