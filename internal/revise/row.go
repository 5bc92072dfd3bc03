package revise

import (
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Row is a rule of a spec, or an accepted finding, as it is written.
type Row struct {
	// Path is its field path, such as spec.workloads[0]; Line that in the file.
	Path string
	Line int
	// Name is what reports call it, and Suspended says that it is switched off.
	Name      string
	Suspended bool
	// Rule has the fields that are set.
	Rule Rule
}

// Rows gives what stands in a file with one ClusterBypass: spec.meshDefaults, spec.global,
// the rules of spec.namespaces and spec.workloads, then spec.lint.accept. The error is what
// is wrong with the spec, as spec.Problems where it could be read; the rows that could be
// read are there all the same.
func Rows(f yamltext.File) ([]Row, error) {
	t, err := read(f)
	if err != nil {
		return nil, err
	}
	var rows []Row
	add := func(steps edit.Path) {
		at := t.says().At(steps...)
		if !at.Exists() {
			return
		}
		row := Row{Path: steps.String(), Line: t.Line + t.lineOf(steps) - 1, Rule: Rule{}}
		for _, f := range Fields(row.Path) {
			if s := f.setting(at); s.State != Unset {
				row.Rule[f.Path] = s
			}
		}
		row.Name, row.Suspended = row.Rule.one("name"), row.Rule.one("suspend") == "true"
		rows = append(rows, row)
	}
	add(edit.Path{"spec", "meshDefaults"})
	add(edit.Path{"spec", "global"})
	for _, list := range []edit.Path{{"spec", "namespaces"}, {"spec", "workloads"}, {"spec", "lint", "accept"}} {
		for i := range t.says().At(list...).Items() {
			add(append(list[:len(list):len(list)], i))
		}
	}
	_, err = spec.Source{Node: t.Nodes, File: f.Path, Line: t.Line}.Read(spec.Given{})
	return rows, err //nolint:wrapcheck // the problems name the file
}

// lineOf gives the line of the text on which a value begins, which is that of its key.
func (t *text) lineOf(steps edit.Path) int {
	key, _ := steps[len(steps)-1].(string)
	for e := range t.says().At(steps[:len(steps)-1]...).Entries() {
		if e.Key == key {
			return max(e.Line, 1)
		}
	}
	return max(t.says().At(steps...).Line(), 1)
}

// one gives the value of a field with a single one, "" for none.
func (r Rule) one(path string) string {
	if s := r[path]; len(s.Entries) == 1 {
		return s.Entries[0]
	}
	return ""
}
