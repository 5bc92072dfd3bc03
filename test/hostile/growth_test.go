package hostile

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// numbered writes a text n times, with the number in the place of each #.
func numbered(n int, text string) string {
	return repeated(n, func(i int) string { return strings.ReplaceAll(text, "#", strconv.Itoa(i)) })
}

// merging is a Deployment whose annotations are these.
func merging(annotations string) string {
	return deployment("web", "\n"+strings.TrimSuffix(annotations, "\n"))
}

// TestTimeGrowsWithTheInput has inputs of n parts that could all be held against
// each other, at n, 2n and 4n.
func TestTimeGrowsWithTheInput(t *testing.T) {
	const indent = "        "
	for name, family := range map[string]struct {
		code  int
		input func(n int) string
	}{
		"a key that stands many times": {1, func(n int) string {
			return merging(numbered(n, indent+"k: v\n"))
		}},
		"a key of the object that stands many times": {1, func(n int) string {
			return numbered(n, "kind: Deployment\n") + merging(indent+"k: v\n")
		}},
		"keys that a merge key brings in again": {1, func(n int) string {
			return merging(numbered(n, indent+"k#: v\n") + indent + "<<:\n" + numbered(n, indent+"- {k#: v}\n"))
		}},
		"a merge list of one mapping many times": {0, func(n int) string {
			return "x: &x\n" + numbered(n, "  k#: v\n") + merging(indent+"<<: ["+strings.TrimSuffix(numbered(n, "*x, "), ", ")+"]\n")
		}},
		"a merge list of many mappings": {0, func(n int) string {
			return merging(indent + "<<:\n" + numbered(n, indent+"- {k#: v, k: v}\n"))
		}},
		"many merge keys behind many keys": {1, func(n int) string {
			return "x: &x\n" + numbered(n, "  k#: v\n") + merging(numbered(n, indent+"j#: v\n")+numbered(n, indent+"<<: *x\n"))
		}},
		"a chain of merge keys": {0, func(n int) string {
			chain := "x0: &x0 {k: v}\n" + repeated(n, func(i int) string {
				was, is := strconv.Itoa(i), strconv.Itoa(i+1)
				return "x" + is + ": &x" + is + " {<<: *x" + was + ", k" + is + ": v}\n"
			})
			return chain + merging(indent+"<<: *x"+strconv.Itoa(n)+"\n")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var first answer
			const n = 10_000
			for _, times := range []int{1, 2, 4} {
				manifests := family.input(times * n)
				folder := t.TempDir()
				spec, file := filepath.Join(folder, "bypass.yaml"), filepath.Join(folder, "manifests.yaml")
				write(t, spec, ports)
				write(t, file, manifests)
				a := run(t, nil, "krm-bypass", "render", "--in-place", "--spec", spec, file)
				require.Equal(t, family.code, a.code, "%.500s", a.stderr)
				t.Logf("%d: %v, %d MiB for %d KiB", times*n, a.work.Round(time.Millisecond), a.memory>>20, len(manifests)>>10)
				if times == 1 {
					first = a
				}
				assert.Less(t, a.work, 10*first.work+time.Second)
				assert.Less(t, a.memory, 6*first.memory)
			}
		})
	}
}
