package inventory_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

var update = flag.Bool("update", false, "rewrite what the trees of testdata/import come to, and fail")

// had is what somebody read off a tree: what holds in the pods of each workload.
type had struct {
	Mesh string
	// Kustomization is the folder that is built, "" for files.
	Kustomization string
	// Configured is what the mesh itself is configured to, for all pods and for those of
	// namespaces.
	Configured fields
	Namespaces map[string]fields
	Workloads  map[string]fields
	// Without are workloads in which nothing is intercepted.
	Without []string
}

// fields are settings by the names of a spec.
type fields map[traffic.Field][]string

func (f fields) settings(t *testing.T) traffic.Settings {
	var layer traffic.Layer
	for field, entries := range f {
		require.NoError(t, layer.Set(field, entries))
	}
	return layer.Settings()
}

// aspectOf are the fields by the names of a rulebook.
var aspectOf = map[traffic.Field]string{
	traffic.ExcludeInboundPorts: exIn, traffic.IncludeInboundPorts: inIn, traffic.ExcludeOutboundPorts: exOut,
	traffic.IncludeOutboundPorts: inOut, traffic.ExcludeOutboundIPRanges: exRange, traffic.IncludeOutboundIPRanges: inRange,
}

func (f fields) aspects() map[string]string {
	said := map[string]string{}
	for field, entries := range f {
		said[aspectOf[field]] = strings.Join(entries, ",")
	}
	return said
}

// tried are connections that settings of a tree can tell apart, and their neighbours.
func (h had) tried() (ports []int, addresses []string) {
	ports, addresses = []int{80, 443}, []string{"10.1.2.3", "10.96.0.10", "192.0.2.1"}
	for _, f := range append([]fields{h.Configured}, mapped(h.Workloads)...) {
		for _, entry := range slices.Concat(mapped(f)...) {
			var first, last int
			if prefix, err := netip.ParsePrefix(entry); err == nil {
				addresses = append(addresses, prefix.Addr().String(), prefix.Masked().Addr().Prev().String())
			} else if n, _ := fmt.Sscanf(entry, "%d-%d", &first, &last); n > 0 {
				ports = append(ports, first-1, first, max(first, last), max(first, last)+1)
			}
		}
	}
	slices.Sort(ports)
	slices.Sort(addresses)
	return slices.Compact(ports), slices.Compact(addresses)
}

func mapped[K comparable, V any](m map[K]V) (values []V) {
	for _, v := range m {
		values = append(values, v)
	}
	return values
}

// TestTrees imports trees that are shaped like those of teams. Of each, spec.yaml is what
// is imported and said.txt what is not, and why. What holds in the pods of every workload
// is what had.yaml says, before by the mesh's own rules and after by these and ours.
func TestTrees(t *testing.T) {
	trees, err := filepath.Abs("../../testdata/import")
	require.NoError(t, err)
	folders, err := filepath.Glob(filepath.Join(trees, "*"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(folders), 7)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder, "had.yaml"))
			require.NoError(t, err)
			var had had
			require.NoError(t, yaml.Unmarshal(text, &had))

			files, made := inputOf(t, folder, had.Kustomization)
			found, err := inventory.TakeMade(files, made, "", nil)
			require.NoError(t, err)
			require.Equal(t, had.Mesh, found.Mesh.Name)
			rewritten := golden(t, filepath.Join(folder, "spec.yaml"), found.Spec())
			told := found.Warnings.Error()
			if told != "" {
				told += "\n"
			}
			rewritten = golden(t, filepath.Join(folder, "said.txt"), []byte(told)) || rewritten

			had.holds(t, "before", files)
			rest := files
			if made == nil {
				rest = stripped(t, found, files)
			}
			// What a chart fills in is no manifest.
			rest = slices.DeleteFunc(slices.Clone(rest), func(f inventory.File) bool { return strings.Contains(string(f.Text), "{{") })
			after, _ := rendered(t, found.Spec(), rest)
			had.holds(t, "after", after)
			if rewritten {
				t.Fatal("rewritten: read the difference, then run without -update")
			}
		})
	}
}

// inputOf reads the files of a tree, by their names in it, or builds its kustomization.
func inputOf(t *testing.T, folder, built string) (files []inventory.File, made map[string]func(int) *pass.Source) {
	input := filepath.Join(folder, "input")
	if built != "" {
		t.Chdir(input)
		b, err := kustomization.Build(built, kustomization.Options{Ignore: true, IsSpec: spec.Configures})
		require.NoError(t, err)
		return []inventory.File{{Path: built, Text: b.Text}}, map[string]func(int) *pass.Source{built: func(document int) *pass.Source {
			file := b.Source(document)
			return pass.SourceOf(file.Path, file.Text)
		}}
	}
	require.NoError(t, filepath.WalkDir(input, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(input, path)
		files = append(files, inventory.File{Path: name, Text: text})
		return err
	}))
	return files, nil
}

// golden holds a text to a file, or writes it there.
func golden(t *testing.T, path string, text []byte) (rewritten bool) {
	want, err := os.ReadFile(path)
	if *update && (err != nil || !bytes.Equal(want, text)) {
		require.NoError(t, os.WriteFile(path, text, 0o644))
		return true
	}
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text), "go test ./internal/inventory -run TestTrees -update writes it")
	return false
}

// holds compares what bypasses the sidecar in every workload with what was written down.
func (h had) holds(t *testing.T, when string, files []inventory.File) {
	rules := rulebooks[h.Mesh]
	rules.ports, rules.addresses = h.tried()
	rules.scopes = map[string]map[string]string{}
	for name, f := range h.Namespaces {
		rules.scopes[name] = f.aspects()
	}
	got := rules.verdicts(t, h.Configured.aspects(), files)
	want := map[string]string{}
	for name, f := range h.Workloads {
		want[name] = rules.decided(f.settings(t))
	}
	for _, name := range h.Without {
		assert.Contains(t, got, name, when)
		delete(got, name)
	}
	assert.Equal(t, want, got, when)
}
