package kinds

import "slices"

const kuberay = Checkout("ray-project/kuberay@98e5ef90aa7033797aa0a61ef97f3ff7e49a3944")

// raySources are common to all that ends in a RayCluster.
var raySources = []Source{
	kuberay.at("ray-operator/apis/ray/v1/raycluster_types.go", "376-478", "each group has a whole pod template"),
	kuberay.at("ray-operator/controllers/ray/common/pod.go", "213-318", "the head's pod is its template, annotations and init containers with it; the first container has to be there"),
	kuberay.at("ray-operator/controllers/ray/common/pod.go", "469-537", "with TLS, an init container that reads a file and dials nothing goes to the front"),
	kuberay.at("ray-operator/controllers/ray/common/pod.go", "594-685", "a worker's pod is its template; the init container wait-gcs-ready, which dials the head, goes to the end"),
}

// A RayJob without submitterPodTemplate gets one with a container of the operator's; one
// that is made of annotations alone would have no container, so none is made.
func ray() []Kind {
	return []Kind{
		{Group: "ray.io", Kind: "RayCluster", Templates: whole("spec.headGroupSpec.template", "spec.workerGroupSpecs[*].template"), NextStart: true, Sources: slices.Concat(raySources, []Source{
			kuberay.at("ray-operator/controllers/ray/raycluster_controller.go", "1462-1502", "pods that run are replaced only with upgradeStrategy.type: Recreate; without it, only new ones take a change")})},
		{Group: "ray.io", Kind: "RayJob", Templates: whole("spec.submitterPodTemplate", "spec.rayClusterSpec.headGroupSpec.template", "spec.rayClusterSpec.workerGroupSpecs[*].template"), Fixed: true, Sources: slices.Concat(raySources, []Source{
			kuberay.at("ray-operator/apis/ray/v1/rayjob_types.go", "218-222", "a cluster of its own, and the template of the pod that submits the job"),
			kuberay.at("ray-operator/controllers/ray/rayjob_controller.go", "986-992", "a change of rayClusterSpec is disregarded once the cluster is there"),
			kuberay.at("ray-operator/controllers/ray/rayjob_controller.go", "559-607", "the Job that submits is made once and not changed; its first container has to be there")})},
		{Group: "ray.io", Kind: "RayCronJob", Templates: whole("spec.jobTemplate.submitterPodTemplate", "spec.jobTemplate.rayClusterSpec.headGroupSpec.template", "spec.jobTemplate.rayClusterSpec.workerGroupSpecs[*].template"), NextStart: true, Sources: slices.Concat(raySources, []Source{
			kuberay.at("ray-operator/apis/ray/v1/raycronjob_types.go", "10-25", "jobTemplate is the spec of a RayJob")})},
		{Group: "ray.io", Kind: "RayService", Templates: whole("spec.rayClusterConfig.headGroupSpec.template", "spec.rayClusterConfig.workerGroupSpecs[*].template"), Sources: slices.Concat(raySources, []Source{
			kuberay.at("ray-operator/apis/ray/v1/rayservice_types.go", "116-120", "rayClusterConfig is the spec of a RayCluster"),
			kuberay.at("ray-operator/controllers/ray/rayservice_controller.go", "1409-1437", "a change of it makes a new cluster, unless upgradeStrategy or ENABLE_ZERO_DOWNTIME forbid it")})},
	}
}
