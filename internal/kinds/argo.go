package kinds

import "slices"

const (
	argoWorkflows = Checkout("argoproj/argo-workflows@f016ad89eb269d282aec06dc491c29f396a38df4")
	argoEvents    = Checkout("argoproj/argo-events@6478ece495f951dde9f183ae58fde134c52f41a5")
)

// workflowSources are common to all that ends in a Workflow.
var workflowSources = []Source{
	argoWorkflows.at("pkg/apis/workflow/v1alpha1/workflow_types.go", "453-454", "podMetadata are annotations and labels for all pods"),
	argoWorkflows.at("workflow/controller/workflowpod.go", "1325-1334", "a pod has those, and over them those of its item of templates"),
	argoWorkflows.at("workflow/controller/operator.go", "4649-4692", "each item of templates, also one that a templateRef names, is merged over templateDefaults: annotations by key, init containers by name, and those of the item come first"),
	argoWorkflows.at("pkg/apis/workflow/v1alpha1/workflow_types.go", "774-774", "the name is what init containers are merged by"),
	argoWorkflows.at("workflow/controller/workflowpod.go", "512-514", "hostNetwork is for all pods"),
	argoWorkflows.at("workflow/controller/workflowpod.go", "568-576", "the operator's own init containers come first: init, which loads input artefacts from where they are, and one for each artefact plugin; they dial before any other of the pod"),
	argoWorkflows.at("workflow/controller/workflowpod.go", "1912-1921", "the init containers of an item of templates come behind them"),
}

// storedSources are common to what a Workflow refers to.
func storedSources() []Source {
	return slices.Concat(workflowSources, []Source{
		argoWorkflows.at("workflow/controller/operator.go", "4601-4613", "a Workflow takes it when it begins and keeps it"),
	})
}

// workflow gives the templates in the spec of a Workflow. Items with steps, a dag or
// suspend make no pod, and what http and plugin do runs in a pod of the operator's, which
// has podMetadata and no init containers.
func workflow(spec string) []Template {
	all, defaults := at(spec+".podMetadata.annotations"), at(spec+".templateDefaults.metadata.annotations")
	return []Template{
		{Annotations: all, Create: true, Needs: at(spec), Others: []string{"templateRef", "workflowTemplateRef", "inline", "templates.http", "templates.plugin"}},
		{Annotations: defaults, InitContainers: at(spec + ".templateDefaults.initContainers"), Over: all, Create: true, Needs: at(spec + ".templateDefaults")},
		{Annotations: at(spec + ".templates[*].metadata.annotations"), InitContainers: at(spec + ".templates[*].initContainers"), Over: defaults, Create: true, Needs: at(spec + ".templates[*]"), Unless: []string{"steps", "dag", "suspend", "http", "plugin"}},
	}
}

func argo() []Kind {
	return []Kind{
		{Group: "argoproj.io", Kind: "Workflow", Short: "wf", HostNetwork: at("spec.hostNetwork"), Templates: workflow("spec"), Fixed: true, Sources: slices.Concat(workflowSources, []Source{
			argoWorkflows.at("workflow/controller/workflowpod.go", "353-363", "a pod is made once and not changed; a Workflow runs once"),
		})},
		{Group: "argoproj.io", Kind: "WorkflowTemplate", Short: "wftmpl", HostNetwork: at("spec.hostNetwork"), Templates: workflow("spec"), NextStart: true, Sources: storedSources()},
		{Group: "argoproj.io", Kind: "ClusterWorkflowTemplate", Short: "cwft", HostNetwork: at("spec.hostNetwork"), Templates: workflow("spec"), NextStart: true, Sources: storedSources()},
		{Group: "argoproj.io", Kind: "CronWorkflow", Short: "cwf", HostNetwork: at("spec.workflowSpec.hostNetwork"), Templates: workflow("spec.workflowSpec"), NextStart: true, Sources: slices.Concat(workflowSources, []Source{
			argoWorkflows.at("pkg/apis/workflow/v1alpha1/cron_workflow_types.go", "46-48", "workflowSpec is the spec of a Workflow"),
			argoWorkflows.at("workflow/common/convert.go", "34-60", "each run is a Workflow with a copy of it"),
		})},
		// What a Sensor makes itself, of objects within its triggers, is left to the rows of
		// their kinds where it stands in the repository as an object.
		{Group: "argoproj.io", Kind: "Sensor", Short: "sn", Templates: []Template{{Annotations: at("spec.template.metadata.annotations"), Create: true, Needs: at("spec")}}, Sources: []Source{
			argoEvents.at("pkg/apis/events/v1alpha1/template.go", "8-64", "the template has metadata, and no init containers"),
			argoEvents.at("pkg/reconciler/sensor/resource.go", "334-363", "the Deployment has its annotations"),
			argoEvents.at("pkg/reconciler/sensor/resource.go", "80-92", "a change updates the Deployment"),
		}},
		{Group: "argoproj.io", Kind: "EventSource", Templates: []Template{{Annotations: at("spec.template.metadata.annotations"), Create: true, Needs: at("spec")}}, Sources: []Source{
			argoEvents.at("pkg/apis/events/v1alpha1/template.go", "8-64", "the template has metadata, and no init containers"),
			argoEvents.at("pkg/reconciler/eventsource/resource.go", "373-402", "the Deployment has its annotations"),
			argoEvents.at("pkg/reconciler/eventsource/resource.go", "70-75", "a change updates the Deployment"),
		}},
		{Group: "argoproj.io", Kind: "EventBus", Short: "eb", Plural: "eventbus", Templates: []Template{
			{Annotations: at("spec.jetstream.metadata.annotations"), Create: true, Needs: at("spec.jetstream")},
			{Annotations: at("spec.nats.native.metadata.annotations"), Create: true, Needs: at("spec.nats.native")},
		}, Sources: []Source{
			argoEvents.at("pkg/apis/events/v1alpha1/jetstream_eventbus.go", "8-70", "metadata, and no init containers"),
			argoEvents.at("pkg/reconciler/eventbus/installer/jetstream.go", "435-437", "the StatefulSet has its annotations"),
			argoEvents.at("pkg/apis/events/v1alpha1/nats_eventbus.go", "25-60", "metadata, and no init containers"),
			argoEvents.at("pkg/reconciler/eventbus/installer/nats.go", "761-763", "the StatefulSet has its annotations"),
		}},
	}
}
