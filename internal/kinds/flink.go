package kinds

import "slices"

const (
	flinkOperator = Checkout("apache/flink-kubernetes-operator@6e9caeb48118934f4311534725196c52159eaa21")
	flink         = Checkout("apache/flink@1214aa297fcdbddb99a3f0b2b44d2e8a2dd4d399")
)

var flinkSources = []Source{
	flinkOperator.at("flink-kubernetes-operator-api/src/main/java/org/apache/flink/kubernetes/operator/api/spec/FlinkDeploymentSpec.java", "61-71", "podTemplate is the base of those of jobManager and taskManager; the CRD requires no containers in them"),
	flinkOperator.at("flink-kubernetes-operator/src/main/java/org/apache/flink/kubernetes/operator/config/FlinkConfigBuilder.java", "282-340", "theirs are merged over it, and are what Flink makes the pods of"),
	flinkOperator.at("flink-kubernetes-operator/src/main/java/org/apache/flink/kubernetes/operator/utils/FlinkUtils.java", "91-139", "mappings by key; lists item by item, by where they stand, so that our init container meets itself at the front of each; krm-bypass-close at the end of each would meet another, so forInitContainers is refused"),
	flink.at("flink-kubernetes/src/main/java/org/apache/flink/kubernetes/kubeclient/decorators/InitJobManagerDecorator.java", "62-99", "the pod is the template, to which labels and annotations are added"),
}

// flinkTemplates gives the templates in the spec of a FlinkDeployment.
func flinkTemplates(spec string) []Template {
	base := at(spec + ".podTemplate.metadata.annotations")
	return []Template{
		{Path: at(spec + ".podTemplate"), Create: true, Needs: at(spec), Merged: true},
		{Path: at(spec + ".jobManager.podTemplate"), Over: base, Merged: true},
		{Path: at(spec + ".taskManager.podTemplate"), Over: base, Merged: true},
	}
}

const flinkShuffles = "merges the lists of init containers of its templates item by item"

func flinkKinds() []Kind {
	return []Kind{
		{Group: "flink.apache.org", Kind: "FlinkDeployment", Short: "flinkdep", Shuffles: flinkShuffles, Templates: flinkTemplates("spec"), Sources: flinkSources},
		{Group: "flink.apache.org", Kind: "FlinkBlueGreenDeployment", Short: "flinkbgdep", Shuffles: flinkShuffles, Templates: flinkTemplates("spec.template.spec"), Sources: slices.Concat(flinkSources, []Source{
			flinkOperator.at("flink-kubernetes-operator-api/src/main/java/org/apache/flink/kubernetes/operator/api/spec/FlinkDeploymentTemplateSpec.java", "38-42", "the template has the spec of a FlinkDeployment"),
		})},
		{Group: "flink.apache.org", Kind: "FlinkSessionJob", Short: "sessionjob", Left: "it runs in the pods of the FlinkDeployment that spec.deploymentName names", Sources: []Source{
			flinkOperator.at("flink-kubernetes-operator-api/src/main/java/org/apache/flink/kubernetes/operator/api/spec/FlinkSessionJobSpec.java", "42-42", "a FlinkDeployment by name, and no pods"),
		}},
	}
}
