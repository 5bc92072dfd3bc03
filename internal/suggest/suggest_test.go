package suggest_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/suggest"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

func policyOf(t *testing.T, s v1alpha1.Spec) *transform.Policy {
	t.Helper()
	source, err := spec.Of(v1alpha1.ClusterBypass{Spec: s})
	require.NoError(t, err)
	read, err := source.Read(spec.Given{})
	require.NoError(t, err)
	return read.Policy
}

func of(t *testing.T, s v1alpha1.Spec, manifests ...string) *suggest.Suggestions {
	t.Helper()
	if s.Enforcement == nil {
		s.Enforcement = &v1alpha1.Enforcement{Mode: "WhereNeeded"}
	}
	items := pass.Split(pass.ItemsOf(stream.Of(yamltext.File{Path: "all.yaml", Text: []byte(strings.Join(manifests, "\n---\n"))}), nil))
	heads, broken := pass.Heads(items)
	require.Empty(t, broken)
	found, broken := suggest.Of(suggest.Input{
		Items: items, Heads: heads, Policy: policyOf(t, s), Again: func() *transform.Policy { return policyOf(t, s) },
	})
	require.Empty(t, broken)
	return found
}

// proposals gives the traffic of the rules, each behind whom it is for; what may be
// needed begins with "perhaps".
func proposals(found *suggest.Suggestions) []string {
	all := []string{}
	name, early := "", ""
	for line := range strings.Lines(string(found.New(suggest.Head{Mesh: "Istio"}))) {
		at := proposal.FindStringSubmatch(line)
		if at == nil {
			continue
		}
		perhaps := strings.Replace(at[1], "# ", "perhaps ", 1)
		switch {
		case at[2] == "names":
			name, early = at[3], ""
		case at[2] == "forInitContainers":
			early = " at first"
		case at[2] == "- {ipRanges":
			all = append(all, perhaps+name+early+" {ipRanges: "+at[3])
		case at[3] != "":
			all = append(all, perhaps+name+early+" "+at[2]+": "+at[3])
		}
	}
	return all
}

var proposal = regexp.MustCompile(`^  (# )? +(names|forInitContainers|exclude[A-Za-z]+|- \{ipRanges): ?(.*)\n`)

const (
	meshed     = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}"
	strict     = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}"
	unmeshed   = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}"
	prometheus = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s, namespace: monitoring}\nspec: {replicas: 1, serviceMonitorSelector: {}, podMonitorSelector: {}, serviceMonitorNamespaceSelector: {}, podMonitorNamespaceSelector: {}}"
	service    = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, labels: {team: shop}}\nspec:\n  selector: {app: web}\n  ports: [{name: http, port: 80, targetPort: http}, {name: metrics, port: 9090, targetPort: m}, {name: dns, port: 53, protocol: UDP}]"
)

// web is a Deployment, with more in its pod's template and spec.
func web(metadata, pod string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}" + metadata + "}\n    spec:\n      containers:\n      - {name: web, image: web, ports: [{name: http, containerPort: 8080}, {name: m, containerPort: 9090}]}\n" + pod
}

func monitor(kind, spec string) string {
	return "apiVersion: monitoring.coreos.com/v1\nkind: " + kind + "\nmetadata: {name: web, namespace: shop}\nspec: " + spec
}

func TestMetrics(t *testing.T) {
	plain := strings.NewReplacer("namespace: shop", "namespace: monitoring", "image: web", `image: "quay.io/prometheus/prometheus:v3"`, "name: web", "name: p", "app: web", "app: p").Replace(web("", ""))
	byHand := []string{meshed, strict, unmeshed, plain, service}
	agent := func(spec string) string {
		return "apiVersion: operator.victoriametrics.com/v1beta1\nkind: VMAgent\nmetadata: {name: a, namespace: monitoring}\nspec: " + spec
	}
	victoria := func(spec string) []string {
		return []string{meshed, strict, unmeshed, agent(spec), service, web("", ""), strings.Replace(monitor("VMPodScrape", `{selector: {}, podMetricsEndpoints: [{port: m}]}`), "monitoring.coreos.com/v1", "operator.victoriametrics.com/v1beta1", 1)}
	}
	rule, perhaps := []string{"[web] excludeInboundPorts: [m]"}, []string{"perhaps [web] excludeInboundPorts: [m]"}
	whole := []string{meshed, strict, unmeshed, prometheus, service, web("", "")}
	services := `{selector: {matchLabels: {team: shop}}, endpoints: [{port: metrics}]}`
	for name, test := range map[string]struct {
		manifests []string
		want      []string
	}{
		"a ServiceMonitor":                 {append(whole, monitor("ServiceMonitor", services)), []string{"[web] excludeInboundPorts: [9090]"}},
		"by the name of the pod's port":    {append(whole, monitor("ServiceMonitor", `{selector: {}, endpoints: [{targetPort: m}]}`)), []string{"[web] excludeInboundPorts: [m]"}},
		"by a number":                      {append(whole, monitor("ServiceMonitor", `{selector: {}, endpoints: [{targetPort: 9090}]}`)), []string{"[web] excludeInboundPorts: [9090]"}},
		"a PodMonitor":                     {append(whole, monitor("PodMonitor", `{selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: m}]}`)), []string{"[web] excludeInboundPorts: [m]"}},
		"by portNumber":                    {append(whole, monitor("PodMonitor", `{selector: {matchExpressions: [{key: app, operator: Exists}]}, podMetricsEndpoints: [{portNumber: 9090}]}`)), []string{"[web] excludeInboundPorts: [9090]"}},
		"a number that no container names": {append(whole, monitor("ServiceMonitor", `{selector: {}, endpoints: [{targetPort: 9999}]}`)), []string{}},
		"of another Prometheus":            {append(whole[:3:3], strings.Replace(prometheus, "serviceMonitorSelector: {}", "serviceMonitorSelector: {matchLabels: {release: x}}", 1), service, web("", ""), monitor("ServiceMonitor", services)), []string{"perhaps [web] excludeInboundPorts: [9090]"}},
		"of a Prometheus for its own":      {append(whole[:3:3], strings.Replace(prometheus, ", serviceMonitorNamespaceSelector: {}", "", 1), service, web("", ""), monitor("ServiceMonitor", services)), []string{"perhaps [web] excludeInboundPorts: [9090]"}},
		"of a Prometheus without selector": {append(whole[:3:3], strings.Replace(prometheus, "serviceMonitorSelector: {}, ", "", 1), service, web("", ""), monitor("ServiceMonitor", services)), []string{"perhaps [web] excludeInboundPorts: [9090]"}},
		"two endpoints":                    {append(whole, monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}, {port: http}]}`)), []string{"[web] excludeInboundPorts: [http]", "[web] excludeInboundPorts: [m]"}},
		"labels that nobody has":           {append(whole, monitor("PodMonitor", `{selector: {matchLabels: {app: db}}, podMetricsEndpoints: [{port: m}]}`)), []string{}},
		"an expression that excludes it":   {append(whole, monitor("PodMonitor", `{selector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}, podMetricsEndpoints: [{port: m}]}`)), []string{}},
		"an expression that is absent":     {append(whole, monitor("PodMonitor", `{selector: {matchExpressions: [{key: app, operator: DoesNotExist}]}, podMetricsEndpoints: [{port: m}]}`)), []string{}},
		"another namespace":                {append(whole, monitor("ServiceMonitor", `{namespaceSelector: {matchNames: [other]}, selector: {}, endpoints: [{port: metrics}]}`)), []string{}},
		"any namespace":                    {append(whole, strings.Replace(monitor("ServiceMonitor", `{namespaceSelector: {any: true}, selector: {}, endpoints: [{port: metrics}]}`), "namespace: shop", "namespace: monitoring", 1)), []string{"[web] excludeInboundPorts: [9090]"}},
		"a port that is not there":         {append(whole, monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: nothing}]}`)), []string{}},
		"the sidecar's own port":           {append(whole, monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{portNumber: 15020}]}`)), []string{}},
		"mTLS is not STRICT":               {[]string{meshed, unmeshed, prometheus, web("", ""), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)}, []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"no Prometheus":                    {[]string{meshed, strict, web("", ""), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)}, []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"a Prometheus in the mesh":         {[]string{meshed, strict, strings.Replace(prometheus, "namespace: monitoring", "namespace: shop", 1), web("", ""), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)}, []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"one Prometheus of each kind":      {append(whole, strings.Replace(prometheus, "namespace: monitoring", "namespace: shop", 1), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)), []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"monitors, Prometheus by hand":     {append(byHand[:5:5], web("", ""), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)), perhaps},
		"VMAgent that selects all":         {victoria(`{selectAllByDefault: true}`), rule},
		"VMAgent that selects nothing":     {victoria(`{selectAllByDefault: false}`), perhaps},
		"VMAgent with a selector":          {victoria(`{podScrapeSelector: {}, podScrapeNamespaceSelector: {}}`), rule},
		"VMAgent with one of Namespaces":   {victoria(`{podScrapeNamespaceSelector: {}}`), rule},
		"VMAgent for its own Namespace":    {victoria(`{podScrapeSelector: {}}`), perhaps},
		"VMAgent for other labels":         {victoria(`{podScrapeSelector: {matchLabels: {a: b}}, podScrapeNamespaceSelector: {}}`), perhaps},
		"VMAgent for services":             {victoria(`{serviceScrapeSelector: {}, serviceScrapeNamespaceSelector: {}}`), perhaps},
		"a PodMonitor beside VMAgent":      {append(victoria(`{selectAllByDefault: true}`)[:6:6], monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)), perhaps},
		"annotations, Prometheus operated": {append(whole[:4:4], strings.Replace(service, "labels:", `annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9090"}, labels:`, 1), web("", "")), []string{"perhaps [web] excludeInboundPorts: [9090]"}},
		"a client's certificate":           {append(whole, monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m, tlsConfig: {certFile: /etc/prom-certs/cert-chain.pem}}]}`)), []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"whether it is meshed is unknown":  {[]string{strict, unmeshed, prometheus, web("", ""), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)}, []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"STRICT in its namespace":          {[]string{strings.Replace(strict, "istio-system", "shop", 1), unmeshed, prometheus, web("", ""), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)}, []string{"[web] excludeInboundPorts: [m]"}},
		"one of two that may count":        {append(whole[2:], meshed, strict, strings.Replace(strings.Replace(strict, "name: default", "name: other", 1), "STRICT", "PERMISSIVE", 1), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)), []string{"perhaps [web] excludeInboundPorts: [m]"}},
		"one that two overlays have":       {append(whole[2:], meshed, strict, strict, monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)), []string{"[web] excludeInboundPorts: [m]"}},
		"opted out":                        {[]string{meshed, strict, unmeshed, prometheus, strings.Replace(web("", ""), "{app: web}}\n    spec", `{app: web, sidecar.istio.io/inject: "false"}}`+"\n    spec", 1), monitor("PodMonitor", `{selector: {}, podMetricsEndpoints: [{port: m}]}`)}, []string{}},
		"annotations of a pod":             {append(byHand[:5:5], web(`, annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9090"}`, "")), []string{}},
		"without merging":                  {append(byHand[:5:5], web(`, annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9090", prometheus.istio.io/merge-metrics: "false"}`, "")), []string{"[web] excludeInboundPorts: [9090]"}},
		"without merging anywhere":         {append(byHand[:5:5], "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    enablePrometheusMerge: false\n", web(`, annotations: {prometheus.io/scrape: "true"}`, "")), []string{"[web] excludeInboundPorts: [8080]", "[web] excludeInboundPorts: [9090]"}},
		"annotations of a Service":         {append(byHand[:4:4], strings.Replace(service, "labels:", `annotations: {prometheus.io/scrape: "true", prometheus.io/port: "9090"}, labels:`, 1), web("", "")), []string{"[web] excludeInboundPorts: [9090]"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, proposals(of(t, v1alpha1.Spec{Merge: "Union"}, test.manifests...)))
		})
	}
}

func TestHooks(t *testing.T) {
	hook := func(apiVersion, kind, rest string) string {
		return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: web}\n" + rest
	}
	validates := hook("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", `webhooks: [{name: a, clientConfig: {service: {name: web, namespace: shop, port: 80}}}]`)
	for name, test := range map[string]struct {
		hook string
		want []string
	}{
		"validating":      {validates, []string{"[web] excludeInboundPorts: [8080]"}},
		"mutating":        {strings.Replace(validates, "Validating", "Mutating", 1), []string{"[web] excludeInboundPorts: [8080]"}},
		"the default 443": {strings.Replace(validates, ", port: 80", "", 1), []string{}},
		"by a URL":        {hook("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", `webhooks: [{name: a, clientConfig: {url: "https://example.com"}}]`), []string{}},
		"conversion":      {hook("apiextensions.k8s.io/v1", "CustomResourceDefinition", `spec: {conversion: {webhook: {clientConfig: {service: {name: web, namespace: shop, port: 9090}}}}}`), []string{"[web] excludeInboundPorts: [9090]"}},
		"an API":          {hook("apiregistration.k8s.io/v1", "APIService", `spec: {service: {name: web, namespace: shop, port: 80}}`), []string{"[web] excludeInboundPorts: [8080]"}},
		"a local API":     {hook("apiregistration.k8s.io/v1", "APIService", `spec: {group: example.com}`), []string{}},
		"no such Service": {hook("apiregistration.k8s.io/v1", "APIService", `spec: {service: {name: db, namespace: shop, port: 80}}`), []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, proposals(of(t, v1alpha1.Spec{}, meshed, strict, service, web("", ""), test.hook)))
		})
	}
	t.Run("no such Service is told", func(t *testing.T) {
		missing := hook("apiregistration.k8s.io/v1", "APIService", "spec: {service: {name: db, namespace: shop}}")
		assert.Equal(t, []suggest.Note{"APIService web (all.yaml:LINE): no rule is proposed, because its Service shop/db is not among the manifests"}, lineless(of(t, v1alpha1.Spec{}, meshed, strict, service, web("", ""), missing).Notes))
		assert.Empty(t, of(t, v1alpha1.Spec{}, meshed, strict, service, web("", ""), validates).Notes)
	})
	t.Run("a Service that leads nowhere here is told", func(t *testing.T) {
		for service, why := range map[string]string{
			"spec: {type: ExternalName, externalName: hooks.example.com}": "Service shop/web (all.yaml:LINE) leads to the name hooks.example.com, of which krm-bypass cannot tell whether pods with a sidecar answer: if some do, write a rule for their port",
			"spec: {ports: [{port: 80}]}":                                 "Service shop/web (all.yaml:LINE) has no selector, so krm-bypass cannot tell whether pods with a sidecar answer: if some do, write a rule for their port",
			"spec: {selector: {app: web}, ports: [{port: 443}]}":          "Service shop/web (all.yaml:LINE) has no port 80",
			"spec: {selector: {app: other}, ports: [{port: 80}]}":         "no workload among the manifests has the labels that Service shop/web (all.yaml:LINE) selects",
		} {
			found := of(t, v1alpha1.Spec{}, meshed, strict, "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"+service, web("", ""), validates)
			assert.Equal(t, []suggest.Note{suggest.Note("ValidatingWebhookConfiguration web (all.yaml:LINE): no rule is proposed, because " + why)}, lineless(found.Notes))
			assert.Empty(t, proposals(found))
		}
	})
	t.Run("in Ambient", func(t *testing.T) {
		ambient := strings.Replace(meshed, "istio-injection: enabled", "istio.io/dataplane-mode: ambient", 1)
		both := strings.Replace(meshed, "istio-injection: enabled", "istio.io/dataplane-mode: ambient, istio-injection: enabled", 1)
		rule, perhaps := []string{"[web] excludeInboundPorts: [8080]"}, []string{"perhaps [web] excludeInboundPorts: [8080]"}
		annotations := v1alpha1.Spec{Enforcement: &v1alpha1.Enforcement{Mode: "AnnotationsOnly"}}
		inAmbient := annotations
		inAmbient.Global = &v1alpha1.GlobalRule{Placement: v1alpha1.Placement{DataPlane: "Ambient"}}
		found := of(t, annotations, ambient, strict, service, web("", ""), validates)
		assert.Equal(t, perhaps, proposals(found))
		assert.Contains(t, strings.Join(strings.Fields(strings.ReplaceAll(string(found.New(suggest.Head{})), "#", "")), " "), "data-plane: these pods are in Ambient (Namespace shop (all.yaml:3), label istio.io/dataplane-mode): write dataPlane: Ambient in this rule too, which takes an enforcement.image")
		assert.Equal(t, perhaps, proposals(of(t, inAmbient, ambient, strict, service, web("", ""), validates)), "render refuses it")
		assert.Equal(t, rule, proposals(of(t, annotations, both, strict, service, web("", ""), validates)), "the sidecar wins")
		assert.Equal(t, rule, proposals(of(t, annotations, ambient, strict, service, strings.Replace(web("", ""), "{app: web}}\n    spec", `{app: web, sidecar.istio.io/inject: "true"}}`+"\n    spec", 1), validates)))
	})
	t.Run("what the spec says already", func(t *testing.T) {
		for _, traffic := range []v1alpha1.Traffic{
			{ExcludeInboundPorts: v1alpha1.InboundPortList{"8000-8100"}},
			{IncludeInboundPorts: v1alpha1.InboundPortSelection{"9090"}},
		} {
			s := v1alpha1.Spec{Global: &v1alpha1.GlobalRule{Traffic: traffic}}
			assert.Empty(t, proposals(of(t, s, meshed, strict, service, web("", ""), validates)))
		}
	})
	t.Run("what a limit forbids", func(t *testing.T) {
		s := v1alpha1.Spec{Limits: &v1alpha1.Limits{ForbiddenInboundPorts: v1alpha1.PortList{"8080"}}}
		assert.Equal(t, []string{"perhaps [web] excludeInboundPorts: [8080]"}, proposals(of(t, s, meshed, strict, service, web("", ""), validates)))
	})
	t.Run("where the namespace is not written yet", func(t *testing.T) {
		without := func(text string) string { return strings.ReplaceAll(text, ", namespace: shop", "") }
		assert.Equal(t, []string{"perhaps [web] excludeInboundPorts: [8080]"}, proposals(of(t, v1alpha1.Spec{}, strict, without(service), without(web("", "")), validates)))
	})
}

// lineless are notes without the numbers of lines.
func lineless(notes []suggest.Note) (all []suggest.Note) {
	for _, n := range notes {
		all = append(all, suggest.Note(regexp.MustCompile(`:[0-9]+\)`).ReplaceAllString(string(n), ":LINE)")))
	}
	return all
}

func TestPeers(t *testing.T) {
	db := "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec:\n  replicas: 3\n  serviceName: peers\n  selector: {matchLabels: {app: db}}\n  template:\n    metadata: {labels: {app: db}}\n    spec: {containers: [{name: db, image: db, ports: [{containerPort: 7000}, {containerPort: 7001}]}]}"
	peers := "apiVersion: v1\nkind: Service\nmetadata: {name: peers, namespace: shop}\nspec: {clusterIP: None, selector: {app: db}, ports: [{port: 7000}, {port: 7001, name: b}]}"
	clients := func(port string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {selector: {app: db}, ports: [{port: 1, targetPort: " + port + "}]}"
	}
	both := []string{"perhaps [db] excludeInboundPorts: [7000, 7001]", "perhaps [db] excludeOutboundPorts: [7000, 7001]"}
	for name, test := range map[string]struct {
		manifests []string
		want      []string
	}{
		"all ports":                      {[]string{db, peers}, both},
		"but those of clients":           {[]string{db, peers, clients("7001")}, []string{"perhaps [db] excludeInboundPorts: [7000]", "perhaps [db] excludeOutboundPorts: [7000]"}},
		"one pod":                        {[]string{strings.Replace(db, "replicas: 3", "replicas: 1", 1), peers}, []string{}},
		"a Service that is not headless": {[]string{db, strings.Replace(peers, "clusterIP: None, ", "", 1)}, []string{}},
		"no such Service":                {[]string{db}, []string{}},
		"STRICT proves nothing here":     {[]string{strict, db, peers}, both},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, proposals(of(t, v1alpha1.Spec{}, append(test.manifests, meshed)...)))
		})
	}
}

func TestWhatPodsCall(t *testing.T) {
	call := func(list, container string) string { return "      " + list + ":\n      - " + container + "\n" }
	initially := func(words string) string { return call("initContainers", "{name: first, image: first, "+words+"}") }
	for name, test := range map[string]struct {
		pod  string
		want []string
	}{
		"a Service, as nc takes it":       {initially(`command: [sh, -c, "nc -z web 80"]`), []string{"perhaps [web] at first excludeOutboundPorts: [80]"}},
		"a Service in a URL":              {initially(`args: ["http://web.shop.svc.cluster.local:80/ready"]`), []string{"perhaps [web] at first excludeOutboundPorts: [80]"}},
		"a Service in a variable":         {initially(`env: [{name: A, value: "web.shop:80"}]`), []string{"perhaps [web] at first excludeOutboundPorts: [80]"}},
		"a port that it does not have":    {initially(`args: ["web:81"]`), []string{}},
		"somebody else's Service":         {initially(`args: ["web.other:80"]`), []string{}},
		"a host outside":                  {initially(`args: ["web.example.com:80"]`), []string{}},
		"an address":                      {initially(`args: ["10.1.2.3:5432", "[fd00::1]:5432", "127.0.0.1:80", "0.0.0.0:80"]`), []string{"perhaps [web] at first {ipRanges: [10.1.2.3], ports: [5432]}", "perhaps [web] at first {ipRanges: ['fd00::1'], ports: [5432]}"}},
		"a port beyond all":               {initially(`args: ["10.1.2.3:99999"]`), []string{}},
		"an init container that stays":    {initially(`restartPolicy: Always, args: ["web:80"]`), []string{}},
		"the API server":                  {initially(`command: [kubectl, get, pods]`), []string{"perhaps [web] at first {ipRanges: [ADDRESS-OF-THE-API-SERVER], ports: [443]}"}},
		"metadata":                        {initially(`args: ["http://169.254.169.254/latest"]`), []string{"perhaps [web] excludeOutboundIPRanges: [169.254.169.254]"}},
		"metadata of Alibaba Cloud":       {initially(`args: ["http://100.100.100.200/latest"]`), []string{"perhaps [web] excludeOutboundIPRanges: [100.100.100.200]"}},
		"metadata of AWS over IPv6":       {initially(`args: ["http://[fd00:ec2::254]/latest"]`), []string{"perhaps [web] excludeOutboundIPRanges: ['fd00:ec2::254']"}},
		"metadata of Google Cloud":        {initially(`args: ["http://metadata.google.internal/"]`), []string{"perhaps [web] excludeOutboundIPRanges: [169.254.169.254]"}},
		"the agent of EKS Pod Identity":   {initially(`args: ["http://169.254.170.23/v1/credentials"]`), []string{}},
		"node-local DNS":                  {"      dnsConfig: {nameservers: [169.254.20.10]}\n", []string{"perhaps [web] {ipRanges: [169.254.20.10], ports: [53]}"}},
		"another name server":             {"      dnsConfig: {nameservers: [10.96.0.10]}\n", []string{}},
		"under a name that is a pattern":  {"      dnsConfig: {nameservers: [169.254.20.10]}\n---\n" + strings.Replace(web("", "      dnsConfig: {nameservers: [169.254.20.10]}\n"), "name: web,", "name: '*',", 1), []string{"perhaps [web] {ipRanges: [169.254.20.10], ports: [53]}"}},
		"on the node's own network":       {"      hostNetwork: true\n" + initially(`args: ["http://169.254.169.254/"]`), []string{}},
		"nothing that means a connection": {initially(`args: ["at 10:30", "1.2.3", "v1:2", "sleep 5"]`), []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, proposals(of(t, v1alpha1.Spec{}, meshed, service, web("", test.pod))))
		})
	}
}

func TestWhatIsSaidAndNeverProposed(t *testing.T) {
	at := func(port, name string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: " + port + name + "}]}"
	}
	for name, test := range map[string]struct {
		mesh, service string
		says          string
	}{
		"PostgreSQL":                      {"Istio", at("5432", ""), "write appProtocol: tcp at the port of the Service"},
		"MySQL, which Istio knows":        {"Istio", at("3306", ""), ""},
		"with a protocol":                 {"Istio", at("5432", ", appProtocol: tcp"), ""},
		"with a name":                     {"Istio", at("5432", ", name: tcp-postgres"), ""},
		"with another name":               {"Istio", at("5432", ", name: postgres"), "5432 (PostgreSQL)"},
		"HTTP":                            {"Istio", at("80", ""), ""},
		"PostgreSQL, which Linkerd knows": {"Linkerd", at("5432", ""), ""},
		"FTP":                             {"Linkerd", at("21", ""), "config.linkerd.io/opaque-ports"},
		"a mesh that takes all":           {"Kuma", at("21", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := of(t, v1alpha1.Spec{Mesh: test.mesh}, test.service, web("", ""))
			assert.Empty(t, proposals(found))
			if test.says == "" {
				assert.Empty(t, found.Notes)
			} else if assert.Len(t, found.Notes, 1) {
				assert.Contains(t, string(found.Notes[0]), test.says)
			}
		})
	}
}

func TestWhatIsNotLookedInto(t *testing.T) {
	release := "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop, namespace: shop}\nspec: {chart: {spec: {chart: shop, version: 1.0.0, sourceRef: {kind: HelmRepository, name: shop}}}}"
	found := of(t, v1alpha1.Spec{}, web("", ""), release)
	assert.Empty(t, proposals(found))
	if assert.Len(t, found.Notes, 1) {
		assert.Contains(t, string(found.Notes[0]), "HelmRelease shop/shop (all.yaml:")
		assert.Contains(t, string(found.Notes[0]), ": not looked into: Flux renders a chart of it in the cluster")
	}
	assert.Empty(t, of(t, v1alpha1.Spec{}, web("", "")).Notes)
}
