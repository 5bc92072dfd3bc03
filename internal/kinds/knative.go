package kinds

const (
	serving  = Checkout("knative/serving@feeaf72facab4881ba2b179248bb67315634e229")
	eventing = Checkout("knative/eventing@8cf4c4b673034020f5ecab731fb6a2a7f9350244")
)

var knativeSources = []Source{
	serving.at("pkg/reconciler/configuration/resources/revision.go", "32-43", "a change makes a new Revision of the template"),
	serving.at("pkg/reconciler/revision/resources/meta.go", "88-96", "the pods have its annotations, but for those of autoscaling and routing"),
	serving.at("config/core/configmaps/features.yaml", "221-224", "kubernetes.podspec-init-containers is disabled by default"),
	serving.at("pkg/apis/serving/k8s_validation.go", "449-457", "unless it is enabled, init containers are refused"),
}

func knative() []Kind {
	return []Kind{
		{Group: "serving.knative.dev", Kind: "Service", Short: "ksvc", Templates: whole("spec.template"), AnnotationsOnly: true, Sources: knativeSources},
		{Group: "serving.knative.dev", Kind: "Configuration", Short: "cfg", Templates: whole("spec.template"), AnnotationsOnly: true, Sources: knativeSources},
		// The other sources and the channels have Deployments of their own, without a template
		// in the object.
		{Group: "sources.knative.dev", Kind: "ContainerSource", Templates: whole("spec.template"), Sources: []Source{
			eventing.at("pkg/apis/sources/v1/container_types.go", "61-61", "a whole pod template"),
			eventing.at("pkg/reconciler/containersource/resources/deployment.go", "28-58", "the Deployment has it"),
			eventing.at("pkg/reconciler/containersource/containersource.go", "112-114", "a change updates the Deployment"),
		}},
	}
}
