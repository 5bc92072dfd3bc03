package fn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// What a controller made is left as it is: no record of its own accounts for what it has.
// Of what was read from a cluster all is said where the template came from, but for what
// breaks a limit.
func TestWhatAControllerMakes(t *testing.T) {
	const (
		spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n" +
			"  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: InitContainer, image: init}\n"
		limits = "  limits: {forbiddenInboundPorts: [22], podAnnotations: {namespaces: []}, meshOptOut: {namespaces: []}}\n"
		object = `apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web
  namespace: shop
  resourceVersion: "7"
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}]
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata:
      labels: {a: b}
      annotations:
        krm-bypass.dev/policy: v1:8cffb4afbad282d7
        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"
    spec:
      initContainers:
      - {name: krm-bypass-init, image: init, args: [--exclude-outbound-ports=3306]}
      containers:
      - {name: app, image: app}
`
		owner     = "kind: Deployment,"
		version   = "  resourceVersion: \"7\"\n"
		policy    = "        krm-bypass.dev/policy: v1:8cffb4afbad282d7\n"
		carried   = "workloads of this namespace may not carry the annotation"
		forbidden = "inbound port 22 must not bypass the sidecar"
		mistyped  = "sidecar.istio.io/injekt"
	)
	record := "  annotations: {krm-bypass.dev/last-applied: '{\"v\":2,\"spec\":\"cluster\",\"wrote\":{\"krm-bypass-init\":\"0\"},\"sum\":\"0\"}'}\n"
	annotated := []string{policy, policy + "        " + mistyped + ": \"true\"\n"}
	for name, test := range map[string]struct {
		change []string // pairs of what is replaced by what
		limits bool
		told   []string
	}{
		"a copy":                             {nil, true, nil},
		"a record came along":                {[]string{version, version + record}, true, nil},
		"a sidecar was put in":               {[]string{"      containers:\n", "      - {name: istio-init, image: proxy}\n      containers:\n      - {name: istio-proxy, image: proxy}\n"}, true, nil},
		"a mistyped key":                     {annotated, false, nil},
		"it breaks a limit":                  {[]string{policy, policy + "        traffic.sidecar.istio.io/excludeInboundPorts: \"22\"\n"}, true, []string{forbidden}},
		"never in a cluster":                 {[]string{version, ""}, true, []string{carried}},
		"never in a cluster, a mistyped key": {append([]string{version, ""}, annotated...), false, []string{mistyped}},
		"made by nobody we know":             {[]string{owner, "kind: Shop,"}, true, []string{carried}},
		"by nobody we know, a mistyped key":  {append([]string{owner, "kind: Shop,"}, annotated...), false, []string{mistyped}},
		"no copy of its owner":               {append([]string{"kind: ReplicaSet", "kind: StatefulSet"}, annotated...), false, []string{mistyped}},
	} {
		t.Run(name, func(t *testing.T) {
			spec, text := spec, strings.NewReplacer(test.change...).Replace(object)
			if test.limits {
				spec += limits
			}
			file := manifest("web.yaml", text)
			files, results, _ := rendered(t, spec, file)
			if !results.Failed() {
				assert.Equal(t, text, string(files[0].Text))
			}
			report := results.Report()
			assert.Equal(t, len(test.told), strings.Count(report, "\n"), report)
			for _, told := range test.told {
				assert.Contains(t, report, told)
			}
			checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{file}, fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			assert.Equal(t, report, checked.Results.Report())
			require.Len(t, checked.Objects, 1)
			assert.Empty(t, checked.Objects[0].Differences)
			if !results.Failed() {
				assert.Equal(t, "a controller owns it and would undo any change (metadata.ownerReferences)", checked.Objects[0].LeftAlone)
			}
			explained, _ := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{file}, fn.Options{}, "")
			require.Len(t, explained.Workloads, 1)
			if assert.Len(t, explained.Workloads[0].Others, 1) {
				assert.Equal(t, "krm-bypass-init", explained.Workloads[0].Others[0].Value)
			}
		})
	}
}
