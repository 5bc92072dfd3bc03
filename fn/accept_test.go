package fn_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// strict asks for mTLS in the namespace shop, and service leads to ports there.
const strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n---\n"

// acceptedOf gives the accepted of the results: kind, reason and message.
func acceptedOf(results fn.Results) []string {
	var said []string
	for _, one := range results {
		if reason, accepted := one.Tags[fn.AcceptedTag]; accepted {
			said = append(said, fmt.Sprintf("%s: %s (%s)", one.Tags[fn.CheckTag], ports(one.Message), reason))
		}
	}
	return said
}

// ports cuts a message of strict-mtls down to what it says of which workloads.
func ports(message string) string {
	_, said, found := strings.Cut(message, "here at ")
	if !found {
		return message
	}
	said, _, _ = strings.Cut(said, ": anyone")
	return said
}

// TestAcceptance accepts findings, and says what is left of them.
func TestAcceptance(t *testing.T) {
	const rules = "workloads: [{name: metrics, match: {names: [api, web]}, merge: Union, excludeInboundPorts: [9090]}, {name: health, match: {names: [api]}, merge: Union, excludeInboundPorts: [8081]}]"
	api, web := workloadIn("shop", "api", "", "app: api"), workloadIn("shop", "web", "", "app: web")
	for name, test := range map[string]struct {
		accept string
		// told and accepted are of strict-mtls, idle of acceptances.
		told, accepted, idle []string
	}{
		"nothing": {"", []string{"port 9090 of Deployment shop/web", "ports 8081, 9090 of Deployment shop/api"}, nil, nil},
		"a workload": {"{check: strict-mtls, match: {names: [web]}, reason: known}",
			[]string{"ports 8081, 9090 of Deployment shop/api"}, []string{"strict-mtls: port 9090 of Deployment shop/web (known)"}, nil},
		"a port": {"{check: strict-mtls, match: {namespaces: [shop]}, ports: [9090], reason: known}",
			[]string{"port 8081 of Deployment shop/api"}, []string{"strict-mtls: port 9090 of Deployment shop/api, Deployment shop/web (known)"}, nil},
		"a rule": {"{check: strict-mtls, rule: metrics, reason: known}",
			[]string{"port 8081 of Deployment shop/api"}, []string{"strict-mtls: port 9090 of Deployment shop/api, Deployment shop/web (known)"}, nil},
		"the other rule": {"{check: strict-mtls, rule: health, reason: known}",
			[]string{"port 9090 of Deployment shop/api, Deployment shop/web"}, []string{"strict-mtls: port 8081 of Deployment shop/api (known)"}, nil},
		"both": {"{check: strict-mtls, rule: health, reason: a}, {check: strict-mtls, rule: metrics, reason: b}",
			nil, []string{"strict-mtls: port 8081 of Deployment shop/api (a)", "strict-mtls: port 9090 of Deployment shop/api, Deployment shop/web (b)"}, nil},
		"the object": {"{check: strict-mtls, match: {kinds: [PeerAuthentication], namespaces: [shop]}, reason: known}",
			nil, []string{"strict-mtls: port 9090 of Deployment shop/web (known)", "strict-mtls: ports 8081, 9090 of Deployment shop/api (known)"}, nil},
		"another kind": {"{check: service-port, match: {namespaces: [shop]}, reason: known}",
			[]string{"port 9090 of Deployment shop/web", "ports 8081, 9090 of Deployment shop/api"}, nil,
			[]string{"info: spec.lint.accept[0]: there is no finding of service-port here that this accepts: right if it is for other manifests; else remove it, or correct what it names"}},
		"another port": {"{check: strict-mtls, match: {namespaces: [shop]}, ports: ['9091-9099'], reason: known}",
			[]string{"port 9090 of Deployment shop/web", "ports 8081, 9090 of Deployment shop/api"}, nil,
			[]string{"info: spec.lint.accept[0]: there is no finding of strict-mtls here that this accepts: right if it is for other manifests; else remove it, or correct what it names"}},
		"a port that the rule does not say": {"{check: strict-mtls, rule: health, ports: [9090], reason: known}",
			[]string{"port 9090 of Deployment shop/web", "ports 8081, 9090 of Deployment shop/api"}, nil,
			[]string{"info: spec.lint.accept[0]: there is no finding of strict-mtls here that this accepts: right if it is for other manifests; else remove it, or correct what it names"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := bypassOf("lint: {unreached-rule: Ignore, accept: [" + test.accept + "]}, " + rules)
			checked, err := fn.Check(spec, filesOf(api, web, strict), fn.Options{}, fn.Expiry{Today: "2026-11-27"})
			require.NoError(t, err)
			var told []string
			for _, one := range checked.Results {
				if one.Tags[fn.CheckTag] == "strict-mtls" && one.Severity != fn.Info {
					told = append(told, ports(one.Message))
				}
			}
			assert.Equal(t, test.told, told)
			assert.Equal(t, test.accepted, acceptedOf(checked.Results))
			assert.Equal(t, test.idle, of("unused-acceptance", checked.Results))
			_, rendered, err := fn.Manifests(spec, filesOf(api, web, strict), fn.Options{})
			require.NoError(t, err)
			assert.Equal(t, test.accepted, acceptedOf(rendered))
			assert.Empty(t, of("unused-acceptance", rendered), "a stream of one application cannot know")
			assert.Equal(t, test.told == nil, rendered.Report() == "", rendered.Report())
			explained, err := fn.Explain(spec, filesOf(api, web, strict), fn.Options{}, "2026-11-27")
			require.NoError(t, err)
			assert.Equal(t, checked.Results, explained.Results)
		})
	}
}

// TestAcceptanceOfPlainText accepts findings of what bypasses no more by the workloads and the
// ports that they name.
func TestAcceptanceOfPlainText(t *testing.T) {
	app := func(name string) string { return workloadIn("shop", name, "", "app: orders") }
	const (
		service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {selector: {app: orders}, ports: [{port: 90, targetPort: 9090}, {port: 80, targetPort: 8080}]}\n---\n"
		rule    = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: orders-bypass, namespace: shop}\nspec: {host: orders, trafficPolicy: {tls: {mode: DISABLE}}}\n---\n"
		both    = "Deployment shop/orders, Deployment shop/web"
		idle    = "info: spec.lint.accept[0]: there is no finding of plain-text here that this accepts: right if it is for other manifests; else remove it, or correct what it names"
	)
	for name, test := range map[string]struct {
		accept               string
		told, accepted, idle []string
	}{
		"nothing":       {"", []string{both + " at port 8080", both + " at port 9090"}, nil, nil},
		"a workload":    {"match: {names: [orders]}", []string{"Deployment shop/web at port 8080", "Deployment shop/web at port 9090"}, []string{"Deployment shop/orders at port 8080", "Deployment shop/orders at port 9090"}, nil},
		"the namespace": {"match: {namespaces: [shop]}", nil, []string{both + " at port 8080", both + " at port 9090"}, nil},
		"a port":        {"match: {names: [web]}, ports: [9090]", []string{both + " at port 8080", "Deployment shop/orders at port 9090"}, []string{"Deployment shop/web at port 9090"}, nil},
		"another port":  {"match: {namespaces: [shop]}, ports: [90]", []string{both + " at port 8080", both + " at port 9090"}, nil, []string{idle}},
		"the object":    {"match: {kinds: [DestinationRule], namespaces: [shop]}", nil, []string{both + " at port 8080", both + " at port 9090"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			accept := ""
			if test.accept != "" {
				accept = "{check: plain-text, " + test.accept + ", reason: known}"
			}
			checked, err := fn.Check(bypassOf("lint: {accept: ["+accept+"]}, workloads: [{match: {names: [orders]}, excludeOutboundPorts: [443]}]"),
				filesOf(app("orders"), app("web"), strict, service, rule), fn.Options{}, fn.Expiry{Today: "2026-11-27"})
			require.NoError(t, err)
			var told, accepted []string
			for _, one := range checked.Results {
				if one.Tags[fn.CheckTag] != "plain-text" {
					continue
				}
				said, _, _ := strings.Cut(strings.TrimPrefix(one.Message, "nothing bypasses the sidecar of "), ", by port")
				assert.Len(t, one.Ports, 1)
				assert.NotEmpty(t, one.Workloads)
				if one.Tags[fn.AcceptedTag] == "known" {
					accepted = append(accepted, said)
				} else {
					told = append(told, said)
				}
			}
			assert.ElementsMatch(t, test.told, told)
			assert.ElementsMatch(t, test.accepted, accepted)
			assert.Equal(t, test.idle, of("unused-acceptance", checked.Results))
		})
	}
}

// TestAcceptanceOfOneWorkload accepts findings of single workloads, of objects, and of
// rules, whose severity is no longer looked at.
func TestAcceptanceOfOneWorkload(t *testing.T) {
	misspelt := strings.Replace(workloadIn("shop", "api", "", "app: api"), "template: {metadata: {", `template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPort: "1"}, `, 1)
	for name, test := range map[string]struct{ spec, manifests, kind string }{
		"a workload":          {"lint: {unknown-annotation: Error, accept: [{check: unknown-annotation, match: {names: [api]}, reason: a}]}, global: {excludeOutboundPorts: [1]}", misspelt, "unknown-annotation"},
		"one of a rule":       {"lint: {accept: [{check: unknown-annotation, rule: r, reason: a}]}, namespaces: [{name: r, match: {names: [shop]}, excludeOutboundPorts: [1]}]", misspelt, "unknown-annotation"},
		"one of the global":   {"lint: {accept: [{check: unknown-annotation, rule: r, reason: a}]}, global: {name: r, excludeOutboundPorts: [1]}", misspelt, "unknown-annotation"},
		"one by its labels":   {"lint: {accept: [{check: unknown-annotation, match: {labelSelector: {matchLabels: {app: api}}}, reason: a}]}, global: {excludeOutboundPorts: [1]}", misspelt, "unknown-annotation"},
		"a rule's name":       {"lint: {unreached-rule: Error, accept: [{check: unreached-rule, rule: r, reason: a}]}, workloads: [{name: r, match: {names: [apii]}, excludeOutboundPorts: [1]}]", workloadIn("shop", "api", "", ""), "unreached-rule"},
		"an expired rule":     {"lint: {accept: [{check: expired, rule: r, reason: a}]}, workloads: [{name: r, match: {names: [api]}, expires: 2026-01-01, excludeOutboundPorts: [1]}]", workloadIn("shop", "api", "", ""), "expired"},
		"an unmeshed one":     {"lint: {accept: [{check: unmeshed-namespace, match: {namespaces: [shop]}, reason: a}]}, global: {excludeOutboundPorts: [1]}", workloadIn("shop", "api", "", "") + "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}\n", "unmeshed-namespace"},
		"a Namespace":         {"lint: {accept: [{check: unmeshed-namespace, match: {kinds: [Namespace], names: [shop]}, reason: a}]}, global: {excludeOutboundPorts: [1]}", workloadIn("shop", "api", "", "") + "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: disabled}}\n", "unmeshed-namespace"},
		"a privileged one":    {"limits: {forbiddenOutboundPorts: [443]}, lint: {accept: [{check: pod-privilege, match: {names: [api]}, reason: a}]}, global: {excludeOutboundPorts: [1]}", strings.Replace(workloadIn("shop", "api", "", ""), "image: b", "image: b, securityContext: {privileged: true}", 1), "pod-privilege"},
		"where it calls":      {"lint: {accept: [{check: service-entry, rule: r, ports: [443], reason: a}]}, global: {name: r, excludeOutboundPorts: [443]}", workloadIn("shop", "api", "", "") + "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: shop}\nspec: {hosts: [example.com], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS}\n", "service-entry"},
		"a range where it is": {"lint: {accept: [{check: service-entry, rule: r, ports: [443], reason: a}]}, global: {name: r, excludeOutboundIPRanges: [192.0.2.0/24]}", workloadIn("shop", "api", "", "") + "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: shop}\nspec: {hosts: [example.com], addresses: [192.0.2.1], ports: [{number: 443, name: tls, protocol: TLS}], resolution: STATIC}\n", "service-entry"},
	} {
		t.Run(name, func(t *testing.T) {
			checked, err := fn.Check(bypassOf(test.spec), filesOf(test.manifests), fn.Options{}, fn.Expiry{Today: "2026-11-27"})
			require.NoError(t, err)
			assert.Empty(t, checked.Results.Report())
			require.Len(t, acceptedOf(checked.Results), 1)
			assert.Contains(t, acceptedOf(checked.Results)[0], test.kind+": ")
			_, results, err := fn.Manifests(bypassOf(test.spec), filesOf(test.manifests), fn.Options{})
			require.NoError(t, err, "what is accepted fails nothing")
			assert.Empty(t, results.Report())
			// The same without it is told.
			other := strings.Replace(test.spec, "accept: [{", "accept: [{expires: 2026-11-26, ", 1)
			checked, err = fn.Check(bypassOf(other), filesOf(test.manifests), fn.Options{}, fn.Expiry{Today: "2026-11-27"})
			require.NoError(t, err)
			assert.Empty(t, acceptedOf(checked.Results))
			assert.NotEmpty(t, of(test.kind, checked.Results))
			assert.Contains(t, checked.Results.Report(), "spec.lint.accept[0].expires: expired on 2026-11-26 (reason: a): it accepts nothing any more: remove it, or set a later day [expired]")
			explained, err := fn.Explain(bypassOf(other), filesOf(test.manifests), fn.Options{}, "2026-11-27")
			require.NoError(t, err)
			assert.Contains(t, explained.Results.Report(), "warning: bypass.yaml:5: ClusterBypass cluster: spec.lint.accept[0].expires: expired on 2026-11-26")
			_, results, err = fn.Manifests(bypassOf(other), filesOf(test.manifests), fn.Options{})
			require.NoError(t, err)
			assert.Empty(t, results.Report(), "render reads no clock")
		})
	}
}

// TestWhatIsSaidOfNoWorkload is not accepted at workloads, but at the object.
func TestWhatIsSaidOfNoWorkload(t *testing.T) {
	config := "apiVersion: networking.istio.io/v1beta1\nkind: ProxyConfig\nmetadata: {name: p, namespace: shop}\nspec: {environmentVariables: {DRY_RUN: 'true'}}\n"
	for match, accepted := range map[string]bool{"names: [api]": false, "kinds: [ProxyConfig], names: [p]": true} {
		spec := bypassOf("limits: {forbiddenOutboundPorts: [443]}, lint: {accept: [{check: proxy-config, match: {" + match + "}, reason: a}]}, global: {excludeOutboundPorts: [1]}")
		checked, err := fn.Check(spec, filesOf(workloadIn("shop", "api", "", ""), config), fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		require.Len(t, of("proxy-config", checked.Results), 1, match)
		assert.Equal(t, accepted, len(acceptedOf(checked.Results)) == 1)
		assert.Equal(t, accepted, of("unused-acceptance", checked.Results) == nil)
	}
}

// TestAcceptancesThatAreRefused also has what can never be accepted.
func TestAcceptancesThatAreRefused(t *testing.T) {
	for accept, want := range map[string]string{
		"{check: strict-mtl, match: {names: [a]}, reason: a}":                               `spec.lint.accept[0].check: "strict-mtl" is no kind of finding: did you mean strict-mtls?`,
		"{check: forbiddenInboundPorts, match: {names: [a]}, reason: a}":                    `spec.lint.accept[0].check: "forbiddenInboundPorts" is no kind of finding: krm-bypass lint lists the kinds; what is refused, such as what breaks a limit, cannot be accepted`,
		"{check: strict-mtls, reason: a}":                                                   `spec.lint.accept[0]: say whose findings are accepted: give rule, the name of a rule, or match, and not both`,
		"{check: strict-mtls, rule: metrics, match: {names: [a]}, reason: a}":               `spec.lint.accept[0]: say whose findings are accepted: give rule, the name of a rule, or match, and not both`,
		"{check: strict-mtls, rule: metric, reason: a}":                                     `spec.lint.accept[0].rule: no rule has the name "metric": did you mean metrics?`,
		"{check: strict-mtls, match: {}, reason: a}":                                        `spec.lint.accept[0].match: an empty match would match everything: say at which workloads; spec.lint.strict-mtls: Ignore accepts all findings of a kind`,
		"{check: strict-mtls, match: {names: [a]}}":                                         `spec.lint.accept[0].reason: missing: this field is required`,
		"{check: strict-mtls, match: {names: [a]}, reason: ' '}":                            `spec.lint.accept[0].reason: empty: say why the findings are meant`,
		"{check: strict-mtls, match: {names: [a]}, reason: a, expires: soon}":               `spec.lint.accept[0].expires: "soon" is not a day: write year, month and day, as in 2026-12-31`,
		"{check: strict-mtls, match: {names: [a]}, reason: a, ports: []}":                   `spec.lint.accept[0].ports: an empty list accepts nothing: name ports, or remove the field to accept any`,
		"{check: proxy-user, match: {names: [a]}, reason: a, ports: [80]}":                  `spec.lint.accept[0].ports: findings of proxy-user are not about ports: remove this field`,
		"{check: strict-mtls, match: {kinds: [Deploymant]}, reason: a}":                     `spec.lint.accept[0].match.kinds[0]: "Deploymant" is not a kind with a pod template: did you mean Deployment?`,
		"{check: strict-mtls, match: {kinds: [deployment]}, reason: a, ports: [0]}":         `spec.lint.accept[0].match.kinds[0]: "deployment" is not a kind with a pod template: did you mean Deployment?`,
		"{check: strict-mtls, rule: metrics, reason: a, expires: 2026-02-30}":               `spec.lint.accept[0].expires: "2026-02-30" is not a day: write year, month and day, as in 2026-12-31`,
		"{check: strict-mtls, match: {names: [A]}, reason: a}":                              `spec.lint.accept[0].match.names[0]: "A" cannot match a name`,
		"{check: strict-mtls, rules: metrics, reason: a}":                                   `spec.lint.accept[0].rules: unknown field "rules"`,
		"{check: limits, match: {names: [a]}, reason: a}":                                   `spec.lint.accept[0].check: "limits" is no kind of finding: krm-bypass lint lists the kinds; what is refused, such as what breaks a limit, cannot be accepted`,
		"{check: expired, match: {names: [a]}, reason: a}":                                  `spec.lint.accept[0].match: findings of expired are about the spec, and are accepted by the name of their rule: give rule, and remove this field`,
		"{check: strict-mtls, match: {kinds: [PeerAuthentication]}, ports: [1], reason: a}": `spec.lint.accept[0].ports: findings at an object without a pod template are accepted as a whole: remove this field, or say at which workloads`,
		"{check: strict-mtls, match: {kinds: [PeerAuthentication]}, reason: a}":             "",
		"{check: beyond-limits, match: {names: [a]}, reason: a}":                            "",
		"{check: strict-mtls, match: {kinds: [Deployment]}, ports: [1], reason: a}":         "",
		"{check: strict-mtls, rule: metrics, ports: ['9090-9099'], reason: the team}":       "",
	} {
		_, results, err := fn.Manifests(bypassOf("lint: {accept: ["+accept+"]}, global: {name: metrics, excludeInboundPorts: [9090]}"), nil, fn.Options{})
		if want == "" {
			assert.NoError(t, err, accept)
			continue
		}
		assert.ErrorIs(t, err, fn.ErrFailed, accept)
		assert.Contains(t, results.Report(), want)
	}
}

// TestAcceptedResults are infos with their reason in a ResourceList.
func TestAcceptedResults(t *testing.T) {
	text, err := json.Marshal(fn.Result{Severity: fn.Info, Message: "m", Tags: map[string]string{fn.CheckTag: "strict-mtls", fn.AcceptedTag: "known"}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"message": "m", "severity": "info", "tags": {"check": "strict-mtls", "accepted": "known"}}`, string(text))
}

// TestAcceptancesOfObjects are used by what stands at an object that is no workload, and
// are told as those of workloads where nothing does.
func TestAcceptancesOfObjects(t *testing.T) {
	api := strings.Replace(workloadIn("shop", "api", "", "app: api"), "image: b", "image: b, ports: [{containerPort: 9090}]", 1)
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: shop}\nspec: {selector: {app: api}, ports: [{port: 80, targetPort: 9090}]}\n---\n"
	other := strings.ReplaceAll(service, "api", "web")
	for name, test := range map[string]struct {
		accept          string
		idle, unreached []string
	}{
		"a Service":          {"{check: service-port, match: {kinds: [Service]}, reason: a}", nil, nil},
		"by its name":        {"{check: service-port, match: {kinds: [Service], names: [api], namespaces: [shop]}, reason: a}", nil, nil},
		"another one":        {"{check: service-port, match: {kinds: [Service], names: [web]}, reason: a}", []string{"info: spec.lint.accept[0]: there is no finding of service-port here that this accepts: right if it is for other manifests; else remove it, or correct what it names"}, nil},
		"one of no workload": {"{check: service-port, match: {kinds: [Service], names: [api], namespaces: [shop-prod]}, reason: a}", nil, []string{"info: spec.lint.accept[0]: it reaches nothing here (there is only Service shop/api), which is right if it is meant for other manifests"}},
		"a near name":        {"{check: service-port, match: {kinds: [Service], names: [frontned]}, reason: a}", nil, []string{"warning: spec.lint.accept[0].match.names[0]: it reaches nothing here, and there is Service shop/frontend: did you mean frontend?"}},
		"not a workload":     {"{check: service-port, match: {kinds: [PeerAuthentication], names: [api], namespaces: [shop]}, reason: a}", nil, []string{"info: spec.lint.accept[0]: it reaches nothing here (there is only Deployment shop/api), which is right if it is meant for other manifests"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := bypassOf("lint: {accept: [" + test.accept + "]}, workloads: [{match: {names: [api]}, excludeInboundPorts: [9090]}]")
			for _, complete := range []bool{false, true} {
				files := filesOf(api, service, other, strings.ReplaceAll(other, "web", "frontend"))
				checked, err := fn.Check(spec, files, fn.Options{Complete: complete}, fn.Expiry{Today: "2026-11-27"})
				require.NoError(t, err)
				assert.Equal(t, test.idle == nil && test.unreached == nil, len(acceptedOf(checked.Results)) == 1)
				idle := test.idle
				if complete && idle != nil {
					idle = []string{"warning: spec.lint.accept[0]: there is no finding of service-port here that this accepts: remove it, or correct what it names, since all workloads are here"}
				}
				assert.Equal(t, idle, of("unused-acceptance", checked.Results))
				assert.Equal(t, test.unreached, of("unreached-rule", checked.Results))
				explained, err := fn.Explain(spec, files, fn.Options{}, "2026-11-27")
				require.NoError(t, err)
				assert.Equal(t, test.unreached, of("unreached-rule", explained.Results))
			}
		})
	}
}

// TestAcceptancesOfRules are those of findings about rules.
func TestAcceptancesOfRules(t *testing.T) {
	const rules = "workloads: [{name: lasting, match: {names: [api]}, excludeOutboundPorts: [1]}, {name: old, match: {names: [api]}, expires: 2026-10-01, excludeOutboundPorts: [2]}, " +
		"{name: soon, match: {names: [api]}, expires: 2026-12-01, excludeOutboundPorts: [3]}, {name: later, match: {names: [api]}, expires: 2027-12-01, excludeOutboundPorts: [4]}, {name: gone, match: {names: [ledger]}, excludeOutboundPorts: [5]}]"
	never := func(kind string) []string {
		return []string{"warning: spec.lint.accept[0]: there is no finding of " + kind + " here that this accepts: remove it, or correct what it names"}
	}
	for accept, test := range map[string]struct {
		accepted int
		idle     []string
	}{
		"check: expired, rule: old":         {1, nil},
		"check: expired, rule: later":       {0, nil},
		"check: expired, rule: lasting":     {0, never("expired")},
		"check: expiring, rule: soon":       {1, nil},
		"check: expiring, rule: later":      {0, nil},
		"check: expiring, rule: old":        {0, never("expiring")},
		"check: expiring, rule: lasting":    {0, never("expiring")},
		"check: unreached-rule, rule: gone": {1, nil},
	} {
		spec := bypassOf("lint: {accept: [{" + accept + ", reason: a}]}, " + rules)
		checked, err := fn.Check(spec, filesOf(workloadIn("shop", "api", "", "app: api")), fn.Options{}, fn.Expiry{Today: "2026-11-27", Notice: fn.Notice})
		require.NoError(t, err)
		explained, err := fn.Explain(spec, filesOf(workloadIn("shop", "api", "", "app: api")), fn.Options{}, "2026-11-27")
		require.NoError(t, err)
		for _, results := range []fn.Results{checked.Results, append(explained.Results, explained.Dated...)} {
			assert.Len(t, acceptedOf(results), test.accepted, accept)
			assert.Equal(t, test.idle, of("unused-acceptance", results), accept)
			assert.Len(t, of("expired", results), 1, accept)
			assert.Len(t, of("expiring", results), 1, accept)
			assert.Len(t, of("unreached-rule", results), 1, accept)
		}
		assert.NotContains(t, explained.Results.Report(), "error: ", "explain says what is in force")
	}
}
