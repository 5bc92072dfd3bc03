package kinds

var (
	jobSet = checkout{"kubernetes-sigs/jobset", "08dfbdfd682714a9ab929633eca8dc95315187e7"}
	lws    = checkout{"kubernetes-sigs/lws", "060ab4da17eea1f0865fcbd3236bb1075e2cea32"}
	keda   = checkout{"kedacore/keda", "8b4f083ca8c8c2baf8477e322bd4d16ac4dfa09a"}
)

// jobs are kinds that run Jobs and pods to their end.
var jobs = []Kind{
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
}
