package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// input is what is measured: objects in the order of a stream, and the spec for them.
type input struct {
	name string
	// object gives the text of one of the three kinds for a number, ready to stand at
	// column 0.
	object func(kind, number int) string
	// spec is a ClusterBypass.
	spec string
}

const (
	aDeployment = iota
	aService
	aConfigMap
)

// each calls a function with as many Deployments, as many Services, and a ConfigMap
// for every five of them.
func (in input) each(deployments int, one func(text string)) {
	index := 0
	put := func(kind, number int) {
		one(strings.ReplaceAll(in.object(kind, number), "%INDEX%", strconv.Itoa(index)))
		index++
	}
	for number := range deployments {
		put(aDeployment, number)
		put(aService, number)
		if number%5 == 0 {
			put(aConfigMap, number)
		}
	}
}

// writeList writes the objects as a ResourceList, as kustomize hands one to a function.
//
// It goes straight to a file and is never held in memory: see run for why.
func (in input) writeList(out io.Writer, deployments int) error {
	w := bufio.NewWriter(out)
	_, _ = w.WriteString(listHead)
	in.each(deployments, func(text string) {
		_, _ = w.WriteString("- " + indented(text)[2:]) // bufio.Writer keeps the error for Flush
	})
	_, _ = w.WriteString("functionConfig:\n" + indented(in.spec))
	return w.Flush()
}

// writeStream writes the objects as documents of one file.
func (in input) writeStream(out io.Writer, deployments int) error {
	w := bufio.NewWriter(out)
	in.each(deployments, func(text string) { _, _ = w.WriteString("---\n" + text) })
	return w.Flush()
}

// indented puts two blanks in front of every line that holds something.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}

const listHead = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
`

// uniform has objects that differ in their names alone, in the form in which kyaml
// writes them.
var uniform = input{"uniform", func(kind, number int) string {
	text := [...]string{deployment, service, configMap}[kind]
	return strings.ReplaceAll(text, "%NAME%", fmt.Sprintf("app-%05d", number))
}, uniformSpec}

// deployment has 70 lines, a size that is usual for one with probes, limits,
// volumes and a security context.
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %NAME%
  namespace: default
  labels:
    app.kubernetes.io/name: %NAME%
    app.kubernetes.io/part-of: shop
  annotations:
    config.kubernetes.io/index: '%INDEX%'
    internal.config.kubernetes.io/index: '%INDEX%'
spec:
  replicas: 3
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      app.kubernetes.io/name: %NAME%
  template:
    metadata:
      labels:
        app.kubernetes.io/name: %NAME%
        app.kubernetes.io/part-of: shop
      annotations:
        prometheus.io/scrape: "true"
    spec:
      serviceAccountName: %NAME%
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
      containers:
      - name: app
        image: registry.example.com/shop/%NAME%:1.4.2
        args:
        - --listen=:8080
        - --config=/etc/app/config.yaml
        env:
        - name: LOG_LEVEL
          value: info
        - name: POD_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        ports:
        - name: http
          containerPort: 8080
        - name: metrics
          containerPort: 9090
        readinessProbe:
          httpGet:
            path: /ready
            port: http
          periodSeconds: 5
        resources:
          limits:
            memory: 256Mi
          requests:
            cpu: 100m
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
        volumeMounts:
        - name: config
          mountPath: /etc/app
          readOnly: true
      terminationGracePeriodSeconds: 30
      volumes:
      - name: config
        configMap:
          name: %NAME%
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: %NAME%
  namespace: default
  labels:
    app.kubernetes.io/name: %NAME%
  annotations:
    config.kubernetes.io/index: '%INDEX%'
    internal.config.kubernetes.io/index: '%INDEX%'
spec:
  selector:
    app.kubernetes.io/name: %NAME%
  ports:
  - name: http
    port: 80
    targetPort: http
`

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: %NAME%
  namespace: default
  annotations:
    config.kubernetes.io/index: '%INDEX%'
    internal.config.kubernetes.io/index: '%INDEX%'
data:
  config.yaml: |
    listen: :8080
    log: info
    storage:
      path: /var/lib/app
`

// uniformSpec has rules of every scope, so that each Deployment gets annotations and
// the init container, every fifth with settings of its own.
const uniformSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
spec:
  mesh: Istio
  global:
    excludeOutboundIPRanges:
    - 192.0.2.0/24
  namespaces:
  - match:
      names:
      - default
    excludeInboundPorts:
    - 7001
    - 7002
    - 7005
  workloads:
  - match:
      kinds:
      - Deployment
      names:
      - app-*0
      - app-*5
    excludeOutboundPorts:
    - 3306
  enforcement:
    image: ghcr.io/krm-bypass/init:v0.1.0
`
