package spec_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEntriesThatCannotWork: two writers of one place would undo each other, and no
// object could be read by some entries.
func TestEntriesThatCannotWork(t *testing.T) {
	const foo = "apiVersion: x.io/v1, kind: Foo"
	for name, test := range map[string]struct{ entries, says string }{
		"init containers in the annotations":  {"{" + foo + ", annotations: spec.a, initContainers: spec.a.x, create: true}", `spec.podTemplates[0]: spec.a and spec.a.x are one place, or one is in the other: write a path of its own for each`},
		"annotations in the init containers":  {"{" + foo + ", annotations: spec.a.x, initContainers: spec.a}", "spec.a.x and spec.a are one place"},
		"one list for both":                   {"{" + foo + ", annotations: spec.a, initContainers: spec.i, imagePullSecrets: spec.i}", "spec.i and spec.i are one place"},
		"init containers of another":          {"{" + foo + ", annotations: spec.a, initContainers: spec.i}, {" + foo + ", annotations: spec.b, initContainers: spec.i}", "spec.podTemplates[0] names this pod template already, or one around it, or a part of it: remove one of the two"},
		"pull secrets among containers":       {"{" + foo + ", annotations: spec.a, initContainers: spec.l}, {" + foo + ", annotations: spec.b, initContainers: spec.i, imagePullSecrets: spec.l}", "spec.podTemplates[0] names this pod template already"},
		"a template in the init containers":   {"{" + foo + ", annotations: spec.a, initContainers: spec.l}, {" + foo + ", path: 'spec.l[*].template'}", "spec.podTemplates[0] names this pod template already"},
		"annotations in a template":           {"{" + foo + ", path: spec.t}, {" + foo + ", annotations: spec.t.metadata.annotations}", "spec.podTemplates[0] names this pod template already"},
		"init containers in the status":       {"{" + foo + ", annotations: spec.a, initContainers: status.i}", "no pods are made of what stands there"},
		"lists in a list":                     {"{" + foo + ", path: 'spec.sets[*][*].template'}", `"sets[*][*]" leads to lists in a list, which no path can name: write a key before each [*]`},
		"one item":                            {"{" + foo + ", path: 'spec.sets[0].template'}", `"sets[0]" picks one item of a list: write [*], which stands for all of them`},
		"any field of the object":             {"{" + foo + ", path: '*'}", "no pods are made of what stands there"},
		"any template of the object's fields": {"{" + foo + ", path: '*.template'}", "no pods are made of what stands there"},
		"the kind of this specification":      {"{apiVersion: krm-bypass.dev/v1alpha1, kind: ClusterBypass, path: spec.template}", "no pods are made of ClusterBypass: remove this entry"},
		"a list of objects":                   {"{apiVersion: v1, kind: List, path: 'items[*].spec.template'}", "the items of a list are read one by one: write their kind, and paths from an item"},
		"a list of objects of a kind":         {"{apiVersion: x.io/v1, kind: FooList, path: 'items[*].spec.template'}", "the items of a list are read one by one"},
		"every kind":                          {"{apiVersion: x.io/v1, kind: '*', path: spec.template}", `"*" is the name of no kind`},
		"no kind":                             {"{apiVersion: x.io/v1, kind: '', path: spec.template}", "spec.podTemplates[0].kind: "},
		"every group":                         {"{apiVersion: '*', kind: Foo, path: spec.template}", `"*" is no apiVersion`},
		"no apiVersion":                       {"{apiVersion: '', kind: Foo, path: spec.template}", "spec.podTemplates[0].apiVersion: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := specOf(t, fmt.Sprintf("{podTemplates: [%s]}", test.entries))
			require.Error(t, err)
			assert.Contains(t, err.Error(), test.says)
		})
	}
	for name, entries := range map[string]string{
		"parts side by side":       "{" + foo + ", annotations: spec.a, initContainers: spec.i, imagePullSecrets: spec.p}, {" + foo + ", annotations: spec.b, initContainers: spec.j}",
		"names that begin alike":   "{" + foo + ", annotations: spec.a, initContainers: spec.ab}, {" + foo + ", path: spec.abc}",
		"a template beside parts":  "{" + foo + ", annotations: spec.x.annotations, initContainers: spec.x.initContainers}, {" + foo + ", path: spec.x.template}",
		"values of a map":          "{" + foo + ", path: 'spec.*.template'}, {" + foo + ", path: 'spec.sets[*].template'}",
		"kinds of other groups":    "{" + foo + ", path: spec.template}, {apiVersion: y/v1alpha1, kind: Foo, path: spec.template}",
		"a kind that is no list":   "{apiVersion: x.io/v1, kind: FooList, path: spec.template}",
		"what is in a field items": "{" + foo + ", path: 'items[*].template'}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := specOf(t, fmt.Sprintf("{podTemplates: [%s]}", entries))
			assert.NoError(t, err)
		})
	}
}
