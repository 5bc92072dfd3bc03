package yamltext

import (
	"bytes"
	"fmt"
	"testing"
)

// resourceList is n items as kustomize hands them over, a third of each kind.
func resourceList(n int) []byte {
	var list bytes.Buffer
	list.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&list, "- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: app-%d\n    annotations:\n      config.kubernetes.io/index: '%d'\n  spec:\n    template:\n      spec:\n        containers:\n", i, i)
			for j := range 10 {
				fmt.Fprintf(&list, "        - name: container-%d # comment\n          image: \"example.com/app:v%d\"\n          args: [\"--a\", '--b', c]\n          ports:\n          - containerPort: 80\n            protocol: TCP\n", j, i)
			}
		case 1:
			fmt.Fprintf(&list, "- apiVersion: v1\n  kind: Service\n  metadata:\n    name: app-%d\n  spec:\n    selector: {app: x}\n    ports:\n    - port: 80\n      targetPort: http\n", i)
		default:
			fmt.Fprintf(&list, "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: app-%d\n  data:\n    config: |\n      some text\n        that goes on: and on\n      %d\n    other: \"x\"\n", i, i)
		}
	}
	list.WriteString("functionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n")
	return list.Bytes()
}

func BenchmarkSkip(b *testing.B) {
	list := resourceList(10000)
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	for b.Loop() {
		tree, err := Fragment{Text: list}.Outline(2)
		if err != nil {
			b.Fatal(err)
		}
		items := tree.Entry(tree.Root, "items")
		for i := range items.Content {
			if err := tree.Item(items, i).Entries(func(*Tree, *Node, *Node) bool { return false }); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	list := resourceList(1)
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(list); err != nil {
			b.Fatal(err)
		}
	}
}
