package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// TestSilence tries each row of testdata/silence.txt, where something was meant and
// nothing would happen, with every command, and holds the table in docs/silence.md to
// what they say.
//
// A row has the form of a case of TestMessages. A line "? TEXT" is what explain prints
// about it, or the function as an info. "% no spec.yaml" leaves the
// spec to the manifests. A line "! COMMANDS: REASON" says why commands say nothing: without a reason a command that is silent fails the test, and so does a reason
// for one that is not.
func TestSilence(t *testing.T) {
	const page = "../../docs/silence.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	rows, err := os.ReadFile("testdata/silence.txt")
	require.NoError(t, err)
	cases := strings.Split(string(rows), "\n== ")
	shared := wrongInput(t, cases[0])
	var table, notes strings.Builder
	fmt.Fprintf(&table, "| what was meant to work, or seems to | %s |\n|%s\n", strings.Join(silentCommands, " | "), strings.Repeat("---|", len(silentCommands)+1))
	var reasons []string
	for _, text := range cases[1:] {
		title, _, _ := strings.Cut(text, "\n")
		fmt.Fprintf(&table, "| %s |", title)
		t.Run(title, func(t *testing.T) {
			row := silentRow(wrongInput(t, text), shared, text)
			for _, command := range silentCommands {
				cell, why := row.say(t, command), row.reasons[command]
				switch {
				case cell == "" && why == "":
					t.Errorf("%s says nothing, and nothing says why", command)
				case cell != "" && why != "":
					t.Errorf("%s says %q, so no reason is needed why it would not", command, cell)
				case cell == "":
					if !slices.Contains(reasons, why) {
						reasons = append(reasons, why)
					}
					cell = fmt.Sprintf("nothing (%d)", slices.Index(reasons, why)+1)
				}
				fmt.Fprintf(&table, " %s |", cell)
			}
		})
		table.WriteString("\n")
	}
	for i, why := range reasons {
		fmt.Fprintf(&notes, "%d. %s\n", i+1, why)
	}
	head, rest, found := strings.Cut(string(text), "<!-- generated: silence -->\n")
	require.True(t, found)
	_, tail, found := strings.Cut(rest, "<!-- end -->\n")
	require.True(t, found)
	is := head + "<!-- generated: silence -->\n" + table.String() + "\n" + notes.String() + "<!-- end -->\n" + tail
	if *update && is != string(text) {
		require.NoError(t, os.WriteFile(page, []byte(is), 0o600))
	}
	assert.Equal(t, string(text), is, "go test ./cmd/krm-bypass -update rewrites docs/silence.md")
}

var silentCommands = []string{"render", "function", "check", "lint", "explain", "import"}

type silent struct {
	wrong
	// told is what is looked for in reports, nil for nothing.
	told    *regexp.Regexp
	reasons map[string]string
}

func silentRow(w, shared wrong, text string) silent {
	row := silent{wrong: w, reasons: map[string]string{}}
	if !strings.Contains(text, "\n% no spec.yaml\n") { // it is among the manifests
		row.wrong = w.over(shared)
	}
	for line := range strings.Lines(text) {
		if told, is := strings.CutPrefix(line, "? "); is {
			row.told = regexp.MustCompile(strings.TrimSpace(told))
		}
		if commands, is := strings.CutPrefix(line, "! "); is {
			commands, why, _ := strings.Cut(commands, ": ")
			for command := range strings.SplitSeq(commands, ", ") {
				row.reasons[command] = strings.TrimSpace(why)
			}
		}
		if strings.HasPrefix(line, "-- ") {
			break
		}
	}
	return row
}

// say gives what a command says of the row, "" for nothing.
func (s silent) say(t *testing.T, command string) string {
	t.Helper()
	t.Chdir(folder(t, s.files))
	if _, built := s.files["app/kustomization.yaml"]; built && command == "function" {
		return ""
	}
	in, args := "", []string{command, "app", "--spec", "spec.yaml"}
	if _, own := s.files["spec.yaml"]; !own {
		args = args[:2]
	}
	switch command {
	case "function":
		in, args = s.resourceList(), []string{}
	case "check", "lint":
		args = append(args, "-o", "json")
	case "import":
		args = args[:2]
	}
	code, out, errOut := krmBypass(in, args...)
	var report struct {
		Subjects []struct {
			Findings []struct{ Rule, Severity string }
		}
	}
	var all []string
	add := func(severity, id string) {
		if id != "" {
			severity += " `" + id + "`"
		}
		if !slices.Contains(all, severity) {
			all = append(all, severity)
		}
	}
	switch told := s.told != nil && s.told.MatchString(out); {
	case command == "check" || command == "lint":
		if code == 2 && out == "" {
			return "error"
		}
		require.NoError(t, json.Unmarshal([]byte(out), &report), "%s%s", out, errOut)
		for _, subject := range report.Subjects {
			for _, f := range subject.Findings {
				if _, kind := finding.ByID(f.Rule); kind {
					add(f.Severity, f.Rule)
				} else if !slices.Contains(ordinary, f.Rule) {
					add(f.Severity, "")
				}
			}
		}
		_, text, _ := krmBypass(in, args[:len(args)-2]...)
		switch {
		case told && command == "check":
			add("error", "")
		case s.told != nil && s.told.MatchString(text):
			add("report", "")
		}
	case told && command == "function":
		add("info", "")
	case told:
		add("report", "")
	}
	for line := range strings.Lines(errOut) {
		severity, _, found := strings.Cut(line, ": ")
		if strings.Contains(line, "nothing to import") {
			continue
		}
		if id := inBrackets.FindStringSubmatch(line); found && id != nil {
			add(severity, id[1])
		} else if found && (severity == "error" || severity == "warning") {
			add(severity, "")
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// ordinary are what check finds in every manifest before the function ran.
var ordinary = []string{"missing", "stale", "foreign"}

var inBrackets = regexp.MustCompile(`\[([a-z-]+)\]\n$`)

// resourceList gives what kustomize sends to the function.
func (s silent) resourceList() string {
	var items strings.Builder
	indented := func(text string) string {
		return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
	}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range s.files {
			if !yield(name) {
				return
			}
		}
	}) {
		if path.Dir(name) == "app" {
			for _, d := range object.Documents([]byte(s.files[name])) {
				items.WriteString("- " + indented(strings.TrimPrefix(string(d.Text), "---\n")))
			}
		}
	}
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n" + items.String()
	if spec, given := s.files["spec.yaml"]; given {
		list += "functionConfig:\n  " + indented(spec)
	}
	return list
}
