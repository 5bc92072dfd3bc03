package kinds

const (
	argoRollouts = Checkout("argoproj/argo-rollouts@9f8d111d8f8e3e88b6d7f8bbdf62fd3cd863ef9d")
	kruise       = Checkout("openkruise/kruise@07169cfac7b9cf7800dda1b8652f850cc3184132")
)

// A SidecarSet of OpenKruise makes no pods: its containers join those of others.
func rollouts() []Kind {
	return []Kind{
		{Group: "argoproj.io", Kind: "Rollout", Short: "ro", Templates: whole("spec.template"), Reference: at("spec.workloadRef"), Sources: []Source{
			argoRollouts.at("rollout/sync.go", "142-165", "the ReplicaSet has the whole template"),
			argoRollouts.at("rollout/templateref.go", "126-166", "with a workloadRef it is that of the workload, and one of its own is refused"),
		}},
		{Group: "argoproj.io", Kind: "Experiment", Short: "exp", Templates: whole("spec.templates[*].template"), Fixed: true, Sources: []Source{
			argoRollouts.at("pkg/apis/rollouts/v1alpha1/experiment_types.go", "73-90", "a whole template for each item"),
			argoRollouts.at("experiments/replicaset.go", "164-203", "the ReplicaSet has it; an Experiment runs once"),
		}},
		{Group: "apps.kruise.io", Kind: "CloneSet", Short: "clone", Templates: whole("spec.template"), Sources: []Source{
			kruise.at("pkg/controller/cloneset/core/cloneset_core.go", "86-100", "a pod is made of the template by Kubernetes' own function"),
		}},
		{Group: "apps.kruise.io", Kind: "StatefulSet", Short: "asts", Templates: whole("spec.template"), Sources: []Source{
			kruise.at("pkg/controller/statefulset/stateful_set_utils.go", "494-500", "a pod is made of the template by Kubernetes' own function"),
		}},
		{Group: "apps.kruise.io", Kind: "DaemonSet", Short: "ads", Templates: whole("spec.template"), Sources: []Source{
			kruise.at("pkg/controller/daemonset/daemonset_controller.go", "493-518", "a pod has the template's metadata and spec"),
		}},
		{Group: "apps.kruise.io", Kind: "BroadcastJob", Short: "bcj", Templates: whole("spec.template"), Fixed: true, Sources: []Source{
			kruise.at("pkg/controller/broadcastjob/broadcastjob_controller.go", "694-715", "a pod is made of the template by Kubernetes' own function, once for each node, and not changed"),
		}},
		{Group: "apps.kruise.io", Kind: "AdvancedCronJob", Short: "acj", Templates: whole("spec.template.jobTemplate.spec.template", "spec.template.broadcastJobTemplate.spec.template"), NextStart: true, Sources: []Source{
			kruise.at("apis/apps/v1beta1/advancedcronjob_types.go", "70-84", "the template of a Job or of a BroadcastJob"),
			kruise.at("pkg/controller/advancedcronjob/advancedcronjob_job_controller.go", "346-365", "each Job has a copy of its spec"),
			kruise.at("pkg/controller/advancedcronjob/advancedcronjob_broadcastjob_controller.go", "355-363", "each BroadcastJob has a copy of its spec"),
		}},
		{Group: "apps.kruise.io", Kind: "UnitedDeployment", Short: "ud", Templates: whole(
			"spec.template.deploymentTemplate.spec.template", "spec.template.cloneSetTemplate.spec.template",
			"spec.template.statefulSetTemplate.spec.template", "spec.template.advancedStatefulSetTemplate.spec.template",
		), Sources: []Source{
			kruise.at("apis/apps/v1beta1/uniteddeployment_types.go", "87-103", "the template of one of four kinds"),
			kruise.at("pkg/controller/uniteddeployment/adapter/deployment_adapter.go", "152-178", "the workload of each subset has it; the patch of a subset is merged over it, and wins"),
			kruise.at("pkg/controller/uniteddeployment/adapter/cloneset_adapter.go", "139-161", "so it is for a CloneSet"),
			kruise.at("pkg/controller/uniteddeployment/adapter/statefulset_adapter.go", "162-183", "so it is for a StatefulSet"),
			kruise.at("pkg/controller/uniteddeployment/adapter/advanced_statefulset_adapter.go", "175-196", "so it is for OpenKruise's own"),
		}},
	}
}
