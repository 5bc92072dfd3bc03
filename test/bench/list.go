package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// writeList writes a ResourceList with as many Deployments, as many Services
// and a ConfigMap for every five of them, in the form in which kyaml writes it
// and kustomize hands it to a function.
//
// It goes straight to a file and is never held in memory: see run for why.
func writeList(out io.Writer, deployments int) error {
	w := bufio.NewWriter(out)
	index := 0
	item := func(text string, number int) {
		text = strings.ReplaceAll(text, "%NAME%", fmt.Sprintf("app-%05d", number))
		text = strings.ReplaceAll(text, "%INDEX%", fmt.Sprint(index))
		_, _ = w.WriteString(text) // bufio.Writer keeps the error for Flush
		index++
	}
	_, _ = w.WriteString(listHead)
	for number := range deployments {
		item(deployment, number)
		item(service, number)
		if number%5 == 0 {
			item(configMap, number)
		}
	}
	_, _ = w.WriteString(functionConfig)
	return w.Flush()
}

const listHead = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
`

// deployment has 70 lines, a size that is usual for one with probes, limits,
// volumes and a security context.
const deployment = `- apiVersion: apps/v1
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

const service = `- apiVersion: v1
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

const configMap = `- apiVersion: v1
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

// functionConfig has rules of every scope, so that each Deployment gets
// annotations and the init container, every fifth with settings of its own.
const functionConfig = `functionConfig:
  apiVersion: krm-bypass.dev/v1alpha1
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
