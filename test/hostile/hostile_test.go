package hostile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const (
	// A process may take this and so many times its input. The programs collect garbage
	// seldom while their heap is small, so that one run takes up to 20 MiB more than the next.
	baseMemory = 96 << 20
	timesInput = 80
	// What it says to a person stays readable.
	longestReport = 2 << 20
	// Nothing here takes a minute; this ends what would not end.
	never = 10 * time.Minute
)

// answer is what a command made of its input.
type answer struct {
	out, stderr string
	code        int
	memory      int64
	// work is the time that the processors spent.
	work time.Duration
}

// measuring has this program run its arguments and note their memory and work on
// file descriptor 3. The kernel counts to a process what its parent had when it
// began (fs/exec.c, exec_mmap), and these tests hold large inputs.
const measuring = "KRM_BYPASS_MEASURE"

// bin is where make build leaves the commands, self this program.
var (
	bin, _  = filepath.Abs("../../bin")
	self, _ = os.Executable()
)

func TestMain(m *testing.M) {
	if os.Getenv(measuring) == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = cmd.Run() // its exit code says what came of it
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	fmt.Fprintln(os.NewFile(3, "note"), usage.Maxrss<<10, int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
	os.Exit(cmd.ProcessState.ExitCode())
}

// run runs a command of bin/, as make build leaves it.
func run(t *testing.T, stdin []byte, name string, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), never)
	defer cancel()
	command := filepath.Join(bin, name)
	require.FileExists(t, command, "make build first")
	cmd := exec.CommandContext(ctx, self, append([]string{command}, args...)...)
	cmd.Env = append(os.Environ(), measuring+"=1")
	cmd.Stdin = bytes.NewReader(stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	note, noted, err := os.Pipe()
	require.NoError(t, err)
	defer note.Close()
	cmd.ExtraFiles = []*os.File{noted}
	err = cmd.Run()
	noted.Close()
	require.NoError(t, ctx.Err(), "it does not end")
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit)
	}
	a := answer{out: out.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	_, err = fmt.Fscan(note, &a.memory, &a.work)
	require.NoError(t, err)
	assert.NotContains(t, a.stderr, "goroutine ", "it has crashed")
	assert.Less(t, len(a.stderr), longestReport)
	return a
}

func requireMemory(t *testing.T, a answer, given int) {
	t.Helper()
	bound := int64(baseMemory) + timesInput*int64(given)
	assert.Less(t, a.memory, bound, "of memory for an input of %d bytes", given)
}

// listed puts manifests into a ResourceList.
func listed(spec, manifests string) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n" + indented(spec, "  ") + "items:\n")
	for document := range strings.SplitSeq(manifests, "---\n") {
		if strings.TrimSpace(document) != "" {
			b.WriteString("- " + strings.TrimPrefix(indented(document, "  "), "  "))
		}
	}
	return []byte(b.String())
}

func indented(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}

// TestFiles renders files in place: an error leaves every byte, and what was
// written is taken back by a spec that says nothing.
func TestFiles(t *testing.T) {
	for _, in := range inputs() {
		t.Run(in.name, func(t *testing.T) {
			folder := t.TempDir()
			spec, file := filepath.Join(folder, "bypass.yaml"), filepath.Join(folder, "manifests.yaml")
			write(t, spec, in.spec)
			write(t, file, in.manifests)
			a := run(t, nil, "krm-bypass", "render", "--in-place", "--spec", spec, file)
			requireMemory(t, a, len(in.spec)+len(in.manifests))
			t.Logf("%d MiB for %d bytes", a.memory>>20, len(in.spec)+len(in.manifests))
			if in.want != "" {
				assert.Equal(t, 1, a.code)
				assert.Contains(t, a.stderr, in.want)
				assert.True(t, strings.HasPrefix(a.stderr, "error: "), "%.200s", a.stderr)
				assertSame(t, in.manifests, read(t, file), "where there is an error nothing is written")
				return
			}
			require.Equal(t, 0, a.code, "%.500s", a.stderr)
			write(t, spec, nothing)
			a = run(t, nil, "krm-bypass", "render", "--in-place", "--spec", spec, file)
			require.Equal(t, 0, a.code, "%.500s", a.stderr)
			assertSame(t, in.manifests, read(t, file), "nothing is lost")
		})
	}
}

// TestFunction gives the same to the function, as items.
func TestFunction(t *testing.T) {
	for _, in := range inputs() {
		t.Run(in.name, func(t *testing.T) {
			list := listed(in.spec, in.manifests)
			a := run(t, list, "krm-bypass-fn")
			requireMemory(t, a, len(list))
			if a.code == 0 {
				assert.NotEmpty(t, a.out)
				again := run(t, []byte(a.out), "krm-bypass-fn")
				assert.Equal(t, 0, again.code)
				assertSame(t, a.out, again.out, "the function on its own output changes no byte")
				return
			}
			assert.Equal(t, 1, a.code)
			assert.True(t, strings.HasPrefix(a.stderr, "error: ") || strings.HasPrefix(a.stderr, "warning: "), "%.200s", a.stderr)
			if a.out != "" { // it is, where the input is no ResourceList at all
				head, _, _ := strings.Cut(string(list), "results:")
				assert.True(t, strings.HasPrefix(a.out, head), "where there is an error nothing is written")
			}
		})
	}
}

// assertSame says of texts too long to be shown where they begin to differ.
func assertSame(t *testing.T, want, got, why string) {
	t.Helper()
	if want == got {
		return
	}
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	t.Errorf("%s: at byte %d there is %.80q, not %.80q", why, at, got[at:], want[at:])
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// TestHundredMebibytes gives the function items of 100 MiB, of which 15,000 are
// workloads.
func TestHundredMebibytes(t *testing.T) {
	const size, workloads = 100 << 20, 15_000
	filler := strings.Repeat("  some text that goes on: and on\n", 240)
	var items strings.Builder
	configMaps := 0
	for i := 0; i < workloads || items.Len() < size; i++ {
		name := "n" + strconv.Itoa(i)
		if i < workloads {
			items.WriteString(deployment(name, plain) + "---\n")
		}
		if items.Len() < size {
			items.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n  text: |\n" + indented(filler, "  ") + "---\n")
			configMaps++
		}
	}
	list := listed(ports, items.String())
	require.GreaterOrEqual(t, len(list), size)
	a := run(t, list, "krm-bypass-fn")
	require.Equal(t, 0, a.code, "%.500s", a.stderr)
	assert.Less(t, a.memory, int64(20*len(list)))
	t.Logf("%d MiB for %d MiB", a.memory>>20, len(list)>>20)
	assert.Equal(t, workloads, strings.Count(a.out, "- name: krm-bypass-init\n"))
	assert.Equal(t, workloads, strings.Count(a.out, "\n  kind: Deployment\n"))
	assert.Equal(t, configMaps, strings.Count(a.out, indented(filler, "    ")), "what is no workload keeps its bytes")
}

// TestWorkGrowsWithTheInput has inputs of one size and of twice that: what is
// allocated may not grow much more than they do.
func TestWorkGrowsWithTheInput(t *testing.T) {
	for name, family := range map[string]func(n int) (spec, manifests string){
		"items of a list": func(n int) (string, string) {
			return ports, listHead + "items:\n" + repeated(n, func(i int) string {
				return "- " + strings.TrimPrefix(indented(deployment("n"+strconv.Itoa(i), plain), "  "), "  ")
			})
		},
		"items of a list in JSON style": func(n int) (string, string) {
			return ports, `{"apiVersion": "v1", "kind": "List", "items": [` + strings.TrimSuffix(repeated(n, func(i int) string {
				return `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "n` + strconv.Itoa(i) + `", "namespace": "shop"}, "spec": {"template": {"spec": {"containers": []}}}},` + "\n"
			}), ",\n") + "]}\n"
		},
		"documents": func(n int) (string, string) {
			return ports, repeated(n, func(i int) string { return deployment("n"+strconv.Itoa(i), plain) + "---\n" })
		},
		"annotations": func(n int) (string, string) {
			return ports, deployment("web", "\n"+strings.TrimSuffix(repeated(100*n, func(i int) string { return "        example.com/a" + strconv.Itoa(i) + ": b\n" }), "\n"))
		},
		"ranges": func(n int) (string, string) {
			return specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n    excludeOutboundIPRanges: [" + manyPrefixes(20*n) + "]\n", deployment("web", plain)
		},
		"pairs": func(n int) (string, string) {
			return specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n    excludeOutbound: [{ports: [80, 443-450], ipRanges: [" + manyPrefixes(20*n) + "]}]\n", deployment("web", plain)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 250
			once, twice := allocated(t, family, n), allocated(t, family, 2*n)
			assert.Less(t, twice, 3*once, "allocations in bytes")
			t.Logf("%.2f times the allocations for twice the input", float64(twice)/float64(once))
		})
	}
}

func allocated(t *testing.T, family func(n int) (spec, manifests string), n int) uint64 {
	t.Helper()
	spec, manifests := family(n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "manifests.yaml", Text: []byte(manifests)}}, fn.Options{})
	runtime.ReadMemStats(&after)
	require.NoError(t, err, results.Report())
	require.NotEqual(t, manifests, string(out[0].Text))
	return after.TotalAlloc - before.TotalAlloc
}
