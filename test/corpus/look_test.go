package corpus

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// sight is what came of one file.
type sight struct {
	census            census
	written, findings map[string]int
	refused           []string
	// broken names the property that does not hold, how says more.
	broken, how string
}

// promise is one property of a file and what it was rendered to.
type promise struct {
	name string
	// kept says what is wrong, "" if nothing is.
	kept func(*rendered) string
}

// rendered is a file before and after.
type rendered struct {
	spec          *fn.Spec
	mesh          *mesh.Mesh
	path          string
	before, after []byte
	written       map[string]int
}

func (r *rendered) file(text []byte) []fn.Manifest { return []fn.Manifest{{Path: r.path, Text: text}} }

var promises = []promise{
	{"another run over the output changes no byte", func(r *rendered) string {
		return r.becomes(r.spec, r.after, r.after)
	}},
	{"a spec that says nothing gives the bytes back", func(r *rendered) string {
		return r.becomes(specOf(nothing), r.after, r.before)
	}},
	{"render --remove gives the bytes back", func(r *rendered) string {
		back, removed, err := fn.Remove("cluster", nil, r.file(r.after))
		if err != nil {
			return removed.Results.Report()
		}
		return unlike(r.before, back[0].Text)
	}},
	{"for kubectl's reader nothing differs but planned fields", func(r *rendered) string {
		where, err := changedElsewhere(r.before, r.after, r.mesh, r.written)
		if err != nil {
			return err.Error()
		}
		return where
	}},
	{"no byte changes but at planned fields", func(r *rendered) string {
		was, is := cut(r.before), cut(r.after)
		for i := range was {
			if bytes.Equal(was[i], is[i]) {
				continue
			}
			var found []string
			if verdict := heard(func(t require.TestingT) { found = straysIn(t, was[i], is[i], r.mesh) }); verdict.failed {
				return verdict.says
			}
			if len(found) > 0 {
				return fmt.Sprintf("document %d: %q", i+1, found)
			}
		}
		return ""
	}},
	{"check finds what render writes, and nothing in what render wrote", func(r *rendered) string {
		for _, one := range []struct {
			text  []byte
			clean bool
		}{{r.before, bytes.Equal(r.before, r.after)}, {r.after, true}} {
			checked, err := fn.Check(r.spec, r.file(one.text), fn.Options{}, fn.Expiry{})
			if err != nil {
				return checked.Results.Report()
			}
			n := 0
			for _, o := range checked.Objects {
				n += len(o.Differences)
			}
			if (n == 0) != one.clean {
				return fmt.Sprintf("check finds %d differences", n)
			}
		}
		return ""
	}},
	{"explain explains it, before and after", func(r *rendered) string {
		for _, text := range [][]byte{r.before, r.after} {
			if explained, err := fn.Explain(r.spec, r.file(text), fn.Options{}, ""); err != nil {
				return explained.Results.Report()
			}
		}
		return ""
	}},
}

// becomes says where a text is rendered to another one than it should be.
func (r *rendered) becomes(spec *fn.Spec, text, wanted []byte) string {
	out, results, err := fn.Manifests(spec, r.file(text), fn.Options{})
	if err != nil {
		return results.Report()
	}
	return unlike(wanted, out[0].Text)
}

// unlike shows where two texts part.
func unlike(wanted, text []byte) string {
	if bytes.Equal(wanted, text) {
		return ""
	}
	at := 0
	for at < len(wanted) && at < len(text) && wanted[at] == text[at] {
		at++
	}
	return fmt.Sprintf("line %d: %q stands where %q should", 1+bytes.Count(text[:at], []byte("\n")), part(text, at), part(wanted, at))
}

func part(text []byte, at int) []byte { return text[max(0, at-20):min(len(text), at+60)] }

func specOf(text string) *fn.Spec {
	return fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(text)})
}

// look renders one file and holds it to every promise.
func look(s spec, path string, text []byte) (seen sight) {
	seen.written, seen.findings = map[string]int{}, map[string]int{}
	defer func() {
		if fault := recover(); fault != nil {
			seen.broken, seen.how = "nothing crashes", fmt.Sprintf("%v\n%s", fault, debug.Stack())
		}
	}()
	seen.census = counted(text)
	m, _ := mesh.ByName(s.name)
	r := &rendered{spec: specOf(s.text), mesh: m, path: path, before: text, written: seen.written}
	out, results, err := fn.Manifests(r.spec, r.file(text), fn.Options{})
	if err != nil {
		seen.refused = errorsIn(results)
		if !bytes.Equal(out[0].Text, text) {
			seen.broken = "what is refused stays as it is"
		}
		if checked, err := fn.Check(r.spec, r.file(text), fn.Options{}, fn.Expiry{}); err == nil && checked.Passed() {
			seen.broken, seen.how = "what render refuses does not pass check", results.Report()
		}
		return seen
	}
	r.after = out[0].Text
	for _, p := range promises {
		if how := p.kept(r); how != "" {
			seen.broken, seen.how = p.name, how
			return seen
		}
	}
	checked, _ := fn.Check(r.spec, r.file(text), fn.Options{}, fn.Expiry{})
	for _, one := range checked.Results {
		if id := one.Tags[fn.CheckTag]; id != "" {
			seen.findings[id]++
		}
	}
	return seen
}

// errorsIn gives the different errors among results, without what is particular to one
// file.
func errorsIn(results fn.Results) (all []string) {
	for _, one := range results {
		if one.Severity == fn.Error {
			all = append(all, general(one.Message))
		}
	}
	return all
}
