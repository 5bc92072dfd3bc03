package licences

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite docs/licences.md, and fail")

const (
	root = "../.."
	page = root + "/docs/licences.md"
)

// programs are what is shipped, for the platforms of the images and of make dist.
var (
	programs  = []string{"cmd/krm-bypass", "cmd/krm-bypass-fn", "images/init"}
	platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}
)

// shippable are licences under which a program may hold the module, whatever
// licence the program itself is under, as long as their texts go with it.
var shippable = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// module is a Go module that is linked into programs.
type module struct {
	Path, Version, Dir string
	Main               bool
	licences, in       []string
}

func TestLicences(t *testing.T) {
	modules := linked(t)
	require.NotEmpty(t, modules)
	for _, m := range modules {
		for _, l := range m.licences {
			assert.Contains(t, shippable, l, "the licence of %s", m.Path)
		}
	}
	want := pageOf(modules)
	got, err := os.ReadFile(page)
	if err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	if *update && want != string(got) {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		t.Fatal("docs/licences.md was rewritten: read the difference")
	}
	assert.Equal(t, want, string(got), "make licences rewrites docs/licences.md")
}

// linked gives the modules in the programs, by path.
func linked(t *testing.T) []*module {
	t.Helper()
	found := map[string]*module{}
	for _, program := range programs {
		for _, platform := range platforms {
			system, arch, _ := strings.Cut(platform, "/")
			if program == "images/init" && system != "linux" {
				continue
			}
			cmd := exec.Command("go", "list", "-deps", "-json=Module", "./"+program)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0", "GOWORK=off")
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			require.NoError(t, err)
			decoder := json.NewDecoder(strings.NewReader(string(out)))
			for {
				var dependency struct{ Module *module }
				err := decoder.Decode(&dependency)
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				m := dependency.Module
				if m == nil || m.Main {
					continue // of the standard library, or ours
				}
				if known := found[m.Path]; known != nil {
					m = known
				} else {
					m.licences = licencesOf(t, m)
					found[m.Path] = m
				}
				if name := nameOf(program); !slices.Contains(m.in, name) {
					m.in = append(m.in, name)
				}
			}
		}
	}
	var modules []*module
	for _, path := range slices.Sorted(maps.Keys(found)) {
		modules = append(modules, found[path])
	}
	return modules
}

func nameOf(program string) string {
	if program == "images/init" {
		return "krm-bypass-init"
	}
	return filepath.Base(program)
}

// licenceFile is what projects call the file; LICENSE.docs is of a
// documentation, which is not linked in.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)([-.](md|txt|code|apache|mit|bsd).*)?$`)

// licencesOf reads the licences of a module. A module inside another's
// repository may leave the file to that one: then it is the module's zip that
// has a copy of it (golang.org/ref/mod#vcs-license).
func licencesOf(t *testing.T, m *module) []string {
	t.Helper()
	entries, err := os.ReadDir(m.Dir)
	require.NoError(t, err)
	var found []string
	for _, entry := range entries {
		if !licenceFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, entry.Name()))
		require.NoError(t, err)
		for _, match := range licensecheck.Scan(text).Match {
			if !match.IsURL && !slices.Contains(found, match.ID) {
				found = append(found, match.ID)
			}
		}
	}
	require.NotEmpty(t, found, "%s has no licence that is known: read it, and leave the module out where it does not allow shipping", m.Path)
	slices.Sort(found)
	return found
}

func pageOf(modules []*module) string {
	var b strings.Builder
	b.WriteString(`# Licences of what is linked in

The Go modules in the programs, as ` + "`go list -deps`" + ` gives them for Linux,
macOS and Windows on amd64 and arm64, and the licences in their folders. Go's own
standard library, which is in every program, is under BSD-3-Clause.

    make licences

writes this page; the tests hold it to go.mod, and refuse a module under a licence
that is not one of ` + strings.Join(shippable, ", ") + `.

| module | version | licence | linked into |
|---|---|---|---|
`)
	for _, m := range modules {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.Path, m.Version, strings.Join(m.licences, ", "), strings.Join(m.in, ", "))
	}
	return b.String()
}
