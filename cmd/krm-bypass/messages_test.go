package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMessages runs what people get wrong and holds what they are told to
// testdata/messages, which is there to be read: a message names file, line, field
// and value, and what to write instead.
//
// In a file of it "== TITLE" begins a case, with its command line after "$ " and its
// files. What comes before the first case is every case's, unless it has its own. A
// file named "spec" is the content of spec.spec in spec.yaml, whose line 5 it begins.
func TestMessages(t *testing.T) {
	subjects, err := filepath.Glob("testdata/messages/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, subjects)
	for _, subject := range subjects {
		text, err := os.ReadFile(subject)
		require.NoError(t, err)
		cases := strings.Split(string(text), "\n== ")
		shared := wrongInput(t, cases[0])
		for i, text := range cases[1:] {
			text = strings.TrimSuffix(text, "\n") + "\n"
			title, _, _ := strings.Cut(text, "\n")
			t.Run(strings.TrimSuffix(filepath.Base(subject), ".txt")+"/"+title, func(t *testing.T) {
				input, said, _ := strings.Cut(text, "-- says --\n")
				says := wrongInput(t, input).over(shared).says(t)
				assert.Equal(t, said, says, "go test ./cmd/krm-bypass -update rewrites it")
				cases[i+1] = input + "-- says --\n" + says
			})
			cases[i+1] = strings.TrimSuffix(cases[i+1], "\n") + "\n"
		}
		if is := strings.Join(cases, "\n== "); *update && is != string(text) {
			require.NoError(t, os.WriteFile(subject, []byte(is), 0o600))
			t.Errorf("%s is rewritten: read what has changed", subject)
		}
	}
}

// wrong is what somebody gets wrong.
type wrong struct {
	command string
	files   map[string]string
}

func wrongInput(t *testing.T, text string) wrong {
	t.Helper()
	w := wrong{files: map[string]string{}}
	at := ""
	for line := range strings.Lines(text) {
		name, begins := strings.CutPrefix(strings.TrimSuffix(line, " --\n"), "-- ")
		command, runs := strings.CutPrefix(line, "$ ")
		switch {
		case begins:
			at = name
			if w.files[at] = ""; at == "spec" {
				at, w.files["spec.yaml"] = "spec.yaml", "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n"
			}
		case at == "" && runs:
			w.command = strings.TrimSpace(command)
		case at != "":
			w.files[at] += line
		}
	}
	delete(w.files, "spec")
	return w
}

func (w wrong) over(shared wrong) wrong {
	if w.command == "" {
		w.command = shared.command
	}
	for name, text := range shared.files {
		if _, own := w.files[name]; !own {
			w.files[name] = text
		}
	}
	return w
}

// says gives what the command tells: its exit code and standard error.
func (w wrong) says(t *testing.T) string {
	t.Helper()
	for name, text := range w.files {
		if unquoted, err := fmt.Sscanf(text, "%q", &text); err == nil && unquoted == 1 { // what no text file may hold
			w.files[name] = text
		}
	}
	dir := folder(t, w.files)
	t.Chdir(dir)
	words := strings.Fields(w.command)
	for ; !strings.HasPrefix(words[0], "krm-bypass"); words = words[1:] {
		name, value, _ := strings.Cut(words[0], "=")
		t.Setenv(name, value)
	}
	args := []string{} // nil is what the test was started with, to cobra
	in := ""
	for i := 1; i < len(words); i++ {
		if words[i] == "<" {
			in = w.files[words[i+1]]
			break
		}
		args = append(args, strings.Trim(words[i], "'"))
	}
	code, _, errOut := krmBypass(in, args...)
	return fmt.Sprintf("exit %d\n%s", code, strings.ReplaceAll(errOut, dir, "DIR"))
}
