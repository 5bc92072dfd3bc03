package kinds

import "slices"

const (
	trainingOperator = Checkout("kubeflow/training-operator@078ec30ff26649a07d2e28893c332d4cef70e233") // release-1.9
	mpiOperator      = Checkout("kubeflow/mpi-operator@caa3c47fc42eb762635f78045ec0fcd1a89eb038")
	trainer          = Checkout("kubeflow/trainer@8c0f5059bd51ec3ba6d6a6a7b2e1471de7bc13b3")
	katib            = Checkout("kubeflow/katib@33c8ff4e5d1814b59abd308e6819e839e9906bc2")
	notebooks        = Checkout("kubeflow/notebooks@177b098656264a36af71ea27d098c2ad14999eec") // notebooks-v1
)

// trainingSources are common to the jobs that the training operator takes.
var trainingSources = []Source{
	trainingOperator.at("pkg/apis/kubeflow.org/v1/common_types.go", "95-110", "each replica type has a whole pod template"),
	trainingOperator.at("pkg/controller.v1/common/pod.go", "312-344", "a pod that runs is not compared with its template"),
	trainingOperator.at("pkg/controller.v1/common/pod.go", "410-455", "the pod is made of a copy of the template"),
	trainingOperator.at("pkg/controller.v1/control/pod_control.go", "89-138", "with all its annotations and init containers"),
}

// trainingJob is a kind of job of which the field holds the replica types; the webhook
// requires a container in each.
func trainingJob(kind, field string, sources ...Source) Kind {
	return Kind{Group: "kubeflow.org", Kind: kind, Templates: whole("spec." + field + ".*.template"), Fixed: true, Sources: slices.Concat(trainingSources, sources)}
}

func kubeflow() []Kind {
	return []Kind{
		trainingJob("PyTorchJob", "pytorchReplicaSpecs",
			trainingOperator.at("pkg/apis/kubeflow.org/v1/pytorch_types.go", "90-90", "pytorchReplicaSpecs is a map by replica type"),
			trainingOperator.at("pkg/controller.v1/pytorch/initcontainer.go", "35-46", "a worker's init-pytorch, which asks the DNS"),
			trainingOperator.at("pkg/controller.v1/pytorch/initcontainer.go", "122-134", "goes to the end")),
		trainingJob("TFJob", "tfReplicaSpecs",
			trainingOperator.at("pkg/apis/kubeflow.org/v1/tensorflow_types.go", "81-87", "tfReplicaSpecs is a map by replica type")),
		trainingJob("XGBoostJob", "xgbReplicaSpecs",
			trainingOperator.at("pkg/apis/kubeflow.org/v1/xgboost_types.go", "54-54", "xgbReplicaSpecs is a map by replica type")),
		trainingJob("PaddleJob", "paddleReplicaSpecs",
			trainingOperator.at("pkg/apis/kubeflow.org/v1/paddlepaddle_types.go", "87-87", "paddleReplicaSpecs is a map by replica type")),
		trainingJob("JAXJob", "jaxReplicaSpecs",
			trainingOperator.at("pkg/apis/kubeflow.org/v1/jax_types.go", "79-79", "jaxReplicaSpecs is a map by replica type")),
		{Group: "kubeflow.org", Kind: "MPIJob", Templates: whole("spec.mpiReplicaSpecs.*.template"), Fixed: true, Sources: []Source{
			trainingOperator.at("pkg/apis/kubeflow.org/v1/mpi_types.go", "71-71", "v1: mpiReplicaSpecs is a map by replica type"),
			trainingOperator.at("pkg/controller.v1/mpi/mpijob_controller.go", "872-898", "v1: a worker is made where there is none, and not changed"),
			trainingOperator.at("pkg/controller.v1/mpi/mpijob_controller.go", "921-999", "v1: of a copy of the template, annotations and init containers with it"),
			trainingOperator.at("pkg/controller.v1/mpi/mpijob_controller.go", "1005-1197", "v1: so is the launcher; its init container kubectl-delivery goes to the end"),
			mpiOperator.at("pkg/apis/kubeflow/v2beta1/types.go", "187-187", "v2beta1: mpiReplicaSpecs is a map by replica type"),
			mpiOperator.at("pkg/controller/mpi_job_controller.go", "1016-1023", "v2beta1: a worker is made where there is none, and not changed"),
			mpiOperator.at("pkg/controller/mpi_job_controller.go", "1499-1550", "v2beta1: of a copy of the template"),
			mpiOperator.at("pkg/controller/mpi_job_controller.go", "1585-1674", "v2beta1: so is the template of the launcher's Job"),
		}},
		{Group: "trainer.kubeflow.org", Kind: "TrainingRuntime", Templates: whole("spec.template.spec.replicatedJobs[*].template.spec.template"), NextStart: true, Sources: runtimeSources},
		{Group: "trainer.kubeflow.org", Kind: "ClusterTrainingRuntime", Templates: whole("spec.template.spec.replicatedJobs[*].template.spec.template"), NextStart: true, Sources: runtimeSources},
		// The trialSpec is an object of any kind: these are those that Katib's examples have.
		{Group: "kubeflow.org", Kind: "Experiment", Templates: whole(
			"spec.trialTemplate.trialSpec.spec.template", "spec.trialTemplate.trialSpec.spec.pytorchReplicaSpecs.*.template",
			"spec.trialTemplate.trialSpec.spec.tfReplicaSpecs.*.template", "spec.trialTemplate.trialSpec.spec.mpiReplicaSpecs.*.template",
		), Fixed: true, Sources: []Source{
			katib.at("pkg/apis/controller/experiments/v1beta1/experiment_types.go", "275-282", "trialSpec is a whole object"),
			katib.at("pkg/controller.v1beta1/experiment/manifest/generator.go", "88-107", "of which each trial's is a copy, with its parameters put in"),
			katib.at("pkg/controller.v1beta1/trial/trial_controller.go", "326-338", "and is made in the cluster as it is"),
			katib.at("pkg/webhook/v1beta1/experiment/validator/validator.go", "137-142", "a change of it is refused"),
		}},
		// The template of a Notebook has no metadata.
		{Group: "kubeflow.org", Kind: "Notebook", Templates: []Template{
			annotated("metadata.annotations", "metadata").with("spec.template.spec.initContainers", "spec.template.spec.imagePullSecrets"),
		}, Fixed: true, Sources: []Source{
			notebooks.at("components/notebook-controller/api/v1/notebook_types.go", "26-34", "the template has the spec of a pod, and no metadata"),
			notebooks.at("components/notebook-controller/controllers/notebook_controller.go", "379-404", "the pod has the annotations of the Notebook, but for those with kubectl or notebook in their names"),
			notebooks.at("components/notebook-controller/reconcilehelper/util.go", "128-131", "a StatefulSet that is there takes a change of the spec, and none of the annotations"),
		}},
		// An annotation of a patch takes the place of the runtime's, the user's own among
		// them, and an init container has to be one that the runtime has.
		{Group: "trainer.kubeflow.org", Kind: "TrainJob", Left: "its pods are made of the TrainingRuntime or ClusterTrainingRuntime that spec.runtimeRef names, which is where to write", Sources: []Source{
			trainer.at("pkg/apis/trainer/v1alpha1/trainjob_types.go", "101-153", "a reference to a runtime, and patches of it"),
			trainer.at("pkg/runtime/core/trainingruntime.go", "259-289", "the patches are merged over the runtime"),
			trainer.at("pkg/runtime/framework/plugins/jobset/jobset.go", "181-208", "an init container that the runtime does not have is refused"),
			trainer.at("pkg/runtime/framework/plugins/jobset/jobset.go", "214-250", "the patches cannot be changed unless the job is suspended"),
		}},
	}
}

var runtimeSources = []Source{
	trainer.at("pkg/apis/trainer/v1alpha1/trainingruntime_types.go", "117-133", "the spec of a JobSet"),
	trainer.at("pkg/runtime/framework/plugins/jobset/jobset.go", "342-360", "a JobSet is made of it; one that is there is left alone unless it is suspended, so a change takes effect with the next TrainJob"),
	trainer.at("pkg/runtime/framework/plugins/jobset/jobset.go", "391-402", "init containers of plugins go to the end"),
}
