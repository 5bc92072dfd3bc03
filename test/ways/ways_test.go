package ways

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata/expected.yaml from krm-bypass render, and fail")

// row is a way of running, as docs/running.md lists it.
type row struct{ way, command, judge string }

// rows reads the table of the page: the way, its command, and what judges it.
func rows(t *testing.T) []row {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(Repository(), "docs/running.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "| way | command | tested by |\n|---|---|---|\n")
	require.True(t, found, "docs/running.md has the table")
	var all []row
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.ReplaceAll(strings.Trim(strings.TrimSpace(line), "|"), `\|`, "\x00"), "|")
		require.Len(t, cells, 3, line)
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "\x00", "|")
		}
		all = append(all, row{cells[0], strings.Trim(cells[1], "`"), cells[2]})
	}
	return all
}

var elsewhere = regexp.MustCompile("`(?:make (test-[a-z]+)|(test/[a-z]+))`")

// TestEveryWayMakesTheSameOfTheTree runs the commands of the table from the top
// of the repository, with what make build and make tools leave in PATH. Where a
// row names a make target or another package, its tests call Compare: it has to
// be one that hack/test.sh runs too.
//
// Helm's commands are a test of their own, since building Helm takes minutes.
func TestEveryWayMakesTheSameOfTheTree(t *testing.T) {
	everyWay(t, 5, func(r row) bool { return !strings.Contains(r.command, "helm ") })
}

// TestHelmMakesTheSameOfTheTree runs the rows that need Helm.
func TestHelmMakesTheSameOfTheTree(t *testing.T) {
	everyWay(t, 2, func(r row) bool { return strings.Contains(r.command, "helm ") })
}

func everyWay(t *testing.T, atLeast int, wanted func(row) bool) {
	repository := Repository()
	stages, err := os.ReadFile(filepath.Join(repository, "hack/test.sh"))
	require.NoError(t, err)
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/krm-bypass")
	build.Dir = repository
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	t.Setenv("PATH", strings.Join([]string{bin, filepath.Join(repository, ".cache/bin"), os.Getenv("PATH")}, string(os.PathListSeparator)))

	ran := 0
	for _, r := range rows(t) {
		if !wanted(r) {
			continue
		}
		t.Run(r.way, func(t *testing.T) {
			if named := elsewhere.FindStringSubmatch(r.judge); named != nil {
				folder := named[2]
				if named[1] != "" {
					folder = strings.Replace(named[1], "-", "/", 1)
				}
				assert.Regexp(t, `[./ ]`+folder+`[/ ]`, string(stages), "a stage runs it")
				assert.True(t, calls(t, filepath.Join(repository, folder)), "%s has to call ways.Compare", folder)
				return
			}
			ran++
			scratch := t.TempDir()
			command := exec.Command("sh", "-ec", r.command)
			command.Dir = repository
			command.Env = append(os.Environ(), "SCRATCH="+scratch)
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			require.NoError(t, command.Run(), "%s\n%s", r.command, stderr.String())
			assert.Empty(t, stderr.String())
			golden := filepath.Join("testdata", "expected.yaml")
			if *update && r.command == "krm-bypass render "+Example {
				require.NoError(t, os.WriteFile(golden, stdout.Bytes(), 0o644))
				t.Fatalf("%s is rewritten: read the difference, then run without -update", golden)
			}
			Compare(t, stdout.Bytes())
		})
	}
	assert.GreaterOrEqual(t, ran, atLeast)
}

// calls reports whether a test below a folder asks for the verdict.
func calls(t *testing.T, folder string) bool {
	t.Helper()
	found := false
	require.NoError(t, filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		found = found || bytes.Contains(text, []byte("ways.Compare("))
		return err
	}))
	return found
}
