package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const spec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  meshDefaults:
    excludeInboundPorts: [15020]
  global:
    excludeOutboundIPRanges: [169.254.169.254, 10.0.0.0/8]
    reason: "=the cloud's metadata, and the offices"
    owner: platform
  namespaces:
  - match: {names: [shop]}
    merge: Union
    excludeOutboundPorts: [3306, "9000-9010"]
    expires: 2026-10-31
  workloads:
  - match: {names: [web]}
    merge: Union
    includeOutboundPorts: [9005]
    excludeOutbound: [{ipRanges: [192.0.2.0/24], ports: [5432]}]
    enforcement: {mode: WhereNeeded}
  - match: {names: [closed]}
    excludeOutboundIPRanges: []
    includeInboundPorts: []
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
`

const manifests = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        traffic.sidecar.istio.io/excludeInboundPorts: "9090"
    spec: {containers: []}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec: {jobTemplate: {spec: {template: {spec: {containers: []}}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: closed, namespace: vault}
spec: {template: {spec: {containers: []}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: vault}
spec:
  template:
    metadata:
      annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "6379"}
    spec: {containers: []}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: node, namespace: shop}
spec: {template: {spec: {hostNetwork: true, containers: []}}}
`

func reportOf(t require.TestingT, spec, manifests string) Explanation {
	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "shop.yaml", Text: []byte(manifests)}}, fn.Options{}, "2026-11-25")
	require.NoError(t, err, x.Results.Report())
	return NewExplanation(x)
}

func asked(t require.TestingT, connection string) Explanation {
	c, err := traffic.ParseOutbound(connection)
	require.NoError(t, err)
	r := reportOf(t, spec, manifests)
	r.Decide(c, connection)
	return r
}

// earlier is another spec for other manifests.
func compared(t require.TestingT) Explanation {
	before := strings.NewReplacer(
		`[3306, "9000-9010"]`, `[3306, 5432, "9000-9008"]`,
		"    includeInboundPorts: []\n", "    enforcement: {mode: InitContainer}\n",
	).Replace(spec)
	was := strings.NewReplacer("name: web,", "name: old,", "name: nightly", "name: nightly", "image", "image").Replace(manifests)
	r := reportOf(t, spec, manifests)
	r.Compare(reportOf(t, before, was))
	return r
}

func writtenExplanation(t require.TestingT, name string, r Explanation) string {
	return written(t, ExplanationFormats, name, r)
}

func TestExplanationFormats(t *testing.T) {
	testFormats(t, "explain", ExplanationFormats, map[string]Explanation{
		"settings": reportOf(t, spec, manifests), "answers": asked(t, "10.1.2.3:9005"), "changes": compared(t),
		"nothing": reportOf(t, spec, ""),
	})
}

func TestFormatsReadBack(t *testing.T) {
	for of, r := range map[string]Explanation{"settings": reportOf(t, spec, manifests), "answers": asked(t, "192.0.2.7:5432"), "changes": compared(t)} {
		t.Run(of, func(t *testing.T) {
			var fromJSON, fromYAML any
			require.NoError(t, json.Unmarshal([]byte(writtenExplanation(t, "json", r)), &fromJSON))
			var node yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(writtenExplanation(t, "yaml", r)), &node))
			require.NoError(t, node.Decode(&fromYAML))
			again, err := json.Marshal(fromYAML)
			require.NoError(t, err)
			fromYAML = nil
			require.NoError(t, json.Unmarshal(again, &fromYAML))
			assert.Equal(t, fromJSON, fromYAML, "YAML says what JSON says")

			rows, err := csv.NewReader(strings.NewReader(writtenExplanation(t, "csv", r))).ReadAll() // each as long as the first
			require.NoError(t, err)
			assert.Greater(t, len(rows), 1)
		})
	}
}

// TestAnswersForWhatIsUnknown: krm-bypass has no say in its pods.
func TestAnswersForWhatIsUnknown(t *testing.T) {
	r := reportOf(t, spec, "apiVersion: ray.example.com/v1\nkind: RayCluster\nmetadata: {name: ray, namespace: shop}\nspec: {headGroupSpec: {template: {spec: {containers: [{name: a, image: b}]}}}}\n")
	assert.Contains(t, writtenExplanation(t, "table", r), "1 unknown")
	c, err := traffic.ParseOutbound("10.1.2.3:3306")
	require.NoError(t, err)
	r.Decide(c, "10.1.2.3:3306")
	require.Len(t, r.Workloads, 1)
	assert.Equal(t, NotOurs, r.Workloads[0].Decision.Verdict)
	assert.Contains(t, r.Workloads[0].Decision.Why, "krm-bypass does not know this kind")
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		connection, workload, verdict, field string
		by                                   []string
	}{
		{"169.254.169.254:80", "shop/web", Bypassed, "excludeOutboundIPRanges", []string{"169.254.169.254"}},
		{"10.1.2.3:53/UDP", "shop/web", LeftToMesh, "", nil},
		{"10.1.2.3:9005", "shop/web", Intercepted, "includeOutboundPorts", []string{"9005"}},
		{"10.1.2.3:9005", "nightly", Bypassed, "excludeOutboundPorts", []string{"9000-9010"}},
		{"192.0.2.9:5432", "shop/web", Bypassed, "excludeOutbound", []string{"192.0.2.0/24@5432"}},
		{"192.0.2.9:5433", "shop/web", Intercepted, "", nil},
		{"10.1.2.3:80", "closed", Intercepted, "", nil},
		{"127.0.0.1:3306", "shop/web", LeftToMesh, "", nil},
		{"198.51.100.1:6379", "once", Bypassed, "excludeOutboundPorts", []string{"6379"}},
		{"198.51.100.1:6380", "once", NotOurs, "", nil},
		{"10.1.2.3:80", "node", NotOurs, "", nil},
	} {
		t.Run(test.workload+" "+test.connection, func(t *testing.T) {
			r := asked(t, test.connection)
			require.NoError(t, r.Only(test.workload))
			require.Len(t, r.Workloads, 1)
			d := r.Workloads[0].Decision
			assert.Equal(t, test.verdict, d.Verdict)
			assert.Equal(t, test.field, d.Field)
			var by []string
			for _, e := range d.By {
				by = append(by, e.Entry)
			}
			assert.Equal(t, test.by, by)
			assert.Equal(t, test.field == "", d.Why != "", "it is always said why")
		})
	}
	c, err := traffic.ParseInbound("80")
	require.NoError(t, err)
	r := reportOf(t, spec, manifests)
	r.Decide(c, "80")
	require.NoError(t, r.Only("closed"))
	assert.Equal(t, Bypassed, r.Workloads[0].Decision.Verdict, "nothing is included")
	assert.Len(t, r.Workloads[0].Decision.By, 1)
}

// TestAnswersAreTheDecision asks about drawn connections: the verdict has to be
// that of the one decision function, and to name an entry whenever a field
// decides.
func TestAnswersAreTheDecision(t *testing.T) {
	r := reportOf(t, spec, manifests)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"169.254.169.254", "10.0.0.1", "192.0.2.1", "198.51.100.1", "[fd00::1]"}).Draw(t, "address") +
			rapid.SampledFrom([]string{":53", ":80", ":3306", ":5432", ":9000", ":9005", ":6379"}).Draw(t, "port") +
			rapid.SampledFrom([]string{"", "/UDP"}).Draw(t, "protocol")
		c, err := traffic.ParseOutbound(text)
		require.NoError(t, err)
		r.Decide(c, text)
		for _, w := range r.Workloads {
			var l traffic.Layer
			for _, f := range w.Fields {
				for _, e := range f.Entries {
					if e.InForce {
						var one traffic.Layer
						require.NoError(t, one.Set(traffic.Field(f.Field), e.Holds))
						l = l.Add(one)
					}
				}
			}
			want := l.Settings().Decide(c)
			require.Equal(t, want.Verdict == traffic.Bypassed, w.Decision.Verdict == Bypassed)
			require.Equal(t, string(want.By), w.Decision.Field)
			require.Equal(t, want.By != "", len(w.Decision.By) > 0)
		}
	})
}

func TestChanges(t *testing.T) {
	for name, test := range map[string]struct {
		before  func(spec, manifests string) (string, string)
		kind    ChangeKind
		because []string
		added   []string
		removed []string
	}{
		"nothing": {func(s, m string) (string, string) { return s, m }, Unchanged, nil, nil, nil},
		"a comment, and the order of keys": {func(s, m string) (string, string) {
			return "# new\n" + s, strings.Replace(m, "{name: web, namespace: shop}", "{namespace: shop, name: web}", 1)
		}, Unchanged, nil, nil, nil},
		"a port of a range":    {func(s, m string) (string, string) { return strings.Replace(s, "9000-9010", "9000-9009", 1), m }, Changed, []string{BecauseOfSettings}, []string{"9010"}, nil},
		"a range of addresses": {func(s, m string) (string, string) { return strings.Replace(s, "10.0.0.0/8", "10.0.0.0/9", 1), m }, Changed, []string{BecauseOfSettings}, []string{"10.0.0.0/8"}, []string{"10.0.0.0/9"}},
		"what was said by another scope": {func(s, m string) (string, string) {
			return strings.Replace(strings.Replace(s, "[3306, ", "[", 1), "includeOutboundPorts: [9005]", "includeOutboundPorts: [9005]\n    excludeOutboundPorts: [3306]", 1), m
		}, Unchanged, nil, nil, nil},
		"the image": {func(s, m string) (string, string) {
			return strings.Replace(s, "image: ghcr.io", "image: other.io", 1), m
		}, Changed, []string{BecauseOfEnforcement}, nil, nil},
		"the mode, where the container is needed anyway": {func(s, m string) (string, string) { return strings.Replace(s, "WhereNeeded", "InitContainer", 1), m }, Unchanged, nil, nil, nil},
		"the app": {func(s, m string) (string, string) {
			return s, strings.Replace(m, "containers: []", "containers: [{name: web, image: web}]", 1)
		}, Changed, []string{BecauseOfTemplate}, nil, nil},
		"all of it": {func(s, m string) (string, string) {
			return strings.NewReplacer("3306", "3307", "image: ghcr.io", "image: other.io").Replace(s), strings.Replace(m, "containers: []", "containers: [{name: web, image: web}]", 1)
		}, Changed, []string{BecauseOfSettings, BecauseOfEnforcement, BecauseOfTemplate}, []string{"3306"}, []string{"3307"}},
		"the workload": {func(s, m string) (string, string) { return s, strings.Replace(m, "name: web", "name: other", 1) }, New, nil, nil, nil},
		"the first rule": {func(_, m string) (string, string) {
			return "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {}\n", m
		}, Changed, []string{BecauseOfSettings}, nil, nil},
		"a mistake": {func(s, m string) (string, string) { return s, strings.Replace(m, `"9090"`, `"9090-9099"`, 1) }, Unknown, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := reportOf(t, spec, manifests)
			r.Compare(reportOf(t, first(test.before(spec, manifests)), second(test.before(spec, manifests))))
			require.NoError(t, r.Only("shop/web"))
			c := r.Workloads[0].Change
			assert.Equal(t, test.kind, c.Kind)
			assert.Equal(t, test.because, c.Because)
			assert.Equal(t, test.because != nil, c.Restarts)
			var added, removed []string
			for _, f := range c.Fields {
				for _, e := range f.Added {
					added = append(added, e.Holds...)
				}
				for _, e := range f.Removed {
					removed = append(removed, e.Holds...)
				}
			}
			if test.added != nil || test.removed != nil {
				assert.Equal(t, test.added, added)
				assert.Equal(t, test.removed, removed)
			}
		})
	}
}

// What reads like a smaller bypass may be a pod without a sidecar.
func TestCompareTellsWhatBecomesOfAWorkload(t *testing.T) {
	for name, test := range map[string]struct {
		now, says string
		other     bool
	}{
		"opts out":    {"spec: {hostNetwork: true, ", "now left alone, since it uses the host's network, where the rules would change the node (spec.template.spec.hostNetwork); before: written", false},
		"another key": {"metadata: {annotations: {sidecar.istio.io/interceptionMode: NONE}}\n    spec: {", "", true},
		"nothing":     {"spec: {", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    spec: {containers: [{name: a, image: a}]}\n"
			r := reportOf(t, spec, strings.Replace(web, "spec: {c", test.now+"c", 1))
			r.Compare(reportOf(t, spec, web))
			assert.Equal(t, test.says, r.Workloads[0].Change.Outcome)
			if test.says != "" {
				for _, format := range []string{"table", "wide"} {
					said := strings.Join(strings.Fields(writtenExplanation(t, format, r)), " ")
					assert.Contains(t, said, "pods restart (settings, template); "+test.says)
				}
			}
			for format, says := range map[string]string{
				"table": "everything inbound, everything outbound by sidecar.istio.io/interceptionMode: NONE",
				"wide":  "everything inbound, everything outbound by sidecar.istio.io/interceptionMode: NONE",
				"csv":   `other,sidecar.istio.io/interceptionMode: NONE,"everything inbound, everything outbound"`,
			} {
				said := writtenExplanation(t, format, r)
				assert.Equal(t, test.other, strings.Contains(said, says), said)
			}
		})
	}
}

func first(a, _ string) string  { return a }
func second(_, b string) string { return b }

func TestChangesCount(t *testing.T) {
	r := compared(t)
	assert.Equal(t, &Comparison{Changed: 3, Restarted: 1, Gone: []fn.TemplateRef{{ResourceRef: fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "old"}}}}, r.Comparison)
	for _, w := range r.Workloads {
		if w.Kind == "CronJob" {
			assert.True(t, w.Change.Template)
			assert.False(t, w.Change.Restarts, "a job that runs goes on as it began")
		}
	}
}

func TestWhosePodsRestart(t *testing.T) {
	const before = "spec: {global: {excludeOutboundPorts: [1]}}"
	const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster, annotations: {config.kubernetes.io/local-config: 'true'}}\n"
	const enforced = ", enforcement: {mode: InitContainer, image: registry.example.com/init:1}}"
	const pods = "{spec: {containers: [{name: a, image: a}]}}"
	const zalando = "{apiVersion: acid.zalan.do/v1, kind: postgresql, metadata: {name: a, namespace: shop}, spec: {}}"
	for name, test := range map[string]struct {
		object, before, after string
		restarts              bool
	}{
		"Kafka":      {"{apiVersion: kafka.strimzi.io/v1, kind: Kafka, metadata: {name: a, namespace: shop}, spec: {kafka: {}}}", "}", "}", true},
		"RayService": {"{apiVersion: ray.io/v1, kind: RayService, metadata: {name: a, namespace: shop}, spec: {rayClusterConfig: {headGroupSpec: {template: " + pods + "}}}}", "}", "}", true},
		"RayCluster": {"{apiVersion: ray.io/v1, kind: RayCluster, metadata: {name: a, namespace: shop}, spec: {headGroupSpec: {template: " + pods + "}}}", "}", "}", false},
		"CloudNativePG, which changes annotations of pods that run": {"{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: a, namespace: shop}, spec: {}}", "}", "}", false},
		"a WorkflowTemplate, for the next Workflow":                 {"{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: a, namespace: shop}, spec: {templates: [{name: b, container: {image: b}}]}}", "}", "}", false},
		"Zalando's, by annotations alone":                           {zalando, ", enforcement: {mode: AnnotationsOnly}}", ", enforcement: {mode: AnnotationsOnly}}", false},
		"Zalando's, by arguments":                                   {zalando, enforced, enforced, false},
		"Zalando's, by its first init container":                    {zalando, ", enforcement: {mode: AnnotationsOnly}}", enforced, true},
		"Zalando's, by another image":                               {zalando, strings.Replace(enforced, "init:1", "init:2", 1), enforced, true},
	} {
		t.Run(name, func(t *testing.T) {
			was, is := strings.TrimSuffix(before, "}")+test.before, strings.Replace(strings.TrimSuffix(before, "}"), "[1]", "[1, 2]", 1)+test.after
			r := reportOf(t, head+is, test.object)
			r.Compare(reportOf(t, head+was, test.object))
			require.NotEmpty(t, r.Workloads)
			for _, w := range r.Workloads {
				if w.Change.Template {
					assert.Equal(t, test.restarts, w.Change.Restarts)
				}
			}
			assert.Equal(t, test.restarts, r.Comparison.Restarted > 0)
			assert.NotZero(t, r.Comparison.Changed)
		})
	}
}

func TestOnlyOneOfTheChanges(t *testing.T) {
	r := compared(t)
	require.NoError(t, r.Only("nightly"))
	assert.Equal(t, &Comparison{Changed: 1, Gone: []fn.TemplateRef{}}, r.Comparison)
	assert.Contains(t, writtenExplanation(t, "table", r), "1 of 1 workloads changed, and the pods of 0 restart\nCronJob shop/nightly (shop.yaml:11): only new pods change (settings)\n")
	r = compared(t)
	require.NoError(t, r.Only("old"))
	assert.Equal(t, "0 of 0 workloads changed, and the pods of 0 restart\ngone: Deployment shop/old\n", writtenExplanation(t, "table", r))
}

func TestOnly(t *testing.T) {
	near := map[string]bool{"vault/web": true, "statefulset/shop/web": true, "wbe": true, "shop/wbe": true}
	for name, want := range map[string]int{
		"web": 1, "deployment/web": 1, "Deployment/web": 1, "shop/web": 1, "deployment/shop/web": 1, "cronjob/nightly": 1,
		"vault/web": 0, "statefulset/shop/web": 0, "wbe": 0, "shop/wbe": 0, "we": 0, "a/b/c/web": 0, "": 0,
	} {
		r := reportOf(t, spec, manifests)
		err := r.Only(name)
		if want == 0 {
			assert.ErrorContains(t, err, "matches no workload in the manifests", "%q", name)
			if remedy := "did you mean Deployment/shop/web?"; near[name] {
				assert.ErrorContains(t, err, remedy)
			} else {
				assert.ErrorContains(t, err, "the manifests hold CronJob/shop/nightly, Deployment/shop/node, Deployment/shop/web")
			}
			continue
		}
		require.NoError(t, err, name)
		assert.Len(t, r.Workloads, want)
	}
}

func TestRelocate(t *testing.T) {
	r := reportOf(t, spec, manifests)
	r.Relocate(func(file string, line int) (string, int) {
		if file == "" {
			return "", line
		}
		return "v1:" + file, line + 1000
	})
	text := writtenExplanation(t, "json", r)
	assert.NotContains(t, text, `"bypass.yaml"`)
	assert.NotContains(t, text, `"shop.yaml"`)
	assert.Contains(t, text, `"v1:bypass.yaml",
        "line": 1`)
}

// TestSpreadsheetsExecuteNothing has a reason that begins as a formula does.
func TestSpreadsheetsExecuteNothing(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(writtenExplanation(t, "csv", reportOf(t, spec, manifests)))).ReadAll()
	require.NoError(t, err)
	found := false
	for _, row := range rows {
		for _, cell := range row {
			assert.NotRegexp(t, `^[=+@-]`, cell)
			found = found || cell == "'=the cloud's metadata, and the offices"
		}
	}
	assert.True(t, found)
}

// TestReadersAreNotDeceived has a reason that would clear a terminal's screen, and turn the
// direction of what follows.
func TestReadersAreNotDeceived(t *testing.T) {
	r := reportOf(t, strings.Replace(spec, "=the cloud's", `\e[2J\u009b2J\u202E`, 1), manifests)
	for _, format := range []string{"table", "wide", "markdown", "csv"} {
		text := writtenExplanation(t, format, r)
		assert.NotRegexp(t, `[\x{1b}\x{9b}\x{202e}]`, text, format)
		assert.Contains(t, html.UnescapeString(text), `\x1b[2J\u009b2J\u202e`, format)
	}
}

// Of what is refused nothing is written: it bypasses nothing yet, and why it is refused
// is said once.
func TestExplainOfManyThatAreRefused(t *testing.T) {
	const limited = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n  meshDefaults: {excludeInboundPorts: [15020]}\n  global: {excludeOutboundIPRanges: [192.0.2.1/32]}\n  limits: {forbiddenOutboundPorts: [25]}\n  enforcement: {mode: AnnotationsOnly}\n"
	web := func(name, annotations string) string {
		return "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {annotations: {" + annotations + "}}\n    spec: {containers: [{name: a, image: a}]}\n"
	}
	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(limited)}), []fn.Manifest{{Path: "a.yaml", Text: []byte(web("a", "") + web("b", "") + web("c", `traffic.sidecar.istio.io/excludeInboundPorts: "9090"`))}}, fn.Options{}, "2026-11-25")
	require.NoError(t, err)
	r := NewExplanation(x)
	said := writtenExplanation(t, "table", r)
	assert.Contains(t, said, "3 of 3 bypass something, if what is refused is allowed:\n")
	assert.Contains(t, said, "2 workloads (Deployment a, Deployment b): refused [1]\n")
	assert.Equal(t, 1, strings.Count(said, "must not bypass the sidecar"), said)
	assert.Regexp(t, `(?m)^  excludeOutboundIPRanges +192\.0\.2\.1/32 +all +\[\d\]$`, said)
	assert.Regexp(t, `(?m)^  excludeInboundPorts +15020 +all +mesh configuration +\[\d\]$`, said)
	assert.Regexp(t, `(?m)^ +9090 +all +annotation +\[\d\]$`, said)

	x, err = fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(strings.Replace(limited, "[192.0.2.1/32]", "[]", 1))}), []fn.Manifest{{Path: "a.yaml", Text: []byte(web("a", ""))}}, fn.Options{}, "2026-11-25")
	require.NoError(t, err)
	assert.Contains(t, writtenExplanation(t, "table", NewExplanation(x)), "0 of 1 bypass something, 1 only what the mesh's own configuration lets past:\n  inbound  15020 (1)\n")
}

// What no entry lets bypass is intercepted only where the mesh has rules for it.
func TestDecideKnowsMeshesWithRulesForIPv4Alone(t *testing.T) {
	const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n  global: {excludeOutboundPorts: [3306]}\n  mesh: "
	const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    spec: {containers: [{name: a, image: a}]}\n"
	for _, mesh := range []string{"FSM", "OSM", "Istio", "Kuma", "Linkerd", "Consul"} {
		const alone, unless = "bypassed: the mesh's own rules are for IPv4 alone", "perhaps bypassed: the mesh leaves IPv6 alone unless its chart has disableIPv6: false"
		ipv6 := map[string]string{"FSM": alone, "OSM": alone, "Linkerd": unless}[mesh]
		for to, said := range map[string]string{
			"[2001:db8::1]:443": cmp.Or(ipv6, "intercepted"), "192.0.2.1:443": "intercepted", "[::ffff:192.0.2.1]:443": "intercepted",
			"192.0.2.1:3306": "bypassed by", "[2001:db8::1]:3306": "bypassed by",
		} {
			c, err := traffic.ParseOutbound(to)
			require.NoError(t, err)
			r := reportOf(t, head+mesh+"\n", web)
			r.Decide(c, to)
			d := r.Workloads[0].Decision
			assert.True(t, strings.HasPrefix(d.Says(), to+" "+said), "of %s: %s", mesh, d.Says())
		}
	}
}

// What the mesh does with a port of its own is no matter of the spec.
func TestDecideKnowsWhatTheMeshHasForItself(t *testing.T) {
	const ipv4Alone = "kuma.io/transparent-proxying-ip-family-mode: ipv4"
	for _, test := range []struct{ mesh, annotation, port, says string }{
		{"Istio", "", "15020", "bypassed: Istio excludes it in every pod"},
		{"Istio", "", "15006", "left to the mesh: it is a port of Istio's sidecar and agent"},
		{"Istio", "", "8080", "intercepted: no entry covers it"},
		{"Istio", `status.sidecar.istio.io/port: "8080"`, "8080", "bypassed: by status.sidecar.istio.io/port: 8080"},
		{"Istio", `status.sidecar.istio.io/port: "8080"`, "15020", "perhaps bypassed: Istio's CNI plugin excludes it in every pod"},
		{"Istio", `traffic.sidecar.istio.io/includeInboundPorts: "80"`, "15020", "bypassed by includeInboundPorts"},
		{"Linkerd", "", "4191", "bypassed: Linkerd excludes it in every pod"},
		{"Linkerd", `config.linkerd.io/admin-port: "5191"`, "4191", "intercepted: no entry covers it"},
		{"Linkerd", `config.linkerd.io/admin-port: "5191"`, "5191", "bypassed: by config.linkerd.io/admin-port: 5191"},
		{"Linkerd", "", "4143", "left to the mesh: it is a port of Linkerd's inbound proxy"},
		{"FSM", "", "15010", "bypassed: FSM excludes it in every pod"},
		{"Kuma", "", "9001", "bypassed: Kuma excludes it in every pod"},
		{"Kuma", `kuma.io/application-probe-proxy-port: "8443"`, "9001", "intercepted: no entry covers it"},
		{"Kuma", `kuma.io/application-probe-proxy-port: "8443"`, "8443", "bypassed: by kuma.io/application-probe-proxy-port: 8443"},
		{"Kuma", `kuma.io/application-probe-proxy-port: "0"`, "9001", "perhaps bypassed: by kuma.io/application-probe-proxy-port: 0"},
		{"Istio", `status.sidecar.istio.io/port: "0"`, "15020", "perhaps bypassed: Istio's CNI plugin excludes it in every pod"},
		{"Kuma", "", "53", "intercepted: no entry covers it"},
		{"Kuma", "", "to 192.0.2.1:53", "perhaps bypassed: in Kuma since 2.13.1 as in 2.12.6 and 2.11.9, TCP to port 53 passes no sidecar"},
		{"Kuma", "", "to 192.0.2.1:53/UDP", "left to the mesh"},
		{"Kuma", "", "to 127.0.0.1:53", "left to the mesh: no rule is about loopback"},
		{"Kuma", `traffic.kuma.io/exclude-outbound-ports: "53,3306"`, "to 192.0.2.1:53", "bypassed by excludeOutboundPorts"},
		{"Kuma", "", "to 192.0.2.1:443", "intercepted"},
		{"Istio", "", "to 192.0.2.1:53", "intercepted"},
		{"Kuma", ipv4Alone, "to 192.0.2.1:443", "intercepted"},
		{"Kuma", ipv4Alone, "to [2001:db8::1]:443", "bypassed: by kuma.io/transparent-proxying-ip-family-mode: ipv4"},
		{"Kuma", ipv4Alone, "443", "perhaps bypassed: by kuma.io/transparent-proxying-ip-family-mode: ipv4, but over IPv6 alone"},
		{"Kuma", "kuma.io/transparent-proxying-ip-family-mode: dualstack", "to [2001:db8::1]:443", "intercepted"},
	} {
		r := reportOf(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n  global: {excludeOutboundPorts: [3306]}\n  mesh: "+test.mesh+"\n",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {annotations: {"+test.annotation+"}}\n    spec: {containers: [{name: a, image: a}]}\n")
		parse := traffic.ParseInbound
		if to, out := strings.CutPrefix(test.port, "to "); out {
			parse, test.port = traffic.ParseOutbound, to
		}
		c, err := parse(test.port)
		require.NoError(t, err)
		r.Decide(c, test.port)
		assert.Contains(t, r.Workloads[0].Decision.Says(), test.port+" "+test.says, "%s %s", test.mesh, test.annotation)
	}
}

// In the environment of istio-init a list of ports is what an annotation of ports is,
// and nothing where there is one.
func TestDecideReadsWhatAProxyConfigSaysOfPorts(t *testing.T) {
	const config = "proxy.istio.io/config: \"proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '5432,6379'}\""
	for annotations, says := range map[string]string{
		config: "perhaps bypassed: by proxy.istio.io/config: proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '5432,6379'}, but Istio's CNI plugin does not read it",
		config + ", traffic.sidecar.istio.io/excludeOutboundPorts: '80'":                               "intercepted: no entry covers it",
		strings.Replace(config, "5432,", "", 1):                                                        "intercepted: no entry covers it",
		"proxy.istio.io/config: 'interceptionMode: NONE'":                                              "bypassed: by proxy.istio.io/config: interceptionMode: NONE",
		"proxy.istio.io/config: 'interceptionMode: NONE', sidecar.istio.io/interceptionMode: REDIRECT": "intercepted: no entry covers it",
	} {
		r := reportOf(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec: {}\n",
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {annotations: {"+annotations+"}}\n    spec: {containers: [{name: a, image: a}]}\n")
		c, err := traffic.ParseOutbound("10.0.0.1:5432")
		require.NoError(t, err)
		r.Decide(c, "10.0.0.1:5432")
		assert.Contains(t, r.Workloads[0].Decision.Says(), "10.0.0.1:5432 "+says, annotations)
	}
}

func TestExplainOfWhatHasNoPlace(t *testing.T) {
	const (
		spec    = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutbound: [{ipRanges: [10.1.0.0/16], ports: [5432]}]}\n  enforcement: {image: a}\n"
		objects = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec: {instances: 1}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: []}}}\n"
	)
	r := reportOf(t, spec, objects)
	text := writtenExplanation(t, "table", r)
	assert.Contains(t, text, "none, without a place")
	assert.Contains(t, text, "10.1.0.0/16@5432 (1)")
	assert.Equal(t, 1, strings.Count(writtenExplanation(t, "csv", r), "10.1.0.0/16@5432,10.1.0.0/16@5432"))
	c, err := traffic.ParseOutbound("10.1.2.3:5432")
	require.NoError(t, err)
	r.Decide(c, "10.1.2.3:5432")
	assert.Equal(t, Intercepted, r.Workloads[0].Decision.Verdict)
	assert.Contains(t, r.Workloads[0].Decision.Why, "does not hold in these pods")
	assert.Equal(t, Bypassed, r.Workloads[1].Decision.Verdict)
}
