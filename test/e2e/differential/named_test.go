package differential_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// byName has the function write what a layer says of the pod's own ports, for a workload in
// whose container some of them have the names by which a rule lists them. What it writes
// takes the layer's place.
func byName(t *rapid.T, layer *traffic.Layer) {
	for _, f := range []traffic.Field{traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts} {
		entries, says := layer.Entries(f)
		var ports []string
		for i, number := range entries {
			if strings.Trim(number, "0123456789") == "" && rapid.Bool().Draw(t, "by name") {
				entries[i] = "port-" + number
				ports = append(ports, fmt.Sprintf("{name: %s, containerPort: %s}", entries[i], number))
			}
		}
		if !says || ports == nil {
			continue
		}
		spec := fmt.Sprintf("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {global: {%s: [%s]}, enforcement: {image: init}}\n", f, strings.Join(entries, ", "))
		web := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template:\n    spec:\n      containers:\n      - {name: web, image: web, ports: [%s]}\n", strings.Join(ports, ", "))
		files, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(web)}}, fn.Options{})
		if err != nil {
			t.Fatalf("rendering by %s: %v\n%s", spec, err, results.Report())
		}
		_, argument, _ := strings.Cut(string(files[0].Text), "--"+f.Flag()+"=")
		argument, _, _ = strings.Cut(argument, "\n")
		if err := layer.Set(f, traffic.SplitList(argument)); err != nil {
			t.Fatalf("reading what is written by %s: %v", spec, err)
		}
	}
}
