package fn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// The name of the init container, or its image, excuses nobody: what no record
// accounts for is judged as any container, and told of by the function and by every
// command, also where no rule speaks of the workload.
func TestAContainerThatNoRecordAccountsFor(t *testing.T) {
	const (
		foreign = "there is a container named krm-bypass-init that krm-bypass did not write"
		breaks  = "outbound port 443 must not bypass the sidecar (spec.limits.forbiddenOutboundPorts), but would by the arguments of the container "
		doubt   = "lets bypass is in doubt, since it has "
		allowed = "lets this container change the rules"
		beside  = "containers: [{name: app, image: app}], initContainers: "
		only    = "enforcement: {image: 'example.com/init:1', mode: AnnotationsOnly}, "
	)
	tests := []struct {
		name, spec, pod string
		fails           bool
		says            []string
	}{
		{"its arguments", "", beside + "[{name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=443]}]", true, []string{breaks + "krm-bypass-init", foreign}},
		{"in two words", "", beside + "[{name: krm-bypass-init, image: i, args: [apply, -exclude-outbound-ports, '443']}]", true, []string{breaks, foreign}},
		{"harmless arguments", "", beside + "[{name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=3306]}]", false, []string{foreign}},
		{"arguments that it refuses", "", beside + "[{name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=https]}]", false, []string{foreign}},
		{"a variable", "", beside + "[{name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=$(P)]}]", true, []string{doubt + "a variable in its arguments", foreign}},
		{"a command", "", beside + "[{name: krm-bypass-init, image: i, command: [/krm-bypass-init, --exclude-outbound-ports=443]}]", true, []string{doubt + "a command", foreign}},
		{"a probe", "", beside + "[{name: krm-bypass-init, image: i, startupProbe: {exec: {command: [/krm-bypass-init, --exclude-outbound-ports=443]}}}]", true, []string{doubt + "a probe", foreign}},
		{"a hook", "", beside + "[{name: krm-bypass-init, image: i, lifecycle: {postStart: {exec: {command: [sh]}}}}]", true, []string{doubt + "hooks", foreign}},
		{"a volume", "", beside + "[{name: krm-bypass-init, image: i, volumeMounts: [{name: v, mountPath: /krm-bypass-init}]}]", true, []string{doubt + "volumes", foreign}},
		{"a command without limits", "limits: {}, ", beside + "[{name: krm-bypass-init, image: i, command: [sh]}]", false, []string{foreign}},
		{"behind another", "", beside + "[{name: first, image: i}, {name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=443]}]", true, []string{breaks, foreign}},
		{"beside annotations alone", only + "global: {excludeOutboundPorts: [3306]}, ", beside + "[{name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=443]}]", true, []string{breaks, foreign}},
		{"its image under another name", only, beside + "[{name: other, image: 'example.com/init@sha256:00', args: [--exclude-outbound-ports=443]}]", true, []string{breaks + "other"}},
		{"its image, harmless", only, beside + "[{name: other, image: 'example.com/init:2', args: [--exclude-outbound-ports=3306]}]", false, nil},
		{"another image under another name", only, beside + "[{name: other, image: 'example.com:1/init', args: [--exclude-outbound-ports=443]}]", false, nil},
		{"privileged, among the containers", "", "containers: [{name: app, image: app}, {name: krm-bypass-init, image: i, securityContext: {privileged: true}}]", true, []string{allowed, foreign}},
		{"with NET_ADMIN", "", beside + "[{name: krm-bypass-init, image: i, securityContext: {capabilities: {add: [NET_ADMIN]}}}]", true, []string{allowed, foreign}},
		{"as the sidecar's user", "", "containers: [{name: krm-bypass-init, image: i, securityContext: {runAsUser: 1337}}]", true, []string{"what runAsUser 1337 sends bypasses it", foreign}},
		{"on the host's network", "", "hostNetwork: true, " + beside + "[{name: krm-bypass-init, image: i, args: [--exclude-outbound-ports=443]}]", false, []string{foreign}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {" + test.spec + "lint: {pod-privilege: Error}"
			if test.spec != "limits: {}, " {
				spec += ", limits: {forbiddenOutboundPorts: [443]}"
			}
			spec += "}\n"
			item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template: {metadata: {}, spec: {" + test.pod + "}}\n"
			files, from := []fn.Manifest{manifest("web.yaml", item)}, fn.SpecIn(manifest("bypass.yaml", spec))
			checked, err := fn.Check(from, files, fn.Options{}, fn.Expiry{})
			require.NoError(t, err)
			explained, _ := fn.Explain(from, files, fn.Options{}, "2027-01-01")
			_, rendered, _ := fn.Manifests(from, files, fn.Options{})
			_, processed, _ := fn.Process(resourceList([]byte(spec), []string{item}), fn.Options{})
			for by, results := range map[string]fn.Results{"check": checked.Results, "explain": explained.Results, "render": rendered, "the function": processed} {
				assert.Equal(t, test.fails, results.Failed(), by+"\n"+results.Report())
				for _, said := range test.says {
					assert.Contains(t, results.Report(), said, by)
				}
				if test.says == nil {
					assert.Empty(t, results.Report(), by)
				}
			}
		})
	}
}

// What was written is excused, whatever stands beside it.
func TestTheInitContainerIsExcusedFromPodPrivilege(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {lint: {pod-privilege: Error}, limits: {forbiddenOutboundPorts: [443]}, global: {excludeOutboundPorts: [3306]}, enforcement: {image: 'i:1'}}\n"
	item := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template:\n    spec:\n      initContainers: [{name: first, image: i}]\n      containers: [{name: app, image: app}]\n"
	for range 2 {
		files, results, _ := rendered(t, spec, manifest("web.yaml", item))
		require.Empty(t, results.Report())
		item = string(files[0].Text)
	}
}
