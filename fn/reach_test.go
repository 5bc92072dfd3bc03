package fn_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// workloadIn is one in a namespace, its labels and those of its template.
func workloadIn(namespace, name, labels, template string) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s, labels: {%s}}\nspec:\n  selector: {matchLabels: {app: %[1]s}}\n  template: {metadata: {labels: {%[4]s}}, spec: {containers: [{name: a, image: b}]}}\n---\n", name, namespace, labels, template)
}

// bypassOf is a spec with a body in flow style, the fifth line.
func bypassOf(body string) *fn.Spec {
	return fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  {enforcement: {mode: AnnotationsOnly}, " + body + "}\n")})
}

func filesOf(manifests ...string) []fn.Manifest {
	return []fn.Manifest{{Path: "shop.yaml", Text: []byte(strings.Join(manifests, ""))}}
}

// of gives those of the results that are of a kind, with their severities and places.
func of(kind string, results fn.Results) []string {
	var said []string
	for _, one := range results {
		if one.Tags[fn.CheckTag] == kind {
			path := ""
			if one.Field != nil {
				path = one.Field.Path + ": "
			}
			said = append(said, string(one.Severity)+": "+path+one.Message)
		}
	}
	return said
}

// TestWhomRulesReach has parts of specs that reach nobody, and what is said of them: by
// every command where something else was probably meant, by check and explain of all.
func TestWhomRulesReach(t *testing.T) {
	const port = ", excludeOutboundPorts: [5432]}]"
	api := workloadIn("shop-prod", "api", "app: api", "app: api")
	checkout := workloadIn("shop", "checkout", "app: web, team: payments", "app: web, app.kubernetes.io/name: checkout")
	bills, orders := workloadIn("shop", "bills", "", "app: bills, team: payments"), workloadIn("shop", "orders", "", "app: orders")
	clone := "apiVersion: apps.kruise.io/v1alpha1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n---\n"
	for name, test := range map[string]struct {
		spec string
		// slip is what render says too, and others what only check and explain say.
		slip, others string
		manifests    []string
	}{
		"a name":             {"workloads: [{match: {names: [apii]}" + port, "spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean api?", "", []string{api}},
		"a letter too few":   {"workloads: [{match: {names: [chekout]}" + port, "spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop/checkout: did you mean checkout?", "", []string{api, checkout}},
		"one of the names":   {"workloads: [{match: {names: [api, chekcout]}" + port, "spec.workloads[0].match.names[1]: it reaches no workload here, and there is Deployment shop/checkout: did you mean checkout?", "", []string{api, checkout}},
		"a pattern":          {"workloads: [{match: {names: ['chekout*']}" + port, "spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop/checkout: did you mean checkout*?", "", []string{api, checkout}},
		"of the end":         {"workloads: [{match: {names: ['*-apii']}" + port, "spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop/prod-api: did you mean *-api?", "", []string{checkout, workloadIn("shop", "prod-api", "", "app: api")}},
		"of the middle":      {"workloads: [{match: {names: ['prod-*-leger']}" + port, "spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop/prod-eu-ledger: did you mean prod-*-ledger?", "", []string{checkout, workloadIn("shop", "prod-eu-ledger", "", "app: api")}},
		"of namespaces":      {"namespaces: [{match: {names: ['shop-prd*']}" + port, "spec.namespaces[0].match.names[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod*?", "", []string{api}},
		"and a namespace":    {"workloads: [{match: {names: [api, chekout], namespaces: [shop-prod, shop]}" + port, "spec.workloads[0].match.names[1]: it reaches no workload here, and there is Deployment shop/checkout: did you mean checkout?", "", []string{api, checkout}},
		"three of them":      {"workloads: [{match: {names: [ordersx, ledger, billsx, chekout]}" + port, "spec.workloads[0].match.names: it reaches no workload here, and there is Deployment shop/orders, Deployment shop/bills, Deployment shop/checkout: did you mean orders, bills, checkout?", "", []string{orders, bills, checkout}},
		"a namespace":        {"namespaces: [{match: {names: [shop-prd]}" + port, "spec.namespaces[0].match.names[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod?", "", []string{api}},
		"a workload's":       {"workloads: [{match: {names: [api], namespaces: [shop-prd]}" + port, "spec.workloads[0].match.namespaces[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod?", "", []string{api}},
		"an enrolled one":    {"enrolment: {namespaces: [shop, shop-prd]}, workloads: [{match: {names: [checkout]}" + port, "spec.enrolment.namespaces[1]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod?", "", []string{api, checkout}},
		"a forbidden one":    {"limits: {forbiddenNamespaces: [shop-prd]}, workloads: [{match: {names: [checkout]}" + port, "spec.limits.forbiddenNamespaces[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod?", "", []string{api, checkout}},
		"annotators":         {"limits: {podAnnotations: {namespaces: [shop-prd]}}, workloads: [{match: {names: [checkout]}" + port, "spec.limits.podAnnotations.namespaces[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod?", "", []string{api, checkout}},
		"an opt-out":         {"limits: {meshOptOut: {namespaces: [shop-prd]}}, workloads: [{match: {names: [checkout]}" + port, "spec.limits.meshOptOut.namespaces[0]: it reaches no workload here, and there is Deployment shop-prod/api: did you mean shop-prod?", "", []string{api, checkout}},
		"a label's value":    {"workloads: [{match: {labelSelector: {matchLabels: {app.kubernetes.io/name: chekout}}}" + port, `spec.workloads[0].match.labelSelector.matchLabels["app.kubernetes.io/name"]: it reaches no workload here, and the pod template of Deployment shop/checkout has checkout: did you mean checkout?`, "", []string{api, checkout}},
		"a label's key":      {"workloads: [{match: {labelSelector: {matchLabels: {app.kubernetes.io/nmae: checkout}}}" + port, `spec.workloads[0].match.labelSelector.matchLabels["app.kubernetes.io/nmae"]: it reaches no workload here, and the pod template of Deployment shop/checkout has the label app.kubernetes.io/name: did you mean app.kubernetes.io/name?`, "", []string{api, checkout}},
		"an expression":      {"workloads: [{match: {labelSelector: {matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [chekout, cart]}]}}" + port, `spec.workloads[0].match.labelSelector.matchExpressions[0]: it reaches no workload here, and the pod template of Deployment shop/checkout has checkout: did you mean checkout?`, "", []string{api, checkout}},
		"an excluded one":    {"workloads: [{match: {labelSelector: {matchExpressions: [{key: app.kubernetes.io/name, operator: NotIn, values: [chekout, cart]}]}}" + port, `spec.workloads[0].match.labelSelector.matchExpressions[0].values[0]: it reaches no workload here, and the pod template of Deployment shop/checkout has checkout: did you mean checkout?`, "", []string{api, checkout}},
		"one of the values":  {"workloads: [{match: {labelSelector: {matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [checkout, cart]}]}}" + port, "", `spec.workloads[0].match.labelSelector.matchExpressions[0].values[1]: it reaches no workload here, which is right if it is meant for other manifests`, []string{api, checkout}},
		"the object's label": {"workloads: [{match: {labelSelector: {matchLabels: {app: web, team: payments}}}" + port, "spec.workloads[0].match.labelSelector: it reaches no workload here, and only the own labels of Deployment shop/checkout match, and a selector is for those of pod templates: add the labels there, or match it by name", "", []string{api, checkout}},
		"an API group":       {"workloads: [{match: {kinds: [StatefulSet.apps], names: [db]}" + port, "spec.workloads[0].match.kinds[0]: it reaches no workload here, and there is StatefulSet shop/db in another API group: did you mean StatefulSet.apps.kruise.io?", "", []string{clone}},
		"a podTemplate":      {"podTemplates: [{apiVersion: example.com/v1, kind: Worker, path: spec.template}], workloads: [{match: {names: [api]}" + port, "spec.podTemplates[0]: it reaches no workload here, and there is a Worker of jobs.example.com/v1: did you mean that?", "", []string{api, "apiVersion: jobs.example.com/v1\nkind: Worker\nmetadata: {name: w}\n---\n"}},
		"a kind":             {"workloads: [{match: {kinds: [CronJob], names: [api], namespaces: [shop-prod]}" + port, "spec.workloads[0].match.kinds: it reaches no workload here, and there is Deployment shop-prod/api: did you mean Deployment?", "", []string{api}},
		"an own label":       {"workloads: [{match: {labelSelector: {matchExpressions: [{key: team, operator: Exists}]}}" + port, "spec.workloads[0].match.labelSelector: it reaches no workload here, and only the own labels of Deployment shop/checkout match, and a selector is for those of pod templates: add the labels there, or match it by name", "", []string{api, checkout}},
		"one without it":     {"workloads: [{match: {labelSelector: {matchLabels: {team: payments}}}" + port, "spec.workloads[0].match.labelSelector: it does not reach Deployment shop/checkout: only the own labels match, and a selector is for those of pod templates: add the labels there, or add a rule that matches by name", "", []string{bills, checkout}},
		"a near one alone":   {"workloads: [{match: {names: [orders]}" + port + ", lint: {accept: [{check: strict-mtls, match: {names: [order]}, reason: a}]}", "spec.lint.accept[0].match.names[0]: it reaches no workload here, and there is Deployment shop/orders: did you mean orders?", "", []string{orders}},
		"an accepted object": {"lint: {accept: [{check: strict-mtls, match: {kinds: [PeerAuthentication], names: [defualt]}, reason: a}]}, global: {excludeInboundPorts: [1]}", "spec.lint.accept[0].match.names[0]: it reaches nothing here, and there is PeerAuthentication shop/default: did you mean default?", "", []string{orders, strict}},

		// Who writes both means both.
		"two near names":       {"workloads: [{match: {names: [orders]}" + port[:len(port)-1] + ", {match: {names: [order]}" + port, "", "spec.workloads[1]: it reaches no workload here, which is right if it is meant for other manifests", []string{orders}},
		"in one list":          {"workloads: [{match: {names: [orders, order]}" + port, "", "spec.workloads[0].match.names[1]: it reaches no workload here, which is right if it is meant for other manifests", []string{orders}},
		"near namespaces":      {"workloads: [{match: {names: [api], namespaces: [shop-prod, shop-prods]}" + port, "", "spec.workloads[0].match.namespaces[1]: it reaches no workload here (there is only Deployment shop-prod/api), which is right if it is meant for other manifests", []string{api}},
		"both enrolled":        {"enrolment: {namespaces: [shop-prod, shop-prods]}, workloads: [{match: {names: [api]}" + port, "", "spec.enrolment.namespaces[1]: it reaches no workload here, which is right if it is meant for other manifests", []string{api}},
		"enrolled and a rule":  {"enrolment: {namespaces: [shop-prod, shop-prods]}, workloads: [{match: {names: [api]}" + port + ", namespaces: [{match: {names: [shop-prods]}" + port, "", "spec.enrolment.namespaces[1]: it reaches no workload here, which is right if it is meant for other manifests\nspec.namespaces[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{api}},
		"near namespace rules": {"namespaces: [{match: {names: [shop-prod]}" + port[:len(port)-1] + ", {match: {names: [shop-prods]}" + port, "", "spec.namespaces[1]: it reaches no workload here, which is right if it is meant for other manifests", []string{api}},
		"a rule beside":        {"workloads: [{match: {names: [checkout]}" + port[:len(port)-1] + ", {match: {names: [chekcout]}" + port, "spec.workloads[1].match.names[0]: it reaches no workload here, and there is Deployment shop/checkout: did you mean checkout?", "", []string{checkout}},
		"near values":          {"workloads: [{match: {labelSelector: {matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [checkout, checkouts]}]}}" + port, "", `spec.workloads[0].match.labelSelector.matchExpressions[0].values[1]: it reaches no workload here, which is right if it is meant for other manifests`, []string{checkout}},
		"both in acceptances":  {"workloads: [{match: {names: [orders, order]}" + port + ", lint: {accept: [{check: strict-mtls, match: {names: [order]}, reason: a}]}", "", "spec.lint.accept[0]: it reaches no workload here, which is right if it is meant for other manifests\nspec.workloads[0].match.names[1]: it reaches no workload here, which is right if it is meant for other manifests", []string{orders}},
		"a kind of both":       {"workloads: [{match: {kinds: [Deployment], names: [api], namespaces: [shop-prod]}" + port[:len(port)-1] + ", {match: {kinds: [CronJob], names: [api], namespaces: [shop-prod]}" + port, "", "spec.workloads[1]: it reaches no workload here (there is only Deployment shop-prod/api), which is right if it is meant for other manifests", []string{api}},

		// These may be right in other manifests.
		"a glob of namespaces": {"workloads: [{match: {kinds: [CronJob], names: [api], namespaces: ['shop-*']}" + port, "", "spec.workloads[0]: it reaches no workload here (there is only Deployment shop-prod/api), which is right if it is meant for other manifests", []string{api}},
		"another application":  {"workloads: [{name: ledger, match: {names: [ledger]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{api, checkout}},
		"two of them":          {"namespaces: [{match: {names: [billing]}" + port + ", workloads: [{match: {names: [ledger]}" + port, "", "spec.namespaces[0]: it reaches no workload here, which is right if it is meant for other manifests\nspec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{api}},
		"another overlay":      {"workloads: [{match: {names: [api], namespaces: [shop-dev]}" + port, "", "spec.workloads[0]: it reaches no workload here (there is only Deployment shop-prod/api), which is right if it is meant for other manifests", []string{api}},
		"a prefix":             {"workloads: [{match: {names: [api]}" + port, "", "spec.workloads[0]: it reaches no workload here (there is Deployment shop/prod-api: did you mean prod-api?), which is right if it is meant for other manifests", []string{workloadIn("shop", "prod-api", "", "app: api")}},
		"a suffix":             {"workloads: [{match: {names: [api]}" + port, "", "spec.workloads[0]: it reaches no workload here (there is Deployment shop/api-v2: did you mean api-v2?), which is right if it is meant for other manifests", []string{workloadIn("shop", "api-v2", "", "app: api")}},
		"a part of two":        {"workloads: [{match: {names: [api]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{workloadIn("shop", "eu-api", "", "app: api"), workloadIn("shop", "us-api", "", "app: api")}},
		"a part in the middle": {"workloads: [{match: {names: [api]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{workloadIn("shop", "eu-api-v2", "", "app: api")}},
		"a prefix elsewhere":   {"workloads: [{match: {names: [api], namespaces: [billing]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{workloadIn("shop", "prod-api", "", "app: api")}},
		"another kind":         {"workloads: [{match: {names: [api], kinds: [CronJob]}" + port, "", "spec.workloads[0]: it reaches no workload here (there is only Deployment shop-prod/api), which is right if it is meant for other manifests", []string{api}},
		"two stars":            {"workloads: [{match: {names: ['*chekout*']}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{checkout}},
		"a short glob":         {"workloads: [{match: {names: ['*-app']}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{workloadIn("shop", "prod-api", "", "app: api")}},
		"two near globs":       {"workloads: [{match: {names: ['order*']}" + port[:len(port)-1] + ", {match: {names: ['orders-*']}" + port, "", "spec.workloads[1]: it reaches no workload here, which is right if it is meant for other manifests", []string{orders}},
		"a namespace's name":   {"workloads: [{match: {names: [api, ledger], namespaces: [shop-prod, shop]}" + port, "", "spec.workloads[0].match.names[1]: it reaches no workload here, which is right if it is meant for other manifests\nspec.workloads[0].match.namespaces[1]: it reaches no workload here (there is only Deployment shop-prod/api), which is right if it is meant for other manifests", []string{api, workloadIn("shop", "prod-ledger", "", "app: api"), workloadIn("shop", "dev-ledger", "", "app: api")}},
		"a short name":         {"workloads: [{match: {names: [app]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{api}},
		"another version":      {"workloads: [{match: {names: [checkout-v1]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{workloadIn("shop", "checkout-v2", "", "app: web")}},
		"near in another":      {"workloads: [{match: {names: [chekout], namespaces: [billing]}" + port, "", "spec.workloads[0]: it reaches no workload here, which is right if it is meant for other manifests", []string{checkout}},
		"what is left alone":   {"workloads: [{match: {names: [node]}" + port, "", "spec.workloads[0]: it reaches no workload here (those of whom it speaks are left alone: DaemonSet kube-system/node (namespace kube-system belongs to Kubernetes itself; to enrol it, add its exact name to spec.enrolment.namespaces, where [\"*\"] is the default)), which is right if it is meant for other manifests", []string{strings.Replace(workloadIn("kube-system", "node", "", "app: node"), "Deployment", "DaemonSet", 1)}},

		// Everybody is reached.
		"named beside":       {"workloads: [{match: {labelSelector: {matchLabels: {team: payments}}}" + port[:len(port)-1] + ", {match: {names: [checkout]}" + port, "", "", []string{bills, checkout}},
		"another value":      {"workloads: [{match: {labelSelector: {matchLabels: {team: payments}}}" + port, "", "", []string{bills, workloadIn("shop", "refunds", "team: payments", "app: refunds, team: refunds")}},
		"labelled elsewhere": {"workloads: [{match: {labelSelector: {matchLabels: {team: payments}}, namespaces: [shop]}" + port, "", "", []string{bills, workloadIn("shop-prod", "refunds", "team: payments", "app: refunds")}},
		"no label of it":     {"workloads: [{match: {labelSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}" + port, "", "", []string{checkout, workloadIn("shop", "refunds", "team: payments", "app: refunds")}},
		"a match":            {"global: {excludeOutboundPorts: [1]}, namespaces: [{match: {names: ['shop*']}" + port + ", workloads: [{match: {names: [api, checkout]}" + port, "", "", []string{api, checkout}},
		"excluded elsewhere": {"workloads: [{match: {labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [ledger]}]}}" + port, "", "", []string{api, checkout}},
		"no workload at all": {"workloads: [{match: {names: [ledger]}" + port, "", "", []string{"apiVersion: v1\nkind: Service\nmetadata: {name: ledgre}\n"}},
		"all is left alone":  {"global: {excludeOutboundPorts: [1]}, namespaces: [{match: {names: [kube-system]}" + port, "", "", []string{workloadIn("kube-system", "node", "", "app: node")}},
		"an unknown one":     {"defaultNamespace: shop, workloads: [{match: {names: [api], namespaces: [shop]}" + port, "", "", []string{strings.Replace(api, ", namespace: shop-prod", "", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			want := func(severity, said string) []string {
				if said == "" {
					return nil
				}
				var all []string
				for line := range strings.SplitSeq(said, "\n") {
					all = append(all, severity+": "+line)
				}
				return all
			}
			_, results, err := fn.Manifests(bypassOf(test.spec), filesOf(test.manifests...), fn.Options{})
			require.NoError(t, err)
			assert.Equal(t, want("warning", test.slip), of("unreached-rule", results), "render")
			asked := append(want("warning", test.slip), want("info", test.others)...)
			checked, err := fn.Check(bypassOf(test.spec), filesOf(test.manifests...), fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			assert.Equal(t, asked, of("unreached-rule", checked.Results), "check")
			explained, err := fn.Explain(bypassOf(test.spec), filesOf(test.manifests...), fn.Options{}, "")
			require.NoError(t, err)
			assert.Equal(t, asked, of("unreached-rule", explained.Results), "explain")
			assert.Equal(t, checked.Reach, explained.Reach)

			checked, err = fn.Check(bypassOf(test.spec), filesOf(test.manifests...), fn.Options{Complete: true}, fn.Expiry{})
			require.NoError(t, err)
			assert.Equal(t, test.slip+test.others != "", len(of("unreached-rule", checked.Results)) > 0)
			certain := test.slip != "" && !strings.Contains(test.slip, "does not reach") && !strings.Contains(test.slip, "reaches nothing")
			for line := range strings.SplitSeq(test.others, "\n") {
				certain = certain || regexp.MustCompile(`^spec\.(namespaces|workloads)\[\d\](\.match\.names\[\d\])?: `).MatchString(line)
			}
			assert.Equal(t, certain, !checked.Passed() && checked.Results.Failed(), "what reaches nobody of a whole cluster is an error")

			checked, err = fn.Check(bypassOf(ignoring(test.spec)), filesOf(test.manifests...), fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			assert.Empty(t, of("unreached-rule", checked.Results))
		})
	}
}

// ignoring gives a spec that ignores what reaches nobody.
func ignoring(spec string) string {
	if strings.Contains(spec, "lint: {") {
		return strings.Replace(spec, "lint: {", "lint: {unreached-rule: Ignore, ", 1)
	}
	return "lint: {unreached-rule: Ignore}, " + spec
}

// TestManyReachNobody shares one note among those of which nothing else is known.
func TestManyReachNobody(t *testing.T) {
	rules := []string{"{match: {names: [api]}, excludeOutboundPorts: [1]}", "{match: {names: [api], namespaces: [elsewhere]}, excludeOutboundPorts: [1]}"}
	for i := range 12 {
		rules = append(rules, fmt.Sprintf("{name: r%d, match: {names: [ledger-%[1]d]}, excludeOutboundPorts: [1]}", i))
	}
	for n, want := range map[int]int{12: 11, 13: 2, 14: 2} {
		checked, err := fn.Check(bypassOf("workloads: ["+strings.Join(rules[:n], ", ")+"]"), filesOf(workloadIn("shop", "api", "", "")), fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		said := of("unreached-rule", checked.Results)
		assert.Len(t, said, want)
		if n == 14 {
			assert.Contains(t, strings.Join(said, "\n"), "info: spec.workloads[2] (r0), spec.workloads[3] (r1), ")
			assert.Contains(t, strings.Join(said, "\n"), "spec.workloads[11] (r9), and 2 more reach no workload here, which is right if they are meant for other manifests; explain lists them")
		}
	}
}

// anywhere gives parts without what they say, by which a comparison knows them.
func anywhere(parts []fn.Reach) []fn.Reach {
	for i := range parts {
		parts[i].Of = ""
	}
	return parts
}

// TestReach counts whom the parts of a spec reach.
func TestReach(t *testing.T) {
	spec := bypassOf("enrolment: {namespaces: ['shop*', kube-system]}, global: {excludeOutboundPorts: [1]}, " +
		"namespaces: [{match: {names: [shop]}, name: all-of-shop, excludeOutboundPorts: [2]}], workloads: [{match: {names: [a, b, gone]}, excludeOutboundPorts: [3]}, {match: {names: [e]}, excludeOutboundPorts: [4]}]")
	var all []string
	for _, name := range []string{"d", "c", "b", "a", "e"} {
		all = append(all, workloadIn("shop", name, "", "app: x"))
	}
	all = append(all, strings.Replace(workloadIn("shop", "host", "", "app: x"), "spec: {c", "spec: {hostNetwork: true, c", 1))
	explained, err := fn.Explain(spec, filesOf(all...), fn.Options{}, "")
	require.NoError(t, err)
	assert.Equal(t, []fn.Reach{
		{Path: "spec.global", File: "bypass.yaml", Line: 5, Workloads: 5, LeftAlone: 1, Some: []string{"Deployment shop/a", "Deployment shop/b", "Deployment shop/c"}, Undecided: []string{"Deployment shop/a", "Deployment shop/b", "Deployment shop/c"}},
		{Path: "spec.namespaces[0]", File: "bypass.yaml", Line: 5, Name: "all-of-shop", Workloads: 5, Decided: 2, LeftAlone: 1, Some: []string{"Deployment shop/a", "Deployment shop/b", "Deployment shop/c"}, Undecided: []string{"Deployment shop/a", "Deployment shop/b", "Deployment shop/e"}},
		{Path: "spec.workloads[0]", File: "bypass.yaml", Line: 5, Workloads: 2, Decided: 2, Some: []string{"Deployment shop/a", "Deployment shop/b"}},
		{Path: "spec.workloads[1]", File: "bypass.yaml", Line: 5, Workloads: 1, Decided: 1, Some: []string{"Deployment shop/e"}},
		{Path: "spec.workloads[0].match.names[2]", File: "bypass.yaml", Line: 5, Unreached: true},
		{Path: "spec.enrolment.namespaces[0]", File: "bypass.yaml", Line: 5, Workloads: 6, Some: []string{"Deployment shop/a", "Deployment shop/b", "Deployment shop/c"}},
		{Path: "spec.enrolment.namespaces[1]", File: "bypass.yaml", Line: 5, Unreached: true},
	}, anywhere(explained.Reach))
}

// TestReachTogether has manifests that were checked one after the other.
func TestReachTogether(t *testing.T) {
	spec := bypassOf("workloads: [{match: {names: [api]}, excludeOutboundPorts: [1]}, {match: {names: [web, chekout]}, excludeOutboundPorts: [2]}, {match: {names: [ledger]}, excludeOutboundPorts: [3]}]")
	checked := func(name string, complete bool) *fn.Checked {
		c, err := fn.Check(spec, filesOf(workloadIn("shop", name, "", "")), fn.Options{Complete: complete}, fn.Expiry{})
		require.NoError(t, err)
		return c
	}
	for complete, want := range map[bool][]string{
		false: {"info: spec.workloads[2]: it reaches no workload here, which is right if it is meant for other manifests"},
		true:  {"error: spec.workloads[2]: it reaches no workload: correct it or remove it, since all workloads are here"},
	} {
		all := []*fn.Checked{checked("api", complete), checked("web", complete), checked("chekout", complete)}
		fn.Together(all...)
		assert.Equal(t, want, of("unreached-rule", all[0].Results))
		assert.Empty(t, of("unreached-rule", append(all[1].Results, all[2].Results...)))
	}
}

// TestAMisspeltNameInSeveral has a name that is near to one in the first set or in the second,
// and the same in a list of many.
func TestAMisspeltNameInSeveral(t *testing.T) {
	spec := bypassOf("workloads: [{match: {names: [chekout]}, excludeOutboundPorts: [1]}, {match: {names: [web-eu]}, excludeOutboundPorts: [1]}, {match: {names: [web-us]}, excludeOutboundPorts: [1]}, {match: {names: ['cart*']}, excludeOutboundPorts: [1]}, {match: {names: ['crat-*'], namespaces: [shop]}, excludeOutboundPorts: [1]}]")
	ledger, many := filesOf(workloadIn("shop", "cart", "", ""), workloadIn("shop", "web-eu", "", "")), filesOf(workloadIn("shop", "web-us", "", ""), workloadIn("shop", "checkout", "", ""), workloadIn("shop", "crat-1", "", ""))
	const says = "spec.workloads[0].match.names[0]: it reaches no workload here, and there is Deployment shop/checkout: did you mean checkout?"
	for _, files := range [][][]fn.Manifest{{ledger, many}, {many, ledger}} {
		for complete, severity := range map[bool]string{false: "warning: ", true: "error: "} {
			var checked []*fn.Checked
			var explained []*fn.Explained
			var told fn.Results
			for _, some := range files {
				c, err := fn.Check(spec, some, fn.Options{Complete: complete}, fn.Expiry{})
				require.NoError(t, err)
				x, err := fn.Explain(spec, some, fn.Options{}, "")
				require.NoError(t, err)
				checked, explained = append(checked, c), append(explained, x)
			}
			fn.Together(checked...)
			for _, c := range checked {
				told = append(told, c.Results...)
			}
			assert.Equal(t, []string{severity + says}, of("unreached-rule", told))
			fn.TogetherExplained(explained...)
			told = nil
			for _, x := range explained {
				told = append(told, x.Results...)
			}
			assert.Equal(t, []string{"warning: " + says}, of("unreached-rule", told))
		}
	}
}

// TestOneOfAListInSeveral has a list of which one is in the first set, and another one, misspelt,
// is near to one in the second: it is as if all were in one.
func TestOneOfAListInSeveral(t *testing.T) {
	production, staging := workloadIn("crm-prod", "prod-queue", "", ""), workloadIn("crm-staging", "stg-queue", "", "")
	for rules, says := range map[string]string{
		"namespaces: [{match: {names: [crm-prod, crm-stagnig]}, excludeOutboundPorts: [1]}]":                                     "spec.namespaces[0].match.names[1]: it reaches no workload here, and there is Deployment crm-staging/stg-queue: did you mean crm-staging?",
		"workloads: [{match: {names: [prod-queue, stg-quueue]}, excludeOutboundPorts: [1]}]":                                     "spec.workloads[0].match.names[1]: it reaches no workload here, and there is Deployment crm-staging/stg-queue: did you mean stg-queue?",
		"workloads: [{match: {names: [prod-queue, stg-queue], namespaces: [crm-prod, crm-stagnig]}, excludeOutboundPorts: [1]}]": "spec.workloads[0].match.namespaces[1]: it reaches no workload here, and there is Deployment crm-staging/stg-queue: did you mean crm-staging?",
	} {
		for complete, severity := range map[bool]string{false: "warning: ", true: "error: "} {
			spec := bypassOf(rules)
			check := func(objects ...string) *fn.Checked {
				c, err := fn.Check(spec, filesOf(objects...), fn.Options{Complete: complete}, fn.Expiry{})
				require.NoError(t, err)
				return c
			}
			explain := func(objects ...string) *fn.Explained {
				x, err := fn.Explain(spec, filesOf(objects...), fn.Options{}, "")
				require.NoError(t, err)
				return x
			}
			one := check(production, staging)
			assert.Contains(t, of("unreached-rule", one.Results), severity+says, rules)
			for _, sets := range [][2]string{{production, staging}, {staging, production}} {
				first, second := check(sets[0]), check(sets[1])
				fn.Together(first, second)
				assert.ElementsMatch(t, of("unreached-rule", one.Results), of("unreached-rule", slices.Concat(first.Results, second.Results)), rules)
				x, y := explain(sets[0]), explain(sets[1])
				fn.TogetherExplained(x, y)
				assert.ElementsMatch(t, of("unreached-rule", explain(production, staging).Results), of("unreached-rule", slices.Concat(x.Results, y.Results)), rules)
				joined, whole := fn.JoinReach(x.Reach, y.Reach), explain(production, staging).Reach
				assert.Len(t, joined, len(whole), rules)
				assert.Equal(t, whole[len(whole)-1].Meant, joined[len(joined)-1].Meant, rules)
			}
			// A rule that reaches nobody anywhere tells of its entries itself.
			alone, again := check(staging), check(workloadIn("crm-staging", "stg-api", "", ""))
			fn.Together(alone, again)
			assert.Len(t, of("unreached-rule", slices.Concat(alone.Results, again.Results)), 1, rules)
		}
	}
}

// TestAcceptancesTogether has a spec that two overlays share, with an acceptance for one
// of them and one for neither.
func TestAcceptancesTogether(t *testing.T) {
	spec := bypassOf("global: {excludeInboundPorts: [9090]}, lint: {accept: [{check: strict-mtls, match: {names: [api]}, reason: a}, {check: other-proxy, match: {names: [api]}, reason: b}]}")
	checked := func(objects ...string) *fn.Checked {
		c, err := fn.Check(spec, filesOf(objects...), fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		return c
	}
	api := workloadIn("shop", "api", "", "")
	idle := func(i int, check string) string {
		return fmt.Sprintf("info: spec.lint.accept[%d]: there is no finding of %s here that this accepts: right if it is for other manifests; else remove it, or correct what it names", i, check)
	}
	all := []*fn.Checked{checked(api), checked(api, strict)}
	assert.Equal(t, []string{idle(0, "strict-mtls"), idle(1, "other-proxy")}, of("unused-acceptance", all[0].Results), "alone it looks idle")
	fn.Together(all...)
	assert.Equal(t, []string{idle(1, "other-proxy")}, of("unused-acceptance", append(all[0].Results, all[1].Results...)), "it is used in the other one")
}

// TestJoinReach adds up what one spec reaches in several sets of manifests.
func TestJoinReach(t *testing.T) {
	a := []fn.Reach{{Path: "spec.global", Workloads: 4, Decided: 1, Some: []string{"a", "b", "d"}}, {Path: "spec.workloads[0]", Unreached: true, Meant: "m"}, {Path: "spec.workloads[1]", Workloads: 1}, {Path: "spec.workloads[1].match.names[0]", Unreached: true}}
	b := []fn.Reach{{Path: "spec.global", Workloads: 2, LeftAlone: 3, Some: []string{"c"}}, {Path: "spec.workloads[0]", Workloads: 1, Some: []string{"w"}}, {Path: "spec.workloads[1]", Workloads: 1}, {Path: "spec.workloads[1].match.names[1]", Unreached: true}}
	assert.Equal(t, []fn.Reach{
		{Path: "spec.global", Workloads: 6, Decided: 1, LeftAlone: 3, Some: []string{"a", "b", "c"}},
		{Path: "spec.workloads[0]", Workloads: 1, Some: []string{"w"}},
		{Path: "spec.workloads[1]", Workloads: 2},
	}, fn.JoinReach(a, b))
	assert.Equal(t, a, fn.JoinReach(a, nil))
	assert.Equal(t, b, fn.JoinReach(nil, b))
}
