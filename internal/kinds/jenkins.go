package kinds

const jenkinsOperator = Checkout("jenkinsci/kubernetes-operator@ce17cbd36bde99a6bb2fcc0ec95312aebfdeb801")

func jenkinsKinds() []Kind {
	return []Kind{
		{Group: "jenkins.io", Kind: "Jenkins", Plural: "jenkins", Templates: []Template{annotated("spec.master.annotations", "spec.master")}, Sources: []Source{
			jenkinsOperator.at("api/v1alpha2/jenkins_types.go", "265-273", "annotations and labels, and no init containers; a change makes the pod anew"),
			jenkinsOperator.at("pkg/configuration/base/resources/pod.go", "366-395", "the pod has the annotations"),
			jenkinsOperator.at("pkg/configuration/base/pod.go", "85-89", "which are compared with those of the pod that runs"),
		}},
	}
}
