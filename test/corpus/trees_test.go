package corpus

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/test/shrink"
)

// repository is the top of the repository, to which folders are relative.
const repository = "../.."

// treesVariable names folders of manifests, with colons between them.
const treesVariable = "KRM_BYPASS_CORPUS"

// everywhere gives a spec for each mesh, and one with a container at either end, that
// writes to every workload which it may touch.
func everywhere() (all []spec) {
	var fixed []string
	for _, k := range kinds.Known() {
		if k.Fixed && !slices.Contains(fixed, k.Kind) {
			fixed = append(fixed, k.Kind)
		}
	}
	for _, name := range mesh.Names() {
		all = append(all, spec{name, specHead + `
  lint: {unreached-rule: Ignore} # the rule is for what a tree may not have
  mesh: ` + name + `
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
  global:
    excludeInboundPorts: [9090, 7000-7003]
    excludeOutboundPorts: [3306, 6379]
    excludeOutboundIPRanges: [169.254.169.254/32]
  workloads:
  - match: {kinds: [` + strings.Join(fixed, ", ") + `]}
    excludeOutboundPorts: [3306]
`})
	}
	return all
}

// tree is a folder of manifests, and what was found in it.
type tree struct {
	name, folder, commit       string
	files                      []string
	foreign                    int
	census                     census
	written, findings, refused map[string]int
	example                    map[string]string // of what is refused
	accepted                   []string
	slowest                    string
	longest                    time.Duration
	run                        measured
	built                      builds
}

// TestTrees holds the function to its promises over any tree of manifests: the folders
// that KRM_BYPASS_CORPUS names, or one of ours.
func TestTrees(t *testing.T) {
	given := os.Getenv(treesVariable)
	folders := filepath.SplitList(cmp.Or(given, "test/corpus/testdata/tree"))
	tools := makeTools(t)
	fmt.Printf("trees: %-40s %-9s%7s%8s%8s%8s%10s%8s%8s%9s%7s%7s\n", "tree", "commit", "files", "foreign", "docs", "objects", "workloads", "written", "refused", "(kinds)", "s", "MiB")
	for i, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			if !filepath.IsAbs(folder) {
				folder = filepath.Join(repository, folder)
			}
			folder, err := filepath.Abs(folder)
			require.NoError(t, err)
			tree := treeIn(t, folder)
			tree.examine(t)
			tree.inPlace(t, tools, everywhere()[i%len(everywhere())])
			tree.kustomizations(t, tools)
			tree.print()
			if given == "" {
				tree.isOurs(t)
			}
			assert.NotEmpty(t, tree.files, "the folder %s holds no .yaml, .yml or .json file", folder)
		})
	}
}

// isOurs holds what is seen in our tree to what is there.
func (tr *tree) isOurs(t *testing.T) {
	assert.Equal(t, map[string]int{
		"CronJob": 1, "DaemonSet": 1, "Deployment": 1, "Pod": 1, "StatefulSet": 1,
		"Elasticsearch": 3, "FlinkDeployment": 1, "Kafka": 2, "KafkaBridge": 1, "Prometheus": 1, "PyTorchJob": 2, "RayCluster": 3, "WorkflowTemplate": 1,
	}, tr.written)
	assert.Equal(t, map[string]int{"unknown-pod-template": 1}, tr.findings)
	assert.Equal(t, map[string]int{"built before and after": 2, "do not build by themselves": 1}, tr.built)
	assert.Equal(t, census{documents: 21, objects: 21, workloads: 15}, tr.census)
	assert.Equal(t, 6, tr.foreign)
	assert.Equal(t, []string{"broken.yaml", "chart/templates/deployment.yaml", "old.yaml"}, slices.Sorted(func(yield func(string) bool) {
		for _, file := range tr.example {
			if !yield(tr.relative(file)) {
				return
			}
		}
	}))
}

// treeIn lists the files of a folder that may be manifests.
func treeIn(t *testing.T, folder string) *tree {
	t.Helper()
	found := &tree{
		name: filepath.Base(folder), folder: folder, commit: "-",
		written: map[string]int{}, findings: map[string]int{}, refused: map[string]int{}, example: map[string]string{},
	}
	if said, err := exec.Command("git", "-C", folder, "rev-parse", "--short=8", "HEAD").Output(); err == nil {
		found.commit = strings.TrimSpace(string(said))
	}
	require.NoError(t, filepath.WalkDir(folder, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.Type().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(at))):
			found.files = append(found.files, at)
		}
		return nil
	}))
	return found
}

// examine holds every file to every property by itself, with the specs in turn.
func (tr *tree) examine(t *testing.T) {
	specs, broken := everywhere(), map[string]int{}
	for i, file := range tr.files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if object.IsForeign(text) {
			tr.foreign++
			continue
		}
		began, s := time.Now(), specs[i%len(specs)]
		seen := look(s, file, text)
		if took := time.Since(began); took > tr.longest {
			tr.longest, tr.slowest = took, file
		}
		if seen.broken != "" {
			small := []byte("as others above")
			if broken[seen.broken]++; broken[seen.broken] <= mostShrunk {
				small = shrunk(text, func(text []byte) bool { return look(s, file, text).broken == seen.broken })
			}
			t.Errorf("%s under the spec for %s: broken: %s: %s\nas small as it gets:\n%s", file, s.name, seen.broken, seen.how, small)
		}
		tr.add(seen.census)
		for kind, n := range seen.written {
			tr.written[kind] += n
		}
		for id, n := range seen.findings {
			tr.findings[id] += n
		}
		for _, message := range seen.refused {
			if tr.refused[message]++; tr.example[message] == "" {
				tr.example[message] = file
			}
		}
		if len(seen.refused) == 0 {
			tr.accepted = append(tr.accepted, file)
		}
	}
}

// mostShrunk is how many texts that break a promise are made small.
const mostShrunk = 3

func (tr *tree) add(c census) {
	tr.census.documents += c.documents
	tr.census.objects += c.objects
	tr.census.workloads += c.workloads
}

// shrunk makes a text smaller for as long as it stays broken, and at most for a while.
func shrunk(text []byte, broken func([]byte) bool) []byte {
	enough := time.Now().Add(20 * time.Second)
	return shrink.Text(text, func(text []byte) bool { return time.Now().Before(enough) && broken(text) })
}

// print prints what was found in the tree.
func (tr *tree) print() {
	sum := func(of map[string]int) (n int) {
		for _, one := range of {
			n += one
		}
		return n
	}
	fmt.Printf("trees: %-40.40s %-9s%7d%8d%8d%8d%10d%8d%8d%9d%7.1f%7d\n", tr.name, tr.commit, len(tr.files), tr.foreign, tr.census.documents, tr.census.objects,
		tr.census.workloads, sum(tr.written), len(tr.files)-tr.foreign-len(tr.accepted), len(tr.refused), tr.run.seconds, tr.run.mebibytes)
	for _, one := range []struct {
		name string
		of   map[string]int
	}{{"templates written", tr.written}, {"findings", tr.findings}, {"kustomizations", tr.built}} {
		if len(one.of) > 0 {
			fmt.Printf("trees:   %s: %s\n", one.name, listed(one.of))
		}
	}
	if tr.slowest != "" {
		fmt.Printf("trees:   the slowest file: %s, %.1f s for all properties\n", tr.relative(tr.slowest), tr.longest.Seconds())
	}
	for _, message := range byCount(tr.refused) {
		fmt.Printf("trees:   refused: %d times %q, first in %s\n", tr.refused[message], message, tr.relative(tr.example[message]))
	}
}

func (tr *tree) relative(file string) string {
	name, err := filepath.Rel(tr.folder, file)
	if err != nil {
		return file
	}
	return name
}

func byCount(of map[string]int) []string {
	return slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(of[b]-of[a], strings.Compare(a, b)) })
}

func listed(of map[string]int) string {
	var words []string
	for _, name := range byCount(of) {
		words = append(words, fmt.Sprintf("%s %d", name, of[name]))
	}
	return strings.Join(words, ", ")
}

// particular is what of a message is particular to one file.
var particular = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|[0-9]+")

// general gives a message without what is particular to one file.
func general(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	message = particular.ReplaceAllString(message, "_")
	return message[:min(len(message), 160)]
}
