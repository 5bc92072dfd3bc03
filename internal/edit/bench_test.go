package edit

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// deployment has 70 lines.
func deployment() []byte {
	var b strings.Builder
	b.WriteString(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: app # the name
  namespace: default
  labels:
    app: app
spec:
  replicas: 3
  selector:
    matchLabels:
      app: app
  template:
    metadata:
      labels:
        app: app
      annotations:
        prometheus.io/scrape: "true"
    spec:
      containers:
`)
	for i := range 2 {
		fmt.Fprintf(&b, `      # container %d
      - name: app-%d
        image: example.com/app:v1
        args:
        - --listen=:8080
        - --verbose
        env:
        - name: A
          value: "1"
        - name: B
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        ports:
        - containerPort: 8080
          name: http
          protocol: TCP
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /healthz
            port: http
`, i, i)
	}
	return []byte(b.String())
}

// bypass is what the function adds to a workload.
func bypass() []Edit {
	template := Path{"spec", "template"}
	annotations := template.with("metadata").with("annotations")
	var container yaml.Node
	if err := yaml.Unmarshal([]byte(`
name: krm-bypass-init
image: ghcr.io/krm-bypass/init:v0.1.0
imagePullPolicy: IfNotPresent
args: ["--exclude-inbound-ports=7001,7002", "--exclude-outbound-ip-ranges=192.0.2.0/24"]
resources: {requests: {cpu: 10m, memory: 16Mi}}
securityContext: {capabilities: {add: [NET_ADMIN], drop: [ALL]}, runAsUser: 0}
`), &container); err != nil {
		panic(err)
	}
	return []Edit{
		{Path: Path{"metadata", "annotations", "krm-bypass.dev/last-applied"}, Op: Set, Value: text(`{"v":1}`)},
		{Path: annotations.with("traffic.sidecar.istio.io/excludeInboundPorts"), Op: Set, Value: text("7001,7002")},
		{Path: annotations.with("krm-bypass.dev/policy"), Op: Set, Value: text("v1:4f2a")},
		{Path: template.with("spec").with("initContainers").with(0), Op: Insert, Value: container.Content[0]},
	}
}

func BenchmarkText(b *testing.B) {
	document, edits := deployment(), bypass()
	b.Run("parsed already", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			var nodes yaml.Node
			if err := yaml.Unmarshal(document, &nodes); err != nil {
				b.Fatal(err)
			}
			d := Document{Nodes: &nodes}
			d.Text = document
			b.StartTimer()
			if _, err := d.Apply(edits); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("from bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Text(document, edits); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("yaml reads once", func(b *testing.B) {
		for b.Loop() {
			var nodes yaml.Node
			if err := yaml.Unmarshal(document, &nodes); err != nil {
				b.Fatal(err)
			}
		}
	})
}
