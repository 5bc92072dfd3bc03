package revise_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/krm-bypass/krm-bypass/internal/revise"
)

func TestWhatIsRefused(t *testing.T) {
	shared, err := os.ReadFile("testdata/shared.yaml")
	require.NoError(t, err)
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bypass}\ndata: {excludeOutboundPorts: \"3306\"}\n"
	second := configMap + "---\n" + string(shared)
	put := func(path, field string, s Setting) Change { return Put{path, Rule{field: s}} }
	for name, c := range map[string]struct {
		text   string
		change Change
		says   string
	}{
		"a value that others use": {string(shared), put("spec.global", "excludeOutboundPorts", Says("3306", "5432", "443")),
			"changing spec.global in bypass.yaml: inserting spec.global.excludeOutboundPorts[2]: spec.global.excludeOutboundPorts (line 5) has the anchor &databases, and editing it would change every alias *databases; write the values out in place of the aliases"},
		"a value from elsewhere": {string(shared), put("spec.namespaces[1]", "excludeOutboundPorts", Says("3306")),
			"changing spec.namespaces[1] in bypass.yaml: removing spec.namespaces[1].excludeOutboundPorts[1]: spec.namespaces[1].excludeOutboundPorts (line 12) is an alias of the anchor &databases, and editing through it would change every use of the anchor; write the value out in place of the alias"},
		"in a later document": {second, put("spec.namespaces[1]", "excludeOutboundPorts", Says("3306")),
			"changing spec.namespaces[1] in bypass.yaml: removing spec.namespaces[1].excludeOutboundPorts[1]: spec.namespaces[1].excludeOutboundPorts (line 17) is an alias of the anchor &databases, and editing through it would change every use of the anchor; write the value out in place of the alias"},
		"what a merge key brings": {string(shared), put("spec.namespaces[1]", "excludeInboundPorts", Setting{}),
			"changing spec.namespaces[1] in bypass.yaml: spec.namespaces[1].excludeInboundPorts is there by a merge key (<<): write the entries out in place of the merge key, then remove it"},
		"a rule that others use": {string(shared), Remove{"spec.namespaces[0]"},
			"removing spec.namespaces[0] in bypass.yaml: removing spec.namespaces[0]: the value (line 7) has the anchor &shop, which an alias *shop needs; write the value out in place of the alias"},
		"an anchor behind its alias": {string(shared), Move{"spec.namespaces[0]", 1},
			"moving spec.namespaces[0] in bypass.yaml: the text cannot be changed in that place alone; change it by hand: not valid YAML: *shop refers to an anchor &shop that is not there: write the value out, or put *shop in quotes"},
		"a ConfigMap": {configMap, put("spec.global", "excludeOutboundPorts", Says("3306")),
			"changing spec.global in bypass.yaml: the specification is a ConfigMap, which has no place for rules: change its data by hand, or write a ClusterBypass"},
		"two": {head + "spec: {}\n---\n" + head + "spec: {}\n", put("spec.global", "reason", Says("a")),
			"changing spec.global in bypass.yaml: there are 2 objects of kind ClusterBypass: keep one"},
		"none": {"apiVersion: v1\nkind: Secret\n", put("spec.global", "reason", Says("a")),
			"changing spec.global: bypass.yaml: there is no ClusterBypass in this file, which holds Secret: name the file that has one (apiVersion krm-bypass.dev/v1alpha1)"},
		"no YAML": {head + "spec: [\n", put("spec.global", "reason", Says("a")),
			"changing spec.global: bypass.yaml:4: reading the document: not valid YAML: brackets that are not closed"},
		"no such rule":      {string(shared), put("spec.workloads[0]", "reason", Says("a")), "changing spec.workloads[0] in bypass.yaml: there is no rule spec.workloads[0]"},
		"no such place":     {string(shared), put("spec.limits", "reason", Says("a")), "changing spec.limits in bypass.yaml: spec.limits is no place of a rule"},
		"no such field":     {string(shared), put("spec.meshDefaults", "reason", Says("a")), "changing spec.meshDefaults in bypass.yaml: there is no field reason in this place"},
		"no place to go to": {string(shared), Move{"spec.namespaces[2]", 1}, "moving spec.namespaces[2] in bypass.yaml: there is no place 1 from spec.namespaces[2]"},
		"none to take away": {string(shared), Remove{"spec.meshDefaults"}, "removing spec.meshDefaults in bypass.yaml: there is no spec.meshDefaults"},
		"no pair": {string(shared), put("spec.global", "excludeOutbound", Says("10.0.0.0/8@443", "10.0.0.0/8")),
			`changing spec.global: bypass.yaml: spec.global.excludeOutbound[1]: "10.0.0.0/8" is not a pair of an IP range and a port: write it as "10.1.0.0/16@5432"`},
		"no label": {string(shared), Add{"spec.workloads", Last, Rule{"match.labelSelector.matchLabels": Says("app")}},
			`adding to spec.workloads: bypass.yaml: spec.workloads[0].match.labelSelector.matchLabels[0]: "app" is no label: write it as "app=web"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Apply(in(c.text), c.change)
			assert.EqualError(t, err, c.says)
		})
	}
}

func TestEntriesAreCut(t *testing.T) {
	fields := map[string]Field{}
	for _, f := range Fields("spec.workloads[0]") {
		fields[f.Path] = f
	}
	for typed, want := range map[[2]string][]string{
		{"excludeInboundPorts", "8080, 9000-9010\r\n http\t53/UDP ,"}:                          {"8080", "9000-9010", "http", "53/UDP"},
		{"excludeOutbound", "10.1.0.0/16,10.2.0.0/16@5432,6379\n10.3.0.0/16@80, fd00::/8@443"}: {"10.1.0.0/16,10.2.0.0/16@5432,6379", "10.3.0.0/16@80", "fd00::/8@443"},
		{"excludeOutbound", "10.1.0.0/16@80,10.2.0.0/16@443"}:                                  {"10.1.0.0/16@80", "10.2.0.0/16@443"},
		{"match.labelSelector.matchExpressions", "tier In web,api\r\n\r\nold DoesNotExist\n"}:  {"tier In web,api", "old DoesNotExist"},
		{"match.labelSelector.matchLabels", "app=web, a.b/c=d"}:                                {"app=web", "a.b/c=d"},
		{"reason", " two\r\nlines \n"}:                                                         {"two\nlines"},
		{"reason", " "}:                                                                        nil,
		{"excludeInboundPorts", ""}:                                                            {},
	} {
		assert.ElementsMatch(t, want, fields[typed[0]].Split(typed[1]), typed)
	}
	assert.Equal(t, []string{"Override", "Union"}, fields["merge"].Enum)
	assert.True(t, fields["suspend"].Flag)
}
