package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const ofSets = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  podTemplates:
  - {apiVersion: example.com/v1, kind: Fleet, path: "spec.sets[*].template"}
  - {apiVersion: example.com/v1, kind: Crew, path: spec.roles.*.pods}
  global: {excludeOutboundPorts: [%d]}
  enforcement: {mode: %s, image: "example.com/init:1"}
`

// items are of lists and maps in which templates stand, one text for each.
func fleet(items ...string) string {
	return "apiVersion: example.com/v1\nkind: Fleet\nmetadata: {name: web, namespace: shop}\nspec:\n  sets:\n" + strings.Join(items, "")
}

func crew(items ...string) string {
	return "apiVersion: example.com/v1\nkind: Crew\nmetadata: {name: web, namespace: shop}\nspec:\n  roles:\n" + strings.Join(items, "")
}

const (
	ownPorts  = "      metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '8080'}}\n"
	container = "      spec:\n        containers: [{name: app, image: app}]\n"
)

// TestATemplateThatWasMoved: what was written to a template is told from the user's
// where somebody renamed, copied or moved it in the object.
func TestATemplateThatWasMoved(t *testing.T) {
	a, b := "  - name: a\n    template:\n"+container, "  - name: b\n    template:\n"+ownPorts+container
	first, second := "  - template:\n"+container, "  - template:\n"+ownPorts+container
	lead := "    lead:\n      pods:\n  " + strings.ReplaceAll(container, "\n ", "\n   ")
	tests := []struct {
		name, in string
		edit     func(string) string
		want     string
	}{
		{"an item renamed", fleet(a, b), replacing("- name: a", "- name: c"), fleet(strings.Replace(a, "a\n", "c\n", 1), b)},
		{"an item with a value of the user's renamed", fleet(a, b), replacing("- name: b", "- name: c"), fleet(a, strings.Replace(b, "b\n", "c\n", 1))},
		{"both renamed", fleet(a, b), func(s string) string {
			return replacing("- name: a", "- name: x")(replacing("- name: b", "- name: a")(s))
		},
			fleet(strings.Replace(a, "a\n", "x\n", 1), strings.Replace(b, "b\n", "a\n", 1))},
		{"an item copied", fleet(a), func(s string) string { return s + strings.Replace(itemsOf(s), "- name: a", "- name: c", 1) }, fleet(a, strings.Replace(a, "a\n", "c\n", 1))},
		{"an item copied with its name", fleet(a), func(s string) string { return s + itemsOf(s) }, fleet(a, a)},
		{"items without names, in another order", fleet(first, second), func(s string) string {
			items := strings.SplitAfterN(itemsOf(s), "\n  - template:", 2)
			head := strings.TrimSuffix(items[0], "  - template:")
			return strings.TrimSuffix(s, itemsOf(s)) + "  - template:" + items[1] + head
		}, fleet(second, first)},
		{"an item without a name taken out", fleet(first, second), func(s string) string {
			items := strings.SplitAfterN(itemsOf(s), "\n  - template:", 2)
			return strings.TrimSuffix(s, itemsOf(s)) + "  - template:" + items[1]
		}, fleet(second)},
		{"a key of a map renamed", crew(lead), replacing("    lead:", "    head:"), crew(strings.Replace(lead, "lead", "head", 1))},
		{"a key of a map copied", crew(lead), func(s string) string { return s + strings.Replace(itemsOf(s), "    lead:", "    head:", 1) },
			crew(lead, strings.Replace(lead, "lead", "head", 1))},
	}
	for _, mode := range []string{"AnnotationsOnly", "InitContainer"} {
		spec := func(port int) string { return fmt.Sprintf(ofSets, port, mode) }
		for _, test := range tests {
			t.Run(mode+", "+test.name, func(t *testing.T) {
				wrote, _, err := rendered(t, spec(3306), manifest("in.yaml", test.in))
				require.NoError(t, err)
				edited := manifest("in.yaml", test.edit(string(wrote[0].Text)))
				require.NotEqual(t, string(wrote[0].Text), string(edited.Text))

				after, removed, err := fn.Remove("cluster", fn.SpecIn(manifest("bypass.yaml", spec(3306))), []fn.Manifest{edited})
				require.NoError(t, err)
				assert.Equal(t, test.want, string(after[0].Text))
				assert.Empty(t, removed.Results.Report())
				assert.Equal(t, 1, removed.Objects["cluster"], "one object, whatever the number of its templates")

				other, said, err := rendered(t, spec(3307), edited)
				require.NoError(t, err)
				assert.Empty(t, said.Report())
				assert.NotContains(t, string(other[0].Text), "3306")
			})
		}
	}
}

// TestATemplateThatWasCopiedFromElsewhere is told of at once: its object's record says
// nothing of it.
func TestATemplateThatWasCopiedFromElsewhere(t *testing.T) {
	a := "  - name: a\n    template:\n" + container
	for _, mode := range []string{"AnnotationsOnly", "InitContainer"} {
		one, _, err := rendered(t, fmt.Sprintf(ofSets, 3306, mode), manifest("in.yaml", fleet(a)))
		require.NoError(t, err)
		other, _, err := rendered(t, fmt.Sprintf(ofSets, 443, mode), manifest("in.yaml", fleet(a)))
		require.NoError(t, err)
		both := manifest("in.yaml", string(one[0].Text)+strings.Replace(itemsOf(string(other[0].Text)), "name: a", "name: b", 1))

		says := `spec.sets[1].template.metadata.annotations["krm-bypass.dev/policy"]: the record on this object says nothing of what krm-bypass wrote here, as if the template had been copied from another object`
		keys := "remove krm-bypass.dev/policy, traffic.sidecar.istio.io/excludeOutboundPorts"
		if mode == "InitContainer" {
			keys += ", the init container krm-bypass-init"
		}
		_, said, err := rendered(t, fmt.Sprintf(ofSets, 3306, mode), both)
		assert.Contains(t, said.Report(), says)
		assert.Contains(t, said.Report(), keys+"; then run krm-bypass render again")
		assert.NotContains(t, said.Report(), "that krm-bypass did not write")
		assert.Equal(t, mode == "InitContainer", err != nil, "nothing can be written beside the container")
		_, removed, err := fn.Remove("cluster", fn.SpecIn(manifest("bypass.yaml", fmt.Sprintf(ofSets, 3306, mode))), []fn.Manifest{both})
		require.NoError(t, err)
		assert.Contains(t, removed.Results.Report(), says)
	}
}

func replacing(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, from, to, 1) }
}

// itemsOf gives what stands below the list or map of a fleet or a crew.
func itemsOf(text string) string {
	_, items, _ := strings.Cut(text, "spec:\n  ")
	_, items, _ = strings.Cut(items, "\n")
	return items
}

// TestAnEntryThatIsGone: what was written where an entry of spec.podTemplates led is told
// of, and goes once the entry is there again.
func TestAnEntryThatIsGone(t *testing.T) {
	spec := func(entries ...string) string {
		return ofIstio + "  podTemplates: [" + strings.Join(entries, ", ") + "]\n"
	}
	entry := func(path string) string { return "{apiVersion: example.com/v1, kind: Fleet, path: " + path + "}" }
	in := "apiVersion: example.com/v1\nkind: Fleet\nmetadata: {name: web, namespace: shop}\nspec:\n  pods:\n" + strings.ReplaceAll(container, "      ", "    ")
	_, pods, _ := strings.Cut(in, "  pods:")
	in += "  more:" + pods
	one, both := spec(entry("spec.pods")), spec(entry("spec.pods"), entry("spec.more"))
	kept := "ClusterBypass istio wrote here, and it stays, because nothing says where the pod template of a Fleet is: put its entry into spec.podTemplates again; to take the entry away, run krm-bypass render --remove istio with it first [unknown-pod-template]"

	wrote, _, err := rendered(t, one, manifest("in.yaml", in))
	require.NoError(t, err)
	for _, without := range []string{ofIstio, strings.Replace(ofIstio, "  namespaces:", "  # namespaces:", 1)} {
		after, said, err := rendered(t, without, wrote...)
		require.NoError(t, err)
		assert.Contains(t, said.Report(), kept)
		assert.Equal(t, string(wrote[0].Text), string(after[0].Text))
	}
	_, said, err := rendered(t, ofLinkerd, wrote...)
	require.NoError(t, err)
	assert.NotContains(t, said.Report(), "it stays", "that of another spec is not its affair")
	made := manifest("in.yaml", strings.Replace(string(wrote[0].Text), "name: web,", "name: web, ownerReferences: [{apiVersion: example.com/v1, kind: Band, name: a, uid: u, controller: true}],", 1))
	require.NotEqual(t, string(wrote[0].Text), string(made.Text))
	_, said, err = rendered(t, ofIstio, made)
	require.NoError(t, err)
	assert.NotContains(t, said.Report(), "it stays", "its owner's annotations came along")

	wrote, _, err = rendered(t, both, manifest("in.yaml", in))
	require.NoError(t, err)
	_, said, err = rendered(t, one, wrote...)
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, said.Report(), `the record says that krm-bypass wrote "spec.more krm-bypass-init", and nothing names a pod template there for a Fleet: put the entry for it into spec.podTemplates again; to take the entry away, run krm-bypass render --remove with it first`)
	after, _, err := fn.Remove("istio", fn.SpecIn(manifest("bypass.yaml", both)), wrote)
	require.NoError(t, err)
	assert.Equal(t, in, string(after[0].Text))
}
