package page_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/fn"
)

const stateBefore = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        image: "web:1"
        env:
        - {name: PASSWORD, value: sesame}
        - {name: GONE, value: simsim}
        - {name: SAME, value: untouched}
---
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: shop}
data: {key: b3Blbg==}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: shop}
spec: {replicas: 1}
`

// TestBetweenTwoStatesNoValueOfAVariableIsShown: what changes there is said all the same.
// Documents may come in another order, and in other files.
func TestBetweenTwoStatesNoValueOfAVariableIsShown(t *testing.T) {
	is := strings.NewReplacer("sesame", "open", "web:1", "web:2", "        - {name: GONE, value: simsim}\n", "        - {name: NEW, value: hidden}\n", "b3Blbg==", "c2VzYW1l", "replicas: 1", "replicas: 3").Replace(stateBefore)
	parts := strings.Split(is, "---\n")
	web := fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	all := page.Between([]fn.Manifest{{Path: "all.yaml", Text: []byte(stateBefore)}},
		[]fn.Manifest{{Path: "other.yaml", Text: []byte(parts[2])}, {Path: "web.yaml", Text: []byte(parts[1] + "---\n" + parts[0])}},
		func(ref fn.ResourceRef) bool { return ref == web })
	assert.Equal(t, map[fn.ResourceRef]string{web: `@@ Deployment shop/web, web.yaml:5 @@
 spec:
   template:
     spec:
       containers:
         - name: web
-          image: "web:1"
+          image: "web:2"
           env:
-            - name: GONE
-              value: …
             - name: PASSWORD
-              value: …
+              value: …
+            - name: NEW
+              value: …
`}, all)
}

// TestBetweenTwoStatesOfAList compares the objects in it.
func TestBetweenTwoStatesOfAList(t *testing.T) {
	list := func(image string) []fn.Manifest {
		return []fn.Manifest{{Path: "all.json", Text: []byte(`{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "` + image + `"}]}}}}]}` + "\n")}}
	}
	all := page.Between(list("a:1"), list("a:2"), func(fn.ResourceRef) bool { return true })
	assert.Len(t, all, 1)
	for ref, lines := range all {
		assert.Equal(t, "web", ref.Name)
		assert.Contains(t, lines, "a:2")
	}
}
