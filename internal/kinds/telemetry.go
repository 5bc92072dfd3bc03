package kinds

const (
	otelAt    = Checkout("open-telemetry/opentelemetry-operator@be8944414a876f17fcdeb5a59b86b8866fb5c88e")
	grafanaAt = Checkout("grafana/grafana-operator@60d3ebd2b21a7736970cac8964aa71f7a4ac2ecc")
	jaegerAt  = Checkout("jaegertracing/jaeger-operator@87d8ae049d910a65015a14c409dbdd1a8e561099")
	fluentAt  = Checkout("fluent/fluent-operator@00625bfdaf4eefc64b787ad035245e8eaa8f3a80")
)

func telemetry() []Kind {
	return []Kind{
		{
			// In mode sidecar it makes no pods of its own, and takes neither.
			Group: "opentelemetry.io", Kind: "OpenTelemetryCollector", Short: "otelcol",
			Templates: []Template{annotated("spec.podAnnotations", "spec").with("spec.initContainers", "").above("metadata.annotations")},
			Sources: []Source{
				otelAt.at("internal/manifests/manifestutils/annotations.go", "38-59", "copies all podAnnotations, and of the object's own annotations those that do not stand there, but for what the operator is told to filter"),
				otelAt.at("internal/manifests/collector/deployment.go", "43-51", "puts them and the init containers into the Deployment, and no init container of the operator's"),
				otelAt.at("internal/manifests/collector/statefulset.go", "26-60", "the same in a StatefulSet"),
				otelAt.at("internal/manifests/collector/daemonset.go", "26-49", "the same in a DaemonSet"),
				otelAt.at("internal/manifests/collector/targetallocator.go", "41-58", "its target allocator gets the annotations, and no init containers"),
			},
		},
		{
			Group: "opentelemetry.io", Kind: "TargetAllocator",
			Templates: []Template{annotated("spec.podAnnotations", "spec").with("spec.initContainers", "")},
			Sources: []Source{
				otelAt.at("internal/manifests/targetallocator/annotations.go", "32-43", "copies all podAnnotations, and over them the object's own annotations"),
				otelAt.at("internal/manifests/targetallocator/deployment.go", "39-46", "takes the init containers, and no one of the operator's"),
			},
		},
		{
			Group: "grafana.integreatly.org", Kind: "Grafana",
			Templates: []Template{joined("spec.deployment.spec.template", "spec")},
			Sources: []Source{
				grafanaAt.at("controllers/reconcilers/grafana/deployment_reconciler.go", "68-86", "patches spec.deployment into the Deployment, which has no init containers"),
				grafanaAt.at("api/v1beta1/typeoverrides.go", "104-128", "no list of containers is required"),
				grafanaAt.at("api/v1beta1/typeoverrides.go", "561-605", "the patch is a strategic merge"),
			},
		},
		{
			Group: "jaegertracing.io", Kind: "Jaeger",
			Left: "its operator keeps the sidecars of Istio and Linkerd out of its pods; where spec.annotations lets them in, write the mesh's annotations there by hand",
			Sources: []Source{
				jaegerAt.at("pkg/deployment/collector.go", "47-60", "annotates the pods with linkerd.io/inject disabled and sidecar.istio.io/inject false, if the object does not say otherwise"),
				jaegerAt.at("pkg/deployment/all_in_one.go", "50-62", "the same for all in one"),
				jaegerAt.at("pkg/deployment/query.go", "38-69", "the same for the query service"),
			},
		},
		{
			Group: "fluentbit.fluent.io", Kind: "FluentBit", Short: "fb",
			Templates: []Template{annotated("spec.annotations", "spec").with("spec.initContainers", "spec.imagePullSecrets")},
			Sources:   []Source{fluentAt.at("pkg/operator/daemonset.go", "42-53", "takes all annotations and the init containers, and has none of its own")},
		},
		{
			Group: "fluentbit.fluent.io", Kind: "Collector",
			Templates: []Template{annotated("spec.annotations", "spec")},
			Sources:   []Source{fluentAt.at("pkg/operator/collector-statefulset.go", "36-46", "takes all annotations, and has no init containers")},
		},
		{
			Group: "fluentd.fluent.io", Kind: "Fluentd", Short: "fd",
			Templates: []Template{annotated("spec.annotations", "spec")},
			Sources: []Source{
				fluentAt.at("pkg/operator/sts.go", "70-80", "takes all annotations, and has no init containers"),
				fluentAt.at("pkg/operator/fluentd-daemonset.go", "42-50", "the same in a DaemonSet"),
			},
		},
	}
}
