package kinds

const (
	kubeVirt = Checkout("kubevirt/kubevirt@d923fdb815cd2016ddaebdaaa51db04133576d72")
	istio    = Checkout("istio/istio@86c9f01fd735fb01d8192f5bcaf0d424afb7f14c")
	tekton   = Checkout("tektoncd/pipeline@3ee1745ae5b2d9175b11917d7c1935eaad44910c")
)

const (
	aGuest = "what the guest of a virtual machine dials comes from an interface of its own, where the mesh's rules look at no excluded port, and its pod takes no init container"
	aTask  = "Tekton gives its pods all annotations of the object itself, and no init container but its own"
)

var guestSources = []Source{
	kubeVirt.at("pkg/virt-controller/services/template.go", "1547-1583", "the pod has the annotations of the VirtualMachineInstance"),
	kubeVirt.at("pkg/virt-controller/services/template.go", "640-656", "its init containers are KubeVirt's"),
	kubeVirt.at("pkg/network/pod/annotations/generator.go", "83-88", "and, with masquerade, the annotation that names the guest's interface"),
	istio.at("tools/istio-iptables/pkg/capture/run.go", "158-182", "all that comes from that interface is redirected in PREROUTING, before anything else"),
}

var taskSources = []Source{
	tekton.at("pkg/pod/pod.go", "506-511", "the pod has the annotations of the TaskRun"),
	tekton.at("pkg/pod/pod.go", "248-270", "its init containers are Tekton's"),
	tekton.at("pkg/apis/pipeline/pod/template.go", "36-151", "podTemplate has neither annotations nor init containers"),
	tekton.at("pkg/reconciler/taskrun/taskrun.go", "1319-1333", "the TaskRun takes those of its Task"),
	tekton.at("pkg/reconciler/pipelinerun/pipelinerun.go", "1903-1917", "and those of its PipelineRun"),
	tekton.at("pkg/reconciler/pipelinerun/pipelinerun.go", "1975-1976", "which takes those of its Pipeline"),
}

// left are kinds that make pods and are left alone.
func left() []Kind {
	return []Kind{
		{Group: "kubevirt.io", Kind: "VirtualMachine", Short: "vm", Left: aGuest, Sources: guestSources},
		{Group: "kubevirt.io", Kind: "VirtualMachineInstance", Short: "vmi", Left: aGuest, Sources: guestSources},
		{Group: "kubevirt.io", Kind: "VirtualMachineInstanceReplicaSet", Short: "vmirs", Left: aGuest, Sources: guestSources},
		{Group: "tekton.dev", Kind: "Task", Left: aTask, Sources: taskSources},
		{Group: "tekton.dev", Kind: "Pipeline", Left: aTask, Sources: taskSources},
		{Group: "tekton.dev", Kind: "TaskRun", Short: "tr", Left: aTask, Sources: taskSources},
		{Group: "tekton.dev", Kind: "PipelineRun", Short: "pr", Left: aTask, Sources: taskSources},
	}
}
