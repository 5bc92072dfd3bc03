package kinds

import "slices"

const (
	jobSet = Checkout("kubernetes-sigs/jobset@08dfbdfd682714a9ab929633eca8dc95315187e7")
	lws    = Checkout("kubernetes-sigs/lws@060ab4da17eea1f0865fcbd3236bb1075e2cea32")
	keda   = Checkout("kedacore/keda@8b4f083ca8c8c2baf8477e322bd4d16ac4dfa09a")

	volcano = Checkout("volcano-sh/volcano@ed72c7c815a9fd547a787134676f73d42e9d049c")
)

// volcanoSources are common to all that ends in a Job of Volcano.
var volcanoSources = []Source{
	volcano.at("staging/src/volcano.sh/apis/pkg/apis/batch/v1alpha1/job.go", "239-260", "each task has a whole pod template"),
	volcano.at("pkg/controllers/job/job_controller_util.go", "46-165", "the pod has its annotations and its whole spec; annotations are added to them"),
	volcano.at("pkg/controllers/job/plugins/distributed-framework/pytorch/pytorch.go", "208-231", "the plugin's init container, which dials the master, goes to the end"),
}

// jobs are kinds that run Jobs and pods to their end.
func jobs() []Kind {
	return []Kind{
		{Group: "jobset.x-k8s.io", Kind: "JobSet", Templates: whole("spec.replicatedJobs[*].template.spec.template"), Fixed: true, Sources: []Source{
			jobSet.at("api/jobset/v1alpha2/jobset_types.go", "320-330", "each has a template of a Job"),
			jobSet.at("pkg/controllers/jobset_controller.go", "938-978", "the Job has its whole spec; annotations are added to it"),
			jobSet.at("pkg/webhooks/jobset_webhook.go", "373-397", "a change of replicatedJobs is refused; a suspended one takes annotations and no init containers"),
		}},
		{Group: "leaderworkerset.x-k8s.io", Kind: "LeaderWorkerSet", Short: "lws", Templates: whole("spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate"), Sources: []Source{
			lws.at("api/leaderworkerset/v1/leaderworkerset_types.go", "151-156", "workerTemplate has to be there; without a leaderTemplate it is the leader's too"),
			lws.at("pkg/controllers/leaderworkerset_controller.go", "775-815", "the leaders' StatefulSet has the whole template; annotations are added to it"),
			lws.at("pkg/controllers/pod_controller.go", "381-429", "so has that of the workers"),
			lws.at("pkg/webhooks/leaderworkerset_webhook.go", "98-116", "a change of the templates is taken"),
		}},
		{Group: "keda.sh", Kind: "ScaledJob", Short: "sj", Templates: whole("spec.jobTargetRef.template"), Sources: []Source{
			keda.at("apis/keda/v1alpha1/scaledjob_types.go", "57-57", "jobTargetRef is the spec of a Job"),
			keda.at("pkg/scaling/executor/scale_jobs.go", "144-208", "each Job has all of it; the object's own annotations go to the Job, not to its pods"),
			keda.at("controllers/keda/scaledjob_controller.go", "269-327", "a change deletes the Jobs that run, unless rollout.strategy is gradual"),
		}},
		{Group: "batch.volcano.sh", Kind: "Job", Short: "vcjob", Templates: whole("spec.tasks[*].template"), Fixed: true, Sources: slices.Concat(volcanoSources, []Source{
			volcano.at("pkg/webhooks/admission/jobs/validate/admit_job.go", "272-301", "a change of a template is refused"),
		})},
		{Group: "batch.volcano.sh", Kind: "CronJob", Short: "cronvcjob", Templates: whole("spec.jobTemplate.spec.tasks[*].template"), NextStart: true, Sources: slices.Concat(volcanoSources, []Source{
			volcano.at("staging/src/volcano.sh/apis/pkg/apis/batch/v1alpha1/job.go", "495-548", "jobTemplate has the spec of a Job"),
			volcano.at("pkg/controllers/cronjob/cronjob_controller_util.go", "253-277", "each Job has a copy of it"),
		})},
		{Group: "flow.volcano.sh", Kind: "JobTemplate", Short: "jt", Templates: whole("spec.tasks[*].template"), NextStart: true, Sources: slices.Concat(volcanoSources, []Source{
			volcano.at("staging/src/volcano.sh/apis/pkg/apis/flow/v1alpha1/jobtemplate_types.go", "36-50", "the spec is that of a Job"),
			volcano.at("pkg/controllers/jobflow/jobflow_controller_action.go", "254-279", "a JobFlow makes its Jobs of it"),
		})},
	}
}
