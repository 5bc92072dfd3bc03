package hostile

import (
	"cmp"
	"fmt"
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

// explain and check, and the manifests' file in their arguments.
var (
	explain = []string{"explain", "--spec", specification, manifests}
	check   = []string{"check", "--spec", specification, manifests}
)

const (
	specification = "bypass.yaml"
	manifests     = "manifests.yaml"
	imaged        = specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n"
)

// chained gives mappings each of which merges the one before; the last is merged
// into annotations.
func chained(n int, link string) string {
	return "x0: &x0 {k: v}\n" + repeated(n, func(i int) string {
		return fmt.Sprintf("x%[2]d: &x%[2]d "+link+"\n", i, i+1, i)
	}) + merging(fmt.Sprintf("        <<: *x%d\n", n))
}

// sharing gives a List of n workloads which share a mapping of n entries.
func sharing(n int, annotations string) string {
	return "apiVersion: v1\nkind: List\nmetadata:\n  x: &x {" + numbered(n, "k#: v, ") + "}\nitems:\n" + repeated(n, func(i int) string {
		return item(deployment("w"+strconv.Itoa(i), annotations))
	})
}

// templated gives a List of n workloads which share a template of so many containers.
func templated(n, containers int) string {
	return listHead + "x: &t {metadata: {}, spec: {containers: [" + numbered(containers, "{name: c#, image: i}, ") + "]}}\nitems:\n" +
		numbered(n, "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: w#, namespace: shop}, spec: {selector: {}, template: *t}}\n")
}

// item gives a document as an item of a list.
func item(document string) string { return "- " + strings.TrimPrefix(indented(document, "  "), "  ") }

// named gives workloads, each in a namespace of its own.
func named(n int) string {
	return repeated(n, func(i int) string {
		return strings.Replace(deployment(fmt.Sprintf("w%d", i), plain), "shop", fmt.Sprintf("n%d", i), 1) + "---\n"
	})
}

// TestTimeGrowsWithTheInput has inputs of n parts that could all be held against
// each other, at n, 2n and 4n: of what takes n log n there is a little over four
// times the work. Another process may cost this one some, so the least of a few
// runs counts.
func TestTimeGrowsWithTheInput(t *testing.T) {
	onOneProcessor(t)
	const indent = "        "
	for name, family := range map[string]struct {
		code int
		// n is 10,000 and the command is render --in-place where none is given.
		n       int
		command []string
		spec    func(n int) string
		input   func(n int) string
	}{
		"a key that stands many times": {code: 1, input: func(n int) string {
			return merging(numbered(n, indent+"k: v\n"))
		}},
		"a key of the object that stands many times": {code: 1, input: func(n int) string {
			return numbered(n, "kind: Deployment\n") + merging(indent+"k: v\n")
		}},
		"keys that a merge key brings in again": {code: 1, input: func(n int) string {
			return merging(numbered(n, indent+"k#: v\n") + indent + "<<:\n" + numbered(n, indent+"- {k#: v}\n"))
		}},
		"a merge list of one mapping many times": {code: 1, input: func(n int) string {
			return "x: &x\n" + numbered(n, "  k#: v\n") + merging(indent+"<<: ["+strings.TrimSuffix(numbered(n, "*x, "), ", ")+"]\n")
		}},
		"a merge list of many mappings": {code: 0, input: func(n int) string {
			return merging(indent + "<<:\n" + numbered(n, indent+"- {k#: v, k: v}\n"))
		}},
		"many merge keys behind many keys": {code: 1, input: func(n int) string {
			return "x: &x\n" + numbered(n, "  k#: v\n") + merging(numbered(n, indent+"j#: v\n")+numbered(n, indent+"<<: *x\n"))
		}},
		"a chain of merge keys": {code: 1, input: func(n int) string {
			chain := "x0: &x0 {k: v}\n" + repeated(n, func(i int) string {
				was, is := strconv.Itoa(i), strconv.Itoa(i+1)
				return "x" + is + ": &x" + is + " {<<: *x" + was + ", k" + is + ": v}\n"
			})
			return chain + merging(indent+"<<: *x"+strconv.Itoa(n)+"\n")
		}},
		"lines of three dots": {n: 50_000, input: func(n int) string {
			return deployment("web", plain) + strings.Repeat("...\n", n)
		}},
		"lines of three dots between comments": {n: 50_000, input: func(n int) string {
			return deployment("web", plain) + strings.Repeat("...\n# a comment\n", n)
		}},
		"empty documents": {n: 25_000, input: func(n int) string {
			return strings.Repeat("--- # a comment\n", n) + deployment("web", plain)
		}},
		"JSON objects on one line": {input: func(n int) string {
			return strings.Repeat(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`, n)
		}},
		"a chain of merge keys, each behind a key": {code: 1, n: 2000, input: func(n int) string {
			return chained(n, "{k%[3]d: v, <<: *x%[1]d}")
		}},
		"workloads whose annotations are one mapping": {code: 1, n: 500, input: func(n int) string {
			return sharing(n, "*x")
		}},
		"workloads that merge one mapping": {code: 1, n: 500, input: func(n int) string {
			return sharing(n, "{<<: *x}")
		}},
		"workloads that share a template": {code: 2, n: 500, command: check, input: func(n int) string {
			return templated(n, n)
		}},
		"workloads that share a short template": {code: 2, n: 500, command: check, input: func(n int) string {
			return templated(n, 5)
		}},
		"containers of our name that share an environment": {code: 1, n: 1000, input: func(n int) string {
			return deployment("web", "&x {"+numbered(n, "k#: v, ")+"}") +
				"      initContainers:\n" + strings.Repeat("      - {name: krm-bypass-init, image: i, env: *x}\n", n)
		}},
		"keys of a value that nobody here reads, twice each": {input: func(n int) string {
			return deployment("web", plain) + "        env:\n" + strings.Repeat("        - {name: a, name: b}\n", n)
		}},
		"keys that stand many times, to be imported": {code: 1, command: []string{"import", manifests}, input: func(n int) string {
			return merging(numbered(n, indent+"k: v\n"))
		}},
		"aliases of aliases, explained": {code: 1, command: explain, n: 8, input: func(n int) string {
			entries, last := laughs("  ", "[ha, ha]", "[ALIASES]", n)
			return "x:\n" + entries + deployment("web", plain) + "        env: *" + last + "\n"
		}},
		"ports in an annotation, explained": {command: explain, n: 2500, input: func(n int) string {
			return deployment("web", `{traffic.sidecar.istio.io/excludeOutboundPorts: "`+strings.TrimSuffix(repeated(n, func(i int) string { return strconv.Itoa(2*i+1) + "," }), ",")+`"}`)
		}},
		"keys in braces": {input: func(n int) string {
			return deployment("web", "{"+numbered(n, "k#: v, ")+"}")
		}},
		"annotations, ours the last": {input: func(n int) string {
			return merging(numbered(n, indent+"k#: v\n") + indent + "traffic.sidecar.istio.io/excludeOutboundPorts: '1'\n")
		}},
		"comments before a key": {input: func(n int) string {
			return merging(strings.Repeat(indent+"# a comment\n", n) + indent + "k: v\n")
		}},
		"init containers": {input: func(n int) string {
			return deployment("web", plain) + "      initContainers:\n" + numbered(n, "      - {name: i#, image: i}\n")
		}},
		"volumes": {input: func(n int) string {
			return deployment("web", plain) + "      volumes:\n" + numbered(n, "      - {name: v#, emptyDir: {}}\n")
		}},
		"anchors": {input: func(n int) string {
			return merging(numbered(n, indent+"k#: &a# v\n"))
		}},
		"a record": {code: 1, input: func(n int) string {
			return strings.Replace(deployment("web", plain), "  namespace: shop\n", "  namespace: shop\n  annotations: {krm-bypass.dev/last-applied: '"+strings.Repeat("[", 25*n)+"'}\n", 1)
		}},
		"documents behind a spec": {input: func(int) string { return deployment("web", plain) }, spec: func(n int) string {
			return ports + strings.Repeat("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", n)
		}},
		"a rule for each workload": {n: 2000, input: named, spec: func(n int) string {
			return imaged + "  workloads:\n" + numbered(n, "  - {match: {names: [w#], kinds: [Deployment]}, excludeOutboundPorts: [3306]}\n")
		}},
		"a rule for each namespace": {n: 2000, input: named, spec: func(n int) string {
			return imaged + "  namespaces:\n" + numbered(n, "  - {match: {names: [n#]}, excludeOutboundPorts: [3306]}\n")
		}},
		"ports in limits": {input: func(int) string { return deployment("web", plain) }, spec: func(n int) string {
			return imaged + "  limits: {forbiddenOutboundPorts: [" + strings.TrimSuffix(repeated(n/2, func(i int) string { return strconv.Itoa(2*i+1) + "," }), ",") + "]}\n"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			command := family.command
			if command == nil {
				command = []string{"render", "--in-place", "--spec", specification, manifests}
			}
			n := cmp.Or(family.n, 10_000)
			measured := func(n int) answer {
				spec, input := ports, family.input(n)
				if family.spec != nil {
					spec = family.spec(n)
				}
				write(t, specification, spec)
				write(t, manifests, input)
				a := run(t, nil, "krm-bypass", command...)
				require.Equal(t, family.code, a.code, "%.500s", a.stderr)
				t.Logf("%d: %v, %d MiB for %d KiB", n, a.work.Round(time.Millisecond), a.memory>>20, (len(spec)+len(input))>>10)
				return a
			}
			once := measured(n)
			for _, times := range []int{2, 4} {
				a := measured(times * n)
				bound := time.Duration(times)*once.work*5/4 + 100*time.Millisecond
				for range 3 {
					if a.work > bound {
						a.work = min(a.work, measured(times*n).work)
					}
				}
				assert.LessOrEqual(t, a.work, bound)
				assert.Less(t, a.memory, int64(times+1)*once.memory)
			}
		})
	}
}

// onOneProcessor has Go's runtime use one processor. On two, its garbage collector
// works on whatever is idle, and the same input took 67 to 370 ms.
func onOneProcessor(t *testing.T) {
	t.Helper()
	t.Setenv("GOMAXPROCS", "1")
}

// TestAListCostsWhatItsItemsCost gives workloads as documents and as one List.
func TestAListCostsWhatItsItemsCost(t *testing.T) {
	onOneProcessor(t)
	t.Chdir(t.TempDir())
	write(t, specification, ports)
	for _, n := range []int{2000, 4000, 8000} {
		measured := func(how, text string) answer {
			write(t, manifests, text)
			a := run(t, nil, "krm-bypass", "render", "--in-place", "--spec", specification, manifests)
			require.Equal(t, 0, a.code, "%.500s", a.stderr)
			t.Logf("%d %s: %v, %d MiB for %d KiB", n, how, a.work.Round(time.Millisecond), a.memory>>20, len(text)>>10)
			return a
		}
		document := func(i int) string { return deployment("w"+strconv.Itoa(i), plain) }
		documents := measured("documents", repeated(n, func(i int) string { return document(i) + "---\n" }))
		list := measured("items", listHead+"items:\n"+repeated(n, func(i int) string { return item(document(i)) }))
		assert.Less(t, list.memory, 2*documents.memory+16<<20)
		assert.Less(t, list.work, 2*documents.work)
	}
}
