package suggest

// opening begins a spec.
const opening = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
  annotations:
    # It is never applied to a cluster.
    config.kubernetes.io/local-config: "true"
    # By this kustomize calls krm-bypass, where this file is listed under transformers.
    config.kubernetes.io/function: |
      exec:
        path: krm-bypass
spec:
`
