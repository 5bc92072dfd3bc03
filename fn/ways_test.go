package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// What the mesh reads beside the traffic fields is judged by limits in the
// directions that it opens, whether a rule speaks of the workload or not, by the
// function and by every command.
func TestLimitsJudgeWhatIsInForce(t *testing.T) {
	const (
		traffic  = "traffic.sidecar.istio.io/"
		metadata = "%s}, spec: {containers: [{name: app, image: app}]"
	)
	annotated := func(key, value string) string { return fmt.Sprintf("annotations: {%s: %q}", key, value) }
	configured := func(config string) string { return annotated("proxy.istio.io/config", config) }
	tests := []struct{ mesh, template, opens string }{
		{"Istio", annotated(traffic+"excludeInterfaces", "eth0"), "in out"},
		{"Istio", annotated(traffic+"excludeInterfaces", ""), ""},
		{"Istio", annotated(traffic+"kubevirtInterfaces", "net1"), "in"},
		{"Istio", annotated("istio.io/reroute-virtual-interfaces", "net1"), "in"},
		{"Istio", annotated("sidecar.istio.io/interceptionMode", "NONE"), "in out"},
		{"Istio", annotated("sidecar.istio.io/interceptionMode", "REDIRECT"), ""},
		{"Istio", annotated("sidecar.istio.io/interceptionMode", "TPROXY"), ""},
		{"Istio", annotated("status.sidecar.istio.io/port", "8443"), "in"},
		{"Istio", annotated("status.sidecar.istio.io/port", "0x20fb"), "in"},
		{"Istio", annotated("status.sidecar.istio.io/port", "15020"), ""},
		{"Istio", configured("holdApplicationUntilProxyStarts: true"), ""},
		{"Istio", configured("proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true', DRY_RUN: 'false'}\ninterceptionMode: TPROXY"), ""},
		{"Istio", configured("proxyMetadata: {DRY_RUN: 'true'}"), "in out"},
		{"Istio", configured(`extraStatTags: ["a\N  initContainers: []"]`), "in out"},
		{"Istio", configured(`caCertificatesPem: ["-----BEGIN CERTIFICATE-----\nMIIB\n"]`), ""},
		{"Istio", configured(`{"proxyMetadata": {"\u0044RY_RUN": "true"}}`), "in out"},
		{"Istio", configured("a: 1\n---\nproxyMetadata: {DRY_RUN: 'true'}"), "in out"},
		{"Istio", configured("proxyMetadata: {DRY_RUN: 'false', DRY_RUN: 'true'}"), "in out"},
		{"Istio", configured("x: &x {SKIP_RULE_APPLY: 'true'}\nproxyMetadata: {<<: *x}"), "in out"},
		{"Istio", configured("proxyMetadata: {? !!binary RFJZX1JVTg== : 'true'}"), "in out"},
		{"Istio", configured("interceptionMode: NONE"), "in out"},
		{"Istio", configured("proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}"), "out"},
		{"Istio", configured("proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '444, 445'}"), ""},
		{"Istio", configured("proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '1:65535'}"), "out"},
		{"Istio", configured("proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: null}"), "out"},
		// A variable where an annotation gives the flag itself.
		{"Istio", "annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '', proxy.istio.io/config: \"proxyMetadata: {ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}\"}", ""},
		{"Istio", "annotations: {sidecar.istio.io/interceptionMode: REDIRECT, proxy.istio.io/config: 'interceptionMode: NONE'}", ""},
		{"Istio", "annotations: {istio.io/reroute-virtual-interfaces: '', traffic.sidecar.istio.io/kubevirtInterfaces: net1}", ""},
		// Who runs as the user whom Linkerd takes for its proxy.
		{"Linkerd", annotated("config.linkerd.io/proxy-uid", "1000"), "out"},
		{"Linkerd", "annotations: {config.linkerd.io/proxy-uid: '1000'}}, spec: {containers: [{name: app, image: app, securityContext: {runAsUser: 1000}}]", "out"},
		{"Linkerd", "annotations: {config.linkerd.io/proxy-uid: '1000'}}, spec: {containers: [{name: app, image: app, securityContext: {runAsUser: 2102}}]", ""},
		{"Linkerd", "annotations: {config.linkerd.io/proxy-gid: '1000'}}, spec: {securityContext: {runAsGroup: 1000}, containers: [{name: app, image: app}]", "out"},
		{"Linkerd", "annotations: {config.linkerd.io/proxy-gid: '1000'}}, spec: {securityContext: {runAsGroup: 1001}, containers: [{name: app, image: app}]", ""},
		{"Linkerd", "annotations: {}}, spec: {containers: [{name: app, image: app, securityContext: {runAsUser: 2102}}]", "out"},
		{"Istio", configured("{"), "in out"},
		// The injection template writes proxyMetadata into YAML as it is.
		{"Istio", configured(`{"proxyMetadata": {"A": "x\"\n    - name: DRY_RUN\n      value: \"true"}}`), "in out"},
		{"Istio", configured(`{"proxyMetadata": {"A\n      value: x\n    - name: DRY_RUN": "true"}}`), "in out"},
		{"Istio", configured(`{"proxyMetadata": {"DRY_RUN #": "true"}}`), "in out"},
		{"Istio", configured(`{"proxyMetadata": {"'DRY_RUN'": "true"}}`), "in out"},
		{"Istio", configured("caCertificatesPem: [&a \"x\\\"\\n\"]\nproxyMetadata: {A: *a}"), "in out"},
		{"Istio", configured("caCertificatesPem: [\"-----BEGIN\\nx\"]\nproxyStatsMatcher: {inclusionRegexps: ['.*\\.upstream_rq.*']}"), ""},
		{"Istio", configured("proxyMetadata: {ISTIO_META_X: 'a: b, #c'}\ntracing: {customTags: {a.b/c: {literal: {value: x y}}}}"), ""},
		{"Istio", annotated("proxy.istio.io/overrides", `{"initContainers":[{"name":"istio-init","args":["istio-iptables","-i",""]}]}`), "in out"},
		{"Istio", annotated("proxy.istio.io/overrides", ""), ""},
		// What goes into YAML or a command as it is.
		{"Istio", annotated("sidecar.istio.io/userVolume", `{"x\"\n  initContainers: []": {}}`), "in out"},
		{"Istio", annotated("sidecar.istio.io/userVolume", "{\"certs\": {\"secret\":\n {\"secretName\": \"x\"}}}"), ""},
		{"Istio", annotated("k8s.v1.cni.cncf.io/networks", "x', traffic.sidecar.istio.io/excludeOutboundPorts: '443"), "in out"},
		{"Istio", annotated("k8s.v1.cni.cncf.io/networks", `[{"name": "x"}]`), ""},
		{"Linkerd", annotated("config.linkerd.io/image-pull-policy", "Always\nargs: [x]"), "in out"},
		{"Linkerd", annotated("config.linkerd.io/image-pull-policy", "\nargs: [x]"), "in out"},
		{"Linkerd", annotated("config.linkerd.io/image-pull-policy", "Always\n"), ""},
		{"Linkerd", annotated("config.linkerd.io/proxy-version", `v"},{"op":"add","path":"/x","value":"y`), "in out"},
		{"Linkerd", annotated("config.linkerd.io/proxy-version", "edge-26.1.1"), ""},
		{"Linkerd", annotated("config.linkerd.io/skip-inbound-ports", "80\"\n- --outbound-ports-to-ignore\n- \"443"), "in out"},
		{"Linkerd", annotated("config.linkerd.io/image-pull-policy", "Always"), ""},
		{"Consul", annotated("consul.hashicorp.com/connect-service", `web"; iptables -t nat -F; echo "`), "in out"},
		{"Consul", annotated("consul.hashicorp.com/connect-service", "web,web-admin"), ""},
		{"Istio", "annotations: {}}, spec: {securityContext: {runAsUser: 1337}, containers: [{name: app, image: app}]", "out"},
		{"Istio", "annotations: {}}, spec: {containers: [{name: app, image: app, securityContext: {runAsUser: 0x539}}]", "out"},
		{"Istio", "annotations: {}}, spec: {initContainers: [{name: init, securityContext: {runAsGroup: 1337}}], containers: [{name: app, image: app}]", "out"},
		{"Istio", "annotations: {}}, spec: {containers: [{name: app, image: app, securityContext: {runAsUser: 1000}}]", ""},
		{"Istio", "annotations: {}}, spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: auto, securityContext: {runAsUser: 1337}}]", ""},
		// The injector takes the user of a container with the sidecar's name for the
		// sidecar's own (istio/istio pkg/kube/inject/webhook.go, adjustInitContainerUser).
		{"Istio", "annotations: {}}, spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: auto, securityContext: {runAsUser: 1000}}]", "out"},
		{"Istio", "annotations: {}}, spec: {initContainers: [{name: istio-proxy, image: auto, securityContext: {runAsGroup: 0}}], containers: [{name: app, image: app}]", "out"},
		{"Istio", "annotations: {}}, spec: {containers: [{name: istio-proxy, image: app}]", "in out"},
		{"Istio", "annotations: {}}, spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: auto, command: [sh]}]", "in out"},
		{"Istio", "annotations: {}}, spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: auto, args: [proxy], resources: {}, securityContext: {runAsUser: 1337, runAsGroup: 1337}}]", ""},
		{"Linkerd", "annotations: {}}, spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: x}]", "in out"},
		{"Linkerd", "annotations: {}}, spec: {initContainers: [{name: istio-init, image: x}], containers: [{name: app, image: app}]", "in out"},
		{"Linkerd", "annotations: {}}, spec: {containers: [{name: app, image: app}, {name: x, image: 'gcr.io/istio-release/proxyv2:1'}]", "in out"},
		{"Linkerd", "annotations: {}}, spec: {initContainers: [{name: x, image: 'cr.l5d.io/linkerd/proxy-init:1'}], containers: [{name: app, image: app}]", "in out"},
		{"Linkerd", "annotations: {}}, spec: {containers: [{name: app, image: 'cr.l5d.io/linkerd/proxyish:1'}]", ""},
		{"Kuma", "annotations: {}}, spec: {containers: [{name: istio-proxy, image: 'gcr.io/istio-release/proxyv2:1'}]", ""},
		{"Linkerd", "annotations: {}}, spec: {containers: [{name: app, image: app, command: [app], securityContext: {runAsUser: 1000}}]", ""},
		{"Istio", configured("proxyMetadata: {ISTIO_DUAL_STACK: 'false'}"), "in out"},
		{"Istio", configured("proxyMetadata: {ISTIO_DUAL_STACK: 'true', DISABLE_ENVOY: 'false'}"), ""},
		{"Istio", configured("proxyMetadata: {DISABLE_ENVOY: 'true'}"), "in out"},
		{"Istio", "annotations: {}}, spec: {initContainers: [{name: istio-init, command: ['true']}], containers: [{name: app, image: app}]", "in out"},
		// Claims to have no sidecar.
		{"Istio", "labels: {istio.io/dataplane-mode: ambient}, " + annotated(traffic+"excludeOutboundPorts", "443"), "out"},
		{"Istio", "annotations: {inject.istio.io/templates: 'gateway,sidecar', " + traffic + "excludeOutboundPorts: '443'}", "out"},
		{"Istio", "annotations: {inject.istio.io/templates: gateway, " + traffic + "excludeOutboundPorts: '443'}", ""},
		{"Istio", "annotations: {inject.istio.io/templates: \"gateway,\\tsidecar\", " + traffic + "excludeOutboundPorts: '443'}", "out"},
		{"Istio", "annotations: {inject.istio.io/templates: 'gateway,mine', " + traffic + "excludeOutboundPorts: '443'}", "out"},
		{"Istio", "annotations: {inject.istio.io/templates: grpc-agent, " + traffic + "excludeOutboundPorts: '443'}", ""},
		{"Istio", "labels: {sidecar.istio.io/inject: 'false'}, " + annotated(traffic+"excludeOutboundPorts", "443"), ""},
		{"Kuma", "annotations: {kuma.io/sidecar-injection: disabled, traffic.kuma.io/exclude-outbound-ports: '443'}", "out"},
		{"Kuma", "labels: {kuma.io/sidecar-injection: disabled}, annotations: {traffic.kuma.io/exclude-outbound-ports: '443'}", ""},
		{"Kuma", "annotations: {kuma.io/gateway: enabled, traffic.kuma.io/exclude-outbound-ports: '443', traffic.kuma.io/exclude-inbound-ports: '8443'}", "out"},
		{"Kuma", "annotations: {kuma.io/gateway: builtin, traffic.kuma.io/exclude-outbound-ports: '443'}", ""},
		{"Consul", "annotations: {consul.hashicorp.com/gateway-kind: api-gateway, consul.hashicorp.com/transparent-proxy-exclude-outbound-ports: '443'}", "out"},
		{"Consul", "annotations: {consul.hashicorp.com/gateway-kind: api-gateway, consul.hashicorp.com/connect-inject: 'false', consul.hashicorp.com/transparent-proxy-exclude-outbound-ports: '443'}", ""},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports-for-uids", "tcp::1000"), "out"},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports-for-uids", "80:1;:1000"), "out"},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports-for-uids", "tcp:3306:1000"), ""},
		// Values that the mesh reads otherwise than they look, and those that
		// nobody can read.
		{"Istio", annotated(traffic+"excludeOutboundPorts", "0673"), "out"},
		{"Istio", annotated(traffic+"excludeInboundPorts", "020373"), "in"},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "3306, 5432"), ""},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "3306,,"), "out"},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "4_43"), "out"},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "443e0"), "out"},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "４４３"), "out"},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "https"), "out"},
		{"Istio", annotated(traffic+"excludeInboundPorts", "*"), "in"},
		{"Istio", annotated(traffic+"excludeOutboundIPRanges", "10.0.0.0/08"), "out"},
		{"Istio", annotated(traffic+"excludeOutboundPorts", "3306"), ""},
		{"OSM", annotated("openservicemesh.io/outbound-port-exclusion-list", "+443"), "out"},
		{"OSM", annotated("openservicemesh.io/outbound-port-exclusion-list", "0443"), "out"},
		{"FSM", annotated("flomesh.io/inbound-port-exclusion-list", "+8443"), "in"},
		{"FSM", annotated("flomesh.io/outbound-port-exclusion-list", "440-450"), "out"},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports", "0443"), "out"},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", "0x1bb"), "out"},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-inbound-ports", "0x20f0:0x2100"), "in"},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", "https"), "out"},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs", "10/8"), "out"},
		{"Linkerd", annotated("config.linkerd.io/skip-outbound-ports", "3306, 443"), "out"},
		// The other keys of each mesh.
		{"Kuma", annotated("traffic.kuma.io/transparent-proxy-configmap-name", "mine"), "in out"},
		{"Kuma", annotated("traffic.kuma.io/transparent-proxy-config", "redirect: {}"), "in out"},
		{"Kuma", annotated("kuma.io/transparent-proxying-ip-family-mode", "ipv4"), "in out"},
		{"Kuma", annotated("kuma.io/transparent-proxying-ip-family-mode", "dualstack"), ""},
		{"Kuma", annotated("kuma.io/application-probe-proxy-port", "8443"), "in"},
		{"Kuma", annotated("kuma.io/application-probe-proxy-port", "0"), "in"},
		{"FSM", annotated("flomesh.io/outbound-port-inclusion-list", "80"), "out"},
		{"FSM", annotated("flomesh.io/outbound-port-inclusion-list", "80,443"), ""},
		{"FSM", annotated("flomesh.io/inbound-port-inclusion-list", "80"), "in"},
		{"OSM", annotated("openservicemesh.io/outbound-port-inclusion-list", "80"), ""}, // which never read it
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports-for-uids", "tcp:443:1000"), "out"},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-tcp-ports-for-uids", "440-450:1000"), "out"},
		{"Kuma", annotated("traffic.kuma.io/exclude-outbound-ports-for-uids", "*:1000"), "out"},
		{"Kuma", "annotations: {}}, spec: {containers: [{name: kuma-sidecar, image: app}]", "in out"},
		{"Consul", annotated("consul.hashicorp.com/redirect-traffic-config", "{}"), "in out"},
		{"Consul", annotated("consul.hashicorp.com/transparent-proxy-exclude-uids", "1000"), "out"},
		{"Consul", annotated("consul.hashicorp.com/prometheus-scrape-port", "8443"), "in"},
		{"Linkerd", annotated("config.linkerd.io/inbound-port", "8443"), "in"},
		{"Linkerd", annotated("config.linkerd.io/outbound-port", "8443"), "out"},
		{"Linkerd", annotated("config.linkerd.io/admin-port", "8443"), "in"},
		{"Linkerd", annotated("config.linkerd.io/control-port", "4190"), ""},
		{"Linkerd", annotated("config.linkerd.io/proxy-uid", "1000"), "out"},
		{"Linkerd", annotated("config.linkerd.io/proxy-gid", "1000"), "out"},
		// As for kubectl apply --server-side of a file that says no more than this.
		{"Linkerd", "annotations: {config.linkerd.io/skip-outbound-ports: '443'}}, spec: ", "out"},
		{"Linkerd", "labels: {a: b}}, spec: ", ""},
		{"Linkerd", "annotations: {}}, spec: {containers: [{name: app, image: app, securityContext: {runAsUser: 2102}}]", "out"},
	}
	limits := map[string]string{
		"in": "forbiddenInboundPorts: [8443]", "out": "forbiddenOutboundPorts: [443], widestPrefix: {ipv4: 16, ipv6: 48}", "": "",
	}
	rules := map[string]string{
		"without a rule": "", "with a rule": "  global: {excludeOutboundIPRanges: [192.0.2.0/24], includeOutboundPorts: [443]}\n  enforcement: {image: init:1}\n",
	}
	for _, test := range tests {
		template := test.template
		if !strings.Contains(template, "spec: ") {
			template = fmt.Sprintf(metadata, template)
		}
		item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template: {metadata: {" + template + "}}\n"
		item = strings.Replace(item, ", spec: }}", "}", 1)
		for direction, limit := range limits {
			for ruled, rule := range rules {
				t.Run(fmt.Sprint(test.mesh, " ", test.template, " limits ", direction, " ", ruled), func(t *testing.T) {
					spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: " + test.mesh + "\n  limits: {" + limit + "}\n" + rule
					refused := limit != "" && strings.Contains(test.opens, direction)
					files := []fn.Manifest{manifest("web.yaml", item)}
					_, results, _ := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), files, fn.Options{})
					if !refused && rule != "" && test.opens != "" {
						return // what the mesh refuses is an error beside a rule anyway
					}
					require.Equal(t, refused, results.Failed(), results.Report())
					if !refused {
						return
					}
					report := results.Report()
					assert.Contains(t, report, "web.yaml:6: Deployment shop/web: spec.template.")
					_, results, _ = fn.Process(resourceList([]byte(spec), []string{item}), fn.Options{})
					assert.True(t, results.Failed(), "the function")
					checked, err := fn.Check(fn.SpecIn(manifest("bypass.yaml", spec)), files, fn.Options{}, fn.Expiry{})
					require.NoError(t, err)
					assert.True(t, checked.Results.Failed(), "check")
					explained, _ := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), files, fn.Options{}, "2027-01-01")
					assert.True(t, explained.Results.Failed(), "explain")
				})
			}
		}
	}
}

// Who may opt out of the mesh, and who may carry its annotations, depends on the
// namespace; a workload that is not enrolled is nobody's affair.
func TestLimitsByNamespace(t *testing.T) {
	const (
		optOut  = "labels: {sidecar.istio.io/inject: 'false'}"
		gateway = "annotations: {inject.istio.io/templates: gateway}"
		mode    = "annotations: {sidecar.istio.io/interceptionMode: NONE}"
	)
	optsOut := func(mesh, metadata string, does bool) (row struct{ name, limits, metadata, spec, want string }) {
		row.name, row.limits, row.metadata, row.spec = mesh+" "+metadata, "{meshOptOut: {namespaces: []}}", metadata, "  mesh: "+mesh+"\n"
		if does {
			row.want = "which workloads of namespace shop may not (spec.limits.meshOptOut.namespaces)"
		}
		return row
	}
	tests := []struct{ name, limits, metadata, spec, want string }{
		optsOut("Istio", "annotations: {inject.istio.io/templates: grpc-agent}", true),
		optsOut("Istio", "annotations: {inject.istio.io/templates: mine}", true),
		optsOut("Istio", "annotations: {inject.istio.io/templates: 'sidecar,mine'}", false),
		optsOut("Istio", "labels: {istio.io/dataplane-mode: ambient}", false),
		optsOut("Linkerd", "annotations: {linkerd.io/inject: 'off'}", true),
		optsOut("Linkerd", "annotations: {linkerd.io/inject: Disabled}", true),
		optsOut("Linkerd", "annotations: {linkerd.io/inject: ingress}", false),
		optsOut("Linkerd", "labels: {linkerd.io/cni-resource: x}", true),
		optsOut("Linkerd", "annotations: {}}, spec: {initContainers: [{name: istio-init, image: x}], containers: [{name: app, image: app}]", true),
		optsOut("Linkerd", "annotations: {}}, spec: {initContainers: [{name: init, image: x}], containers: [{name: app, image: app}]", false),
		optsOut("Kuma", "labels: {openshift.io/build.name: x}", true),
		optsOut("Kuma", "labels: {openshift.io/deployer-pod-for.name: x}", true),
		optsOut("Kuma", "annotations: {openshift.io/build.name: x}", false),
		optsOut("Kuma", "annotations: {kuma.io/gateway: enabled}", true),
		optsOut("Kuma", "annotations: {kuma.io/gateway: 'yes'}", true),
		optsOut("Kuma", "annotations: {kuma.io/gateway: disabled}", false),
		optsOut("Kuma", "annotations: {kuma.io/gateway: '443'}", false), // its injector refuses the pod
		{"an opt-out", "{}", optOut, "", ""},
		{"an opt-out beside other limits", "{forbiddenNamespaces: [shop]}", optOut, "", ""},
		{"an opt-out that nobody may", "{meshOptOut: {namespaces: []}}", optOut, "", `spec.template.metadata: its template's label sidecar.istio.io/inject: "false" opts out of the mesh, which workloads of namespace shop may not (spec.limits.meshOptOut.namespaces): remove it, or list the namespace there`},
		{"an opt-out elsewhere", "{meshOptOut: {namespaces: [team-*]}}", optOut, "", "may not (spec.limits.meshOptOut.namespaces)"},
		{"an opt-out where it may", "{meshOptOut: {namespaces: [sho*]}}", optOut, "", ""},
		{"a gateway that may not", "{meshOptOut: {namespaces: []}}", gateway, "", "makes it a gateway, which workloads of namespace shop may not"},
		{"no opt-out", "{meshOptOut: {namespaces: []}}", "labels: {sidecar.istio.io/inject: 'true'}", "", ""},
		{"an opt-out that is not enrolled", "{meshOptOut: {namespaces: []}}", optOut, "  enrolment: {namespaces: [other]}\n", ""},
		{"another key, where nobody may annotate", "{podAnnotations: {namespaces: []}}", mode, "", "workloads of this namespace may not carry the annotation (spec.limits.podAnnotations.namespaces): remove the annotation"},
		{"another key, where workloads may annotate", "{podAnnotations: {namespaces: [shop]}}", mode, "", ""},
		{"a harmless value, where nobody may annotate", "{podAnnotations: {namespaces: []}}", "annotations: {sidecar.istio.io/interceptionMode: TPROXY}", "", ""},
		{"another key, where nothing may bypass", "{forbiddenNamespaces: [shop]}", mode, "", "nothing may bypass the sidecar in namespace shop (spec.limits.forbiddenNamespaces), but would by the annotation sidecar.istio.io/interceptionMode: remove it there"},
		{"another key that is not enrolled", "{forbiddenNamespaces: [shop]}", mode, "  enrolment: {namespaces: [other]}\n", ""},
		{"another key in another namespace", "{forbiddenNamespaces: [other]}", mode, "", ""},
		{"another key without limits", "{}", mode, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  limits: " + test.limits + "\n" + test.spec
			if !strings.Contains(test.metadata, "spec: {") {
				test.metadata = fmt.Sprintf("%s}, spec: {containers: [{name: app, image: app}]", test.metadata)
			}
			item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {" + test.metadata + "}}}\n"
			_, results, _ := rendered(t, spec, manifest("web.yaml", item))
			require.Equal(t, test.want != "", results.Failed(), results.Report())
			assert.Contains(t, results.Report(), test.want)
		})
	}
	_, results, _ := rendered(t, "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {limits: {meshOptOut: {namespaces: [shop]}}}\n",
		manifest("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {}, template: {metadata: {"+optOut+"}, spec: {containers: [{name: app, image: app}]}}}\n"))
	assert.Contains(t, results.Report(), "the namespace of this one is unknown (spec.limits.meshOptOut.namespaces)")
}

// Where tools read a container in two ways, nobody can tell as whom it runs, or what it
// lets bypass.
func TestAContainerThatToolsReadInTwoWays(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {limits: {forbiddenOutboundPorts: [443]}}\n"
	for pod, refused := range map[string]bool{
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5, <<: {runAsUser: 1337}}}]":                       true,
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5, runAsUser: 1337}}]":                             true,
		"containers: [{name: app, image: app, securityContext: {}, securityContext: {runAsUser: 1337}}]":                      true,
		"containers: [{name: app, image: app, securityContext: {capabilities: {add: [], add: [NET_ADMIN]}}}]":                 true,
		"securityContext: {runAsUser: 5, runAsUser: 1337}, containers: [{name: app, image: app}]":                             true,
		"initContainers: [{name: krm-bypass-init, image: i, args: [], args: [--exclude-outbound-ports=443]}]":                 true,
		"initContainers: [{name: krm-bypass-init, image: i, <<: {command: [a]}, command: [b]}]":                               true,
		"containers: [{name: istio-proxy, image: auto, image: app}]":                                                          true,
		"containers: [{name: istio-proxy, image: auto, <<: {image: app}}]":                                                    true,
		"containers: [{name: app, image: app, env: [], env: [{name: a, value: b}]}]":                                          true,
		"hostNetwork: true, hostNetwork: false, containers: [{name: app, image: app}]":                                        true,
		"containers: [{name: app, image: app, resources: &a {runAsUser: 5, <<: {runAsUser: 1337}}, securityContext: *a}]":     true,
		"containers: [{name: app, image: app, <<: {imagePullPolicy: Always}}]":                                                false,
		"containers: [{name: app, image: app, env: [{name: a, value: b, value: c}]}]":                                         false,
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5, <<: {runAsGroup: 5}}}]":                         false,
		"containers: [{name: app, image: app, <<: {securityContext: {runAsUser: 5}}, resources: {limits: {cpu: 1, cpu: 2}}}]": false,
	} {
		item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {}, spec: {" + pod + "}}}\n"
		_, results, _ := rendered(t, spec, manifest("web.yaml", item))
		assert.Equal(t, refused, results.Failed(), "%s\n%s", pod, results.Report())
	}
}

func TestAnOptOutThatKumaDoesNotReadIsToldOf(t *testing.T) {
	item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {%s: {kuma.io/sidecar-injection: disabled}}, spec: {containers: [{name: app, image: app}]}}}\n"
	const spec, told = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Kuma}\n", "Kuma reads this only as a label, so it has no effect here: move it to spec.template.metadata.labels"
	_, results, _ := rendered(t, spec, manifest("web.yaml", fmt.Sprintf(item, "annotations")))
	assert.Contains(t, results.Report(), told)
	_, results, _ = rendered(t, spec, manifest("web.yaml", fmt.Sprintf(item, "labels")))
	assert.Empty(t, results.Report())
}

// kubectl reads the last of two keys, and a merge that comes later.
func TestASecurityContextThatIsReadInTwoWaysIsRefused(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {limits: {forbiddenOutboundPorts: [443]}}\n"
	for of, refused := range map[string]bool{
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5, <<: {runAsUser: 1337}}}]":                           true,
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5, runAsUser: 1337}}]":                                 true,
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5}, securityContext: {runAsUser: 1337}}]":              true,
		"initContainers: [{name: a, image: a, securityContext: {runAsUser: 5, runAsUser: 1337}}], containers: []":                 true,
		"securityContext: {runAsUser: 5, runAsUser: 1337}, containers: [{name: app, image: app}]":                                 true,
		"containers: [{name: app, image: app, securityContext: {runAsUser: 5}, resources: {limits: {cpu: 1}, limits: {cpu: 1}}}]": false,
		"containers: [{name: app, image: app, securityContext: {<<: {runAsUser: 5}, runAsGroup: 5}}]":                             false,
	} {
		item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {}, spec: {" + of + "}}}\n"
		_, results, _ := rendered(t, spec, manifest("web.yaml", item))
		assert.Equal(t, refused, results.Failed(), "%s: %s", of, results.Report())
	}
}

// What a record gives back is judged as what it will be.
func TestLimitsJudgeWhatARecordRestores(t *testing.T) {
	const (
		head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n"
		item = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template:\n    metadata:\n      annotations:\n        traffic.sidecar.istio.io/excludeOutboundPorts: \"443\"\n    spec: {containers: [{name: app, image: app}]}\n"
	)
	files, results, err := rendered(t, head+"  merge: Union\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: AnnotationsOnly}\n", manifest("web.yaml", item))
	require.NoError(t, err, results.Report())
	require.Contains(t, string(files[0].Text), "443,3306")
	files, results, err = rendered(t, head+"  {}\n", files...)
	require.NoError(t, err, results.Report())
	require.Equal(t, item, string(files[0].Text))
	for _, rule := range []string{"", "  workloads: [{match: {names: [other]}, excludeOutboundPorts: [3306]}]\n  enforcement: {mode: AnnotationsOnly}\n"} {
		first, _, _ := rendered(t, head+"  merge: Union\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: AnnotationsOnly}\n", manifest("web.yaml", item))
		_, results, _ = rendered(t, head+"  limits: {forbiddenOutboundPorts: [443]}\n"+rule, first...)
		assert.Contains(t, results.Report(), "outbound port 443 must not bypass the sidecar (spec.limits.forbiddenOutboundPorts), but would by the annotation traffic.sidecar.istio.io/excludeOutboundPorts")
	}
}

// A manifest that the mesh has injected already says the sidecar's user itself.
func TestTheMeshsOwnContainersAreToldOfOnce(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  mesh: Linkerd\n  limits: {forbiddenOutboundPorts: [443]}\n"
	for container, says := range map[string]string{"linkerd-proxy": "stands for the one that Linkerd adds", "app": "what runAsUser 2102 sends bypasses it"} {
		item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: " + container + ", image: a, securityContext: {runAsUser: 2102}}]}}}\n"
		_, results, _ := fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", item)}, fn.Options{})
		assert.Equal(t, 1, strings.Count(results.Report(), "must not bypass"), results.Report())
		assert.Contains(t, results.Report(), says)
	}
}

// An entry that Linkerd drops lets nothing bypass, on a template and on its Namespace
// alike; one that it may read does.
func TestWhatIsDropped(t *testing.T) {
	const (
		spec      = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Linkerd}\n"
		namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {%s}}\n"
		web       = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {%s}}, spec: {containers: [{name: a, image: a}]}}}\n"
	)
	for value, others := range map[string]int{"true": 0, "80, 443": 0, "http-alt": 0, "80": 0, `\"443\"`: 1} {
		says := `config.linkerd.io/skip-inbound-ports: "` + value + `"`
		for _, text := range []string{fmt.Sprintf(web, says), fmt.Sprintf(web, "") + fmt.Sprintf(namespace, says)} {
			explained, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{manifest("web.yaml", text)}, fn.Options{}, "")
			require.NoError(t, err)
			assert.Len(t, explained.Workloads[0].Others, others, text)
		}
	}
}
