package fn_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const initialSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  global:
    excludeOutboundPorts: [3306]
    forInitContainers:
      excludeOutboundPorts: [443]
  enforcement: {image: "ghcr.io/krm-bypass/init:v0.1.0"}
`

const initialWorkload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: fetch, image: "fetch:1"}  # what it serves
      containers:
      - {name: web, image: "web:1"}
`

func manifestOf(text string) []fn.Manifest {
	return []fn.Manifest{{Path: "web.yaml", Text: []byte(text)}}
}

func specOf(text string) *fn.Spec {
	return fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(text)})
}

// written gives what a spec makes of a manifest.
func written(t *testing.T, spec, text string) string {
	t.Helper()
	files, results, err := fn.Manifests(specOf(spec), manifestOf(text), fn.Options{})
	require.NoError(t, err, results.Report())
	return string(files[0].Text)
}

var itemName = regexp.MustCompile(`(?m)^      - (?:\{)?name: ([\w-]+)`)

// namesIn gives the names of the containers in their order.
func namesIn(text string) (names []string) {
	for _, found := range itemName.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	return names
}

// blockOf cuts a container of ours out of a text.
func blockOf(t *testing.T, text, name string) string {
	t.Helper()
	start := strings.Index(text, "      - name: "+name+"\n")
	require.GreaterOrEqual(t, start, 0)
	end := regexp.MustCompile(`(?m)^      (- |[a-z])`).FindStringIndex(text[start+8:])
	return text[start : start+8+end[0]]
}

func TestOursGoAroundWhateverComesLater(t *testing.T) {
	const more, sidecar = "      - {name: more, image: \"more:1\"}\n", "      - {name: agent, image: \"agent:1\", restartPolicy: Always}\n"
	ours := written(t, initialSpec, initialWorkload)
	first, close := blockOf(t, ours, "krm-bypass-init"), blockOf(t, ours, "krm-bypass-close")
	fetch := "      - {name: fetch, image: \"fetch:1\"}  # what it serves\n"
	require.Equal(t, []string{"krm-bypass-init", "fetch", "krm-bypass-close", "web"}, namesIn(ours))
	list := func(items ...string) string {
		return strings.Replace(ours, first+fetch+close, strings.Join(items, ""), 1)
	}
	for name, test := range map[string]struct {
		list string
		want []string
		// says are the messages of check.
		says []string
		// left is what stays when ours are taken away.
		left string
	}{
		"behind":            {list(first, fetch, close, more), []string{"krm-bypass-init", "fetch", "more", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-close here, and it stands elsewhere: krm-bypass's init containers go around all others"}, fetch + more},
		"in front":          {list(more, first, fetch, close), []string{"krm-bypass-init", "more", "fetch", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-init here, and it stands elsewhere: krm-bypass's init containers go around all others"}, more + fetch},
		"on both sides":     {list(more, first, close, fetch), []string{"krm-bypass-init", "more", "fetch", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-init here, and it stands elsewhere: krm-bypass's init containers go around all others", "expected the container krm-bypass-close here, and it stands elsewhere: krm-bypass's init containers go around all others"}, more + fetch},
		"between":           {list(first, more, fetch, close), []string{"krm-bypass-init", "more", "fetch", "krm-bypass-close", "web"}, nil, more + fetch},
		"the other way":     {list(close, fetch, first), []string{"krm-bypass-init", "fetch", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-init here, and it stands elsewhere: krm-bypass's init containers go around all others", "expected the container krm-bypass-close here, and it stands elsewhere: krm-bypass's init containers go around all others"}, fetch},
		"the last is gone":  {list(first, fetch), []string{"krm-bypass-init", "fetch", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-close here"}, fetch},
		"the first is gone": {list(fetch, close), []string{"krm-bypass-init", "fetch", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-init here"}, fetch},
		"a sidecar between": {list(first, sidecar, fetch, close), []string{"krm-bypass-init", "agent", "fetch", "krm-bypass-close", "web"}, []string{"expected the container krm-bypass-close here; krm-bypass wrote what is here for an earlier spec"}, sidecar + fetch},
	} {
		t.Run(name, func(t *testing.T) {
			checked, err := fn.Check(specOf(initialSpec), manifestOf(test.list), fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			var says []string
			for _, d := range checked.Objects[0].Differences {
				if strings.Contains(d.Message, "container") {
					says = append(says, d.Message)
				}
			}
			assert.ElementsMatch(t, test.says, says)

			again := written(t, initialSpec, test.list)
			assert.Equal(t, test.want, namesIn(again))
			assert.Equal(t, slices.Contains(namesIn(test.list), "agent"), strings.Contains(again, "--end-connections"))
			assert.Equal(t, again, written(t, initialSpec, again))
			assert.Equal(t, strings.Replace(initialWorkload, fetch, test.left, 1), written(t, sayNothing, again), "taking ours away gives back the rest")
		})
	}
}

// TestBothAreKnownAsAnAPIServerKeepsThem has what it fills in, and what it drops.
func TestBothAreKnownAsAnAPIServerKeepsThem(t *testing.T) {
	for name, spec := range map[string]string{"settings stay": initialSpec, "nothing stays": strings.Replace(initialSpec, "    excludeOutboundPorts: [3306]\n", "", 1)} {
		ours := written(t, spec, initialWorkload)
		kept := strings.ReplaceAll(ours, "        imagePullPolicy: IfNotPresent\n", "        imagePullPolicy: IfNotPresent\n        terminationMessagePath: /dev/termination-log\n        terminationMessagePolicy: File\n")
		kept = strings.ReplaceAll(kept, "              fieldPath:", "              apiVersion: v1\n              fieldPath:")
		assert.Equal(t, 2, strings.Count(kept, "terminationMessagePolicy"), name)
		assert.NotContains(t, kept, "args: []", name)
		checked, err := fn.Check(specOf(spec), manifestOf(kept), fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		assert.True(t, checked.Passed(), "%s: %+v", name, checked.Objects)
		assert.Equal(t, kept, written(t, spec, kept), name)
		assert.Equal(t, initialWorkload, written(t, sayNothing, kept), name)
	}
}

func TestTheLastIsRefusedWhereItWasChangedByHand(t *testing.T) {
	ours := written(t, initialSpec, initialWorkload)
	close := blockOf(t, ours, "krm-bypass-close")
	open := strings.Replace(ours, close, strings.Replace(close, "        - --exclude-outbound-ports=3306\n", "        - --exclude-outbound-ports=3306\n        - --on-failure=continue\n", 1), 1)
	require.NotEqual(t, ours, open)
	_, results, err := fn.Manifests(specOf(initialSpec), manifestOf(open), fn.Options{})
	require.Error(t, err)
	assert.Contains(t, results.Report(), "the container krm-bypass-close was changed after krm-bypass wrote it (its args are [\"--exclude-outbound-ports=3306\", \"--on-failure=continue\"]; the rest is as spec.enforcement has it): remove it, and krm-bypass writes it again; set its image and resources in spec.enforcement")
}

// TestWhatOthersDoToThemBehindTheSpec has finished manifests that others changed.
func TestWhatOthersDoToThemBehindTheSpec(t *testing.T) {
	ours := written(t, initialSpec, initialWorkload)
	first, close := blockOf(t, ours, "krm-bypass-init"), blockOf(t, ours, "krm-bypass-close")
	const more = "      - {name: more, image: \"more:1\"}\n"
	for name, test := range map[string]struct {
		finished string
		says     []string
		fields   []string
	}{
		"as it was": {ours, nil, nil},
		"one comes behind": {strings.Replace(ours, close, close+more, 1),
			[]string{"it wrote the container krm-bypass-close, and here is the container more: list"},
			[]string{"excludeOutboundPorts 3306", "forInitContainers.excludeOutboundPorts 443,3306"}},
		"the last is gone": {strings.Replace(ours, close, "", 1),
			[]string{"it wrote the container krm-bypass-close, and here is nothing: list"},
			[]string{"excludeOutboundPorts 443,3306"}},
		"the last ends nothing": {strings.Replace(ours, close, strings.ReplaceAll(close, "ports=3306", "ports=443,3306"), 1),
			[]string{`it wrote "--exclude-outbound-ports=3306", and here is "--exclude-outbound-ports=443,3306": list`},
			[]string{"excludeOutboundPorts 443,3306", "forInitContainers.excludeOutboundPorts 443,3306"}},
		"one in between goes on": {strings.Replace(ours, `image: "fetch:1"`, `restartPolicy: Always, image: "fetch:1"`, 1),
			[]string{`initContainers[1].restartPolicy: changed after krm-bypass wrote to this workload: the init container fetch goes on beside the application now, and what it connected to while init containers ran goes on bypassing, since krm-bypass-close was written without --end-connections: list`},
			[]string{"excludeOutboundPorts 3306", "forInitContainers.excludeOutboundPorts 443,3306"}},
		"one in between has another image": {strings.Replace(ours, `"fetch:1"`, `"fetch:2"`, 1), nil, nil},
		"the first comes behind the last": {strings.Replace(strings.Replace(ours, first, "", 1), close, close+first, 1),
			[]string{"it wrote the container krm-bypass-init, and here is the container fetch: list", "it wrote the container krm-bypass-close, and here is the container krm-bypass-init: list"},
			[]string{"excludeOutboundPorts 443,3306"}},
	} {
		t.Run(name, func(t *testing.T) {
			judged, err := fn.Judge(specOf(initialSpec), manifestOf(ours), manifestOf(test.finished), fn.Options{}, true, "2026-12-01")
			require.NoError(t, err)
			report := judged.Results.Report()
			assert.Equal(t, len(test.says), strings.Count(report, "[changed-after]"), report)
			for _, says := range test.says {
				assert.Contains(t, report, says)
			}
			var fields []string
			for _, w := range judged.Workloads {
				for _, f := range w.Fields {
					fields = append(fields, f.Field+" "+strings.Join(f.Effective, ","))
				}
			}
			assert.Equal(t, test.fields, fields, "what is in force")
		})
	}
}

func TestExplainOfWhatHoldsWhileInitContainersRun(t *testing.T) {
	const spec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  global:
    forInitContainers: {excludeOutboundPorts: [443, 8443], excludeOutboundIPRanges: [10.0.0.0/16]}
  workloads:
  - match: {names: [web]}
    reason: the schema
    forInitContainers: {excludeOutboundPorts: [5432]}
  enforcement: {image: "ghcr.io/krm-bypass/init:v0.1.0"}
`
	w := explain(t, spec, initialWorkload)[0]
	require.Len(t, w.Fields, 2)
	ports, ranges := w.Fields[0], w.Fields[1]
	assert.Equal(t, "forInitContainers.excludeOutboundPorts", ports.Field)
	assert.Equal(t, []string{"5432"}, ports.Effective)
	require.Len(t, ports.Entries, 3)
	assert.Equal(t, fn.ExplainedEntry{
		Entry: "443", From: fn.Source{Scope: "spec.global.forInitContainers", Path: "spec.global.forInitContainers.excludeOutboundPorts[0]", File: "spec.yaml", Line: 6},
		Lost: []fn.Loss{{Entries: []string{"443"}, To: fn.Source{Scope: "spec.workloads[0].forInitContainers", Path: "spec.workloads[0].forInitContainers.excludeOutboundPorts", File: "spec.yaml", Line: 10}}},
	}, ports.Entries[0])
	assert.Equal(t, fn.ExplainedEntry{
		Entry: "5432", Reason: "the schema", InForce: true, Holds: []string{"5432"}, CarriedBy: []string{"init container"},
		From: fn.Source{Scope: "spec.workloads[0].forInitContainers", Path: "spec.workloads[0].forInitContainers.excludeOutboundPorts[0]", File: "spec.yaml", Line: 10},
	}, ports.Entries[2])
	assert.Equal(t, []string{"10.0.0.0/16"}, ranges.Effective)
	assert.Equal(t, []string{"init containers need forInitContainers where Istio's CNI plugin makes the rules, which it does before them, and the sidecar is no native one; istio-init comes last, so that without the plugin they reach everything"}, w.Notes)

	native := explain(t, spec, strings.Replace(initialWorkload, "metadata: {labels: {app: web}}", `metadata: {labels: {app: web}, annotations: {sidecar.istio.io/nativeSidecar: "true"}}`, 1))[0]
	for _, note := range native.Notes {
		assert.NotContains(t, note, "need forInitContainers")
	}
}
