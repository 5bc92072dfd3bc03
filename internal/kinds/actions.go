package kinds

import "slices"

const actions = Checkout("actions/actions-runner-controller@2ee6b3b8e8d2781c2f2bd4f0033fbb436465c5c1")

// scaleSetSources are common to what ends in an EphemeralRunner.
var scaleSetSources = []Source{
	actions.at("controllers/actions.github.com/resourcebuilder.go", "849-881", "an EphemeralRunner has the spec of its set"),
	actions.at("controllers/actions.github.com/resourcebuilder.go", "883-947", "its pod has the template's annotations and its whole spec"),
}

// runnerSources are common to what ends in a Runner. The spec of a Runner names the parts
// of a pod as a pod does, and need not have containers.
var runnerSources = []Source{
	actions.at("apis/actions.summerwind.net/v1alpha1/runner_types.go", "29-182", "the spec has initContainers and imagePullSecrets as that of a pod"),
	actions.at("controllers/actions.summerwind.net/runner_controller.go", "561-582", "the pod has the annotations of the Runner; containers that are absent are made"),
	actions.at("controllers/actions.summerwind.net/runner_controller.go", "677-701", "it has the init containers in their order, and no others, and the pull secrets"),
}

func runnerTemplate() []Template {
	return []Template{{Path: at("spec.template"), Merged: true}}
}

func actionsKinds() []Kind {
	return []Kind{
		{Group: "actions.github.com", Kind: "AutoscalingRunnerSet", Templates: whole("spec.template", "spec.listenerTemplate"), Sources: slices.Concat(scaleSetSources, []Source{
			actions.at("apis/actions.github.com/v1alpha1/autoscalingrunnerset_types.go", "81-91", "whole pod templates of the runners and of the listener"),
			actions.at("controllers/actions.github.com/resourcebuilder.go", "740-760", "the EphemeralRunnerSet has the runners' template"),
			actions.at("controllers/actions.github.com/resourcebuilder.go", "482-530", "the listener's pod, which runs in the controller's namespace, has the annotations and init containers of its template"),
			actions.at("controllers/actions.github.com/autoscalingrunnerset_controller.go", "294-321", "a change waits until no runner is active"),
		})},
		{Group: "actions.github.com", Kind: "EphemeralRunnerSet", Templates: whole("spec.ephemeralRunnerSpec"), Sources: slices.Concat(scaleSetSources, []Source{
			actions.at("apis/actions.github.com/v1alpha1/ephemeralrunner_types.go", "104-130", "a pod template stands in the midst of the spec"),
		})},
		{Group: "actions.summerwind.dev", Kind: "RunnerDeployment", Short: "rdeploy", Templates: runnerTemplate(), Sources: slices.Concat(runnerSources, []Source{
			actions.at("apis/actions.summerwind.net/v1alpha1/runnerreplicaset_types.go", "60-64", "the template is metadata and the spec of a Runner"),
			actions.at("controllers/actions.summerwind.net/runnerdeployment_controller.go", "126-147", "a change makes a new RunnerReplicaSet"),
		})},
		{Group: "actions.summerwind.dev", Kind: "RunnerReplicaSet", Short: "rrs", Templates: runnerTemplate(), Sources: slices.Concat(runnerSources, []Source{
			actions.at("controllers/actions.summerwind.net/runnerreplicaset_controller.go", "167-190", "a Runner has the template's metadata and spec"),
		})},
		{Group: "actions.summerwind.dev", Kind: "RunnerSet", Templates: whole("spec.template"), Sources: []Source{
			actions.at("apis/actions.summerwind.net/v1alpha1/runnerset_types.go", "25-43", "the spec is that of a StatefulSet, and more"),
			actions.at("controllers/actions.summerwind.net/runnerset_controller.go", "196-283", "the StatefulSet has the whole template, with containers added"),
		}},
	}
}
