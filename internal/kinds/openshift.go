package kinds

const openshift = Checkout("openshift/openshift-controller-manager@26d20feae8892f648f5b06ed3f5492fe6ffb4532")

// The pods of a DeploymentConfig's lifecycle hooks and of its deployer are no pods of the
// template.
func openshiftKinds() []Kind {
	return []Kind{
		{Group: "apps.openshift.io", Kind: "DeploymentConfig", Short: "dc", Templates: whole("spec.template"), Sources: []Source{
			openshift.at("vendor/github.com/openshift/api/apps/v1/types.go", "88-90", "a whole pod template"),
			openshift.at("vendor/github.com/openshift/library-go/pkg/apps/appsutil/util.go", "94-187", "the ReplicationController has its annotations and its whole spec"),
			openshift.at("pkg/apps/deploymentconfig/deploymentconfig_controller.go", "658-668", "a change rolls out by itself with a trigger ConfigChange only"),
		}},
	}
}
