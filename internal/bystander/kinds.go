package bystander

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// silent are the groups whose objects hold schemas, patterns or patches of others, or
// are never applied: what looks like a pod template in them makes no pod. One that
// begins with a dot stands for all that end in it.
var silent = []string{
	"apiextensions.k8s.io", "admissionregistration.k8s.io",
	"kyverno.io", "policies.kyverno.io", ".gatekeeper.sh", "policies.kubewarden.io",
	"gateway.networking.k8s.io", // whose pods are gateways, which rules leave alone
	"kustomize.config.k8s.io", "config.kubernetes.io", "kpt.dev", "krm-bypass.dev",
}

// later is a kind of which somebody renders a chart in the cluster.
type later struct {
	group, kind string
	// by is who does so.
	by string
	// charts reports whether an object names a chart; nil where all do.
	charts func(node.Value) bool
}

var rendered = []later{
	{"helm.toolkit.fluxcd.io", "HelmRelease", "Flux", nil},
	{"helm.fluxcd.io", "HelmRelease", "Flux", nil},
	{"helm.cattle.io", "HelmChart", "K3s", nil},
	{"argoproj.io", "Application", "Argo CD", func(o node.Value) bool { return charted(o.Entry("spec")) }},
	{"argoproj.io", "ApplicationSet", "Argo CD", func(o node.Value) bool { return charted(o.Below("spec", "template", "spec")) }},
	{"helm.crossplane.io", "Release", "Crossplane", nil},
}

// charted reports whether a source of an Application is a chart (argoproj/argo-cd
// pkg/apis/application/v1alpha1/types.go, ApplicationSource).
func charted(spec node.Value) bool {
	for _, source := range append(spec.Entry("sources").Items(), spec.Entry("source")) {
		if source.Entry("chart").Exists() || source.Entry("helm").Exists() {
			return true
		}
	}
	return false
}

// maker is a kind whose controller makes pods of fields that are no pod template.
type maker struct {
	group string
	kinds []string
	// annotations lead to those of its pods, each to those of some.
	annotations []string
	// each leads to a list whose items have metadata of their own for their pods, ""
	// for none.
	each string
}

// one makes a maker of the kinds of a group, from the path to the annotations of its pods.
func one(group, annotations string, kinds ...string) maker {
	return maker{group: group, kinds: kinds, annotations: []string{annotations}}
}

var makers = []maker{
	// prometheus-operator/prometheus-operator pkg/apis/monitoring/v1/types.go, EmbeddedObjectMetadata
	one("monitoring.coreos.com", "spec.podMetadata.annotations", "Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"),
	// strimzi/strimzi-kafka-operator api/src/main/java/io/strimzi/api/kafka/model
	one("kafka.strimzi.io", "spec.kafka.template.pod.metadata.annotations", "Kafka"),
	one("kafka.strimzi.io", "spec.template.pod.metadata.annotations", "KafkaNodePool", "KafkaConnect", "KafkaBridge", "KafkaMirrorMaker2"),
	// argoproj/argo-workflows pkg/apis/workflow/v1alpha1/workflow_types.go
	{"argoproj.io", []string{"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"}, []string{"spec.podMetadata.annotations"}, "spec.templates"},
	{"argoproj.io", []string{"CronWorkflow"}, []string{"spec.workflowSpec.podMetadata.annotations"}, "spec.workflowSpec.templates"},
	// kubevirt/kubevirt pkg/virt-controller/services/template.go, filterVMIAnnotationsForPod;
	// pkg/virt-controller/watch, setupVMIFromVM
	one("kubevirt.io", "metadata.annotations", "VirtualMachineInstance"),
	one("kubevirt.io", "spec.template.metadata.annotations", "VirtualMachine", "VirtualMachineInstanceReplicaSet"),
	// tektoncd/pipeline pkg/pod/pod.go, Build; pkg/reconciler/taskrun/taskrun.go,
	// storeTaskSpecAndMergeMeta; pkg/reconciler/pipelinerun/pipelinerun.go, getTaskrunAnnotations
	one("tekton.dev", "metadata.annotations", "TaskRun", "PipelineRun", "Task", "Pipeline"),
	// kubeflow/spark-operator api/v1beta2/sparkapplication_types.go, SparkPodSpec
	{"sparkoperator.k8s.io", []string{"SparkApplication"}, []string{"spec.driver.annotations", "spec.executor.annotations"}, ""},
	// cloudnative-pg/cloudnative-pg api/v1, GetFixedInheritedAnnotations
	one("postgresql.cnpg.io", "spec.inheritedMetadata.annotations", "Cluster"),
	// zalando/postgres-operator pkg/cluster/k8sres.go, generatePodAnnotations
	one("acid.zalan.do", "spec.podAnnotations", "postgresql"),
	// VictoriaMetrics/operator api/operator/v1beta1/vmagent_types.go
	one("operator.victoriametrics.com", "spec.podMetadata.annotations", "VMAgent"),
}

// IsSilent reports whether nothing in objects of a type makes pods.
func IsSilent(t object.Type) bool {
	group := object.Group(t.APIVersion)
	return t.APIVersion == "builtin" || // kustomize's own transformers
		group == "apps" && t.Kind == "ControllerRevision" || // what there was
		group == "apps.kruise.io" && t.Kind == "SidecarSet" || // its containers join the pods of others
		slices.ContainsFunc(silent, func(g string) bool {
			return g == group || strings.HasPrefix(g, ".") && strings.HasSuffix(group, g)
		})
}

// IsTold reports whether objects of a type make pods, or may, though they show no
// template.
func IsTold(t object.Type) bool {
	return len(PodAnnotations(t)) > 0 || slices.ContainsFunc(rendered, func(l later) bool { return l.is(t) })
}

func (l later) is(t object.Type) bool {
	return l.kind == t.Kind && l.group == object.Group(t.APIVersion)
}

// RenderedBy says who renders a chart that an object names, "" where it names none.
func RenderedBy(t object.Type, o node.Value) string {
	for _, l := range rendered {
		if l.is(t) && (l.charts == nil || l.charts(o)) {
			return l.by
		}
	}
	return ""
}

// PodAnnotations gives the paths to the annotations of the pods that are made of an
// object without a template; nil where none are known.
func PodAnnotations(t object.Type) [][]string {
	m, _ := makerOf(t)
	paths := make([][]string, len(m.annotations))
	for i, path := range m.annotations {
		paths[i] = strings.Split(path, ".")
	}
	return paths
}

// OwnMetadata gives the metadata for pods of their own that parts of such an object
// have; of parts that make pods.
func OwnMetadata(t object.Type, o node.Value) []node.Value {
	var all []node.Value
	m, is := makerOf(t)
	if !is || m.each == "" {
		return nil
	}
	for _, part := range o.Below(strings.Split(m.each, ".")...).Items() {
		if !part.Entry("steps").Exists() && !part.Entry("dag").Exists() {
			all = append(all, part.Entry("metadata"))
		}
	}
	return all
}

func makerOf(t object.Type) (maker, bool) {
	i := slices.IndexFunc(makers, func(m maker) bool {
		return m.group == object.Group(t.APIVersion) && slices.Contains(m.kinds, t.Kind)
	})
	if i < 0 {
		return maker{}, false
	}
	return makers[i], true
}
