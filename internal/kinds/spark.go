package kinds

import "slices"

const spark = Checkout("kubeflow/spark-operator@38082f3318e9d33f3e4a940c7cf165df6e40b422")

var sparkSources = []Source{
	spark.at("api/v1beta2/sparkapplication_types.go", "434-532", "driver and executor have annotations, labels and initContainers, and a whole pod template"),
	spark.at("internal/controller/sparkapplication/submission.go", "418-421", "Spark gives the driver's pod its annotations; lines 785-788 the executors' theirs"),
	spark.at("internal/webhook/sparkpod_defaulter.go", "619-637", "the operator's webhook puts the init containers to the end, unless the pod has one of the name"),
	spark.at("internal/controller/sparkapplication/submission.go", "341-345", "which it does only where there is no template; lines 714-718 for executors"),
	spark.at("internal/controller/sparkapplication/submission.go", "1158-1210", "with a template, Spark makes the pods of it, and lays the annotations over it"),
}

// sparkTemplates gives the templates in the spec of a SparkApplication. Its pull secrets
// are a list of strings.
func sparkTemplates(spec string) []Template {
	var all []Template
	for _, role := range []string{spec + ".driver", spec + ".executor"} {
		all = append(all, Template{Annotations: at(role + ".annotations"), InitContainers: at(role + ".initContainers"), Over: at(role + ".template.metadata.annotations"), Create: true, Needs: at(role)})
		all = append(all, whole(role+".template")...)
	}
	return all
}

// An application that is changed runs again, so it is touched as a Job is.
func sparkKinds() []Kind {
	return []Kind{
		{Group: "sparkoperator.k8s.io", Kind: "SparkApplication", Short: "sparkapp", Templates: sparkTemplates("spec"), Fixed: true, Sources: slices.Concat(sparkSources, []Source{
			spark.at("internal/controller/sparkapplication/event_filter.go", "186-232", "a change runs the application again, one that has ended too"),
		})},
		{Group: "sparkoperator.k8s.io", Kind: "ScheduledSparkApplication", Short: "scheduledsparkapp", Templates: sparkTemplates("spec.template"), NextStart: true, Sources: slices.Concat(sparkSources, []Source{
			spark.at("api/v1beta2/scheduledsparkapplication_types.go", "26-40", "the template is the spec of a SparkApplication"),
			spark.at("internal/controller/scheduledsparkapplication/controller.go", "266-296", "each run is a SparkApplication with a copy of it"),
		})},
	}
}
