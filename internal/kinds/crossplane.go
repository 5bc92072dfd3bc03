package kinds

const crossplane = Checkout("crossplane/crossplane@2d040d2daf4e001799c4154a4a09b9e1f40d7fde")

func crossplaneKinds() []Kind {
	return []Kind{
		{Group: "pkg.crossplane.io", Kind: "DeploymentRuntimeConfig", Templates: whole("spec.deploymentTemplate.spec.template"), Sources: []Source{
			crossplane.at("apis/pkg/v1beta1/deployment_runtime_config_types.go", "46-55", "the template has the spec of a Deployment"),
			crossplane.at("internal/controller/pkg/runtime/runtime_defaults.go", "43-66", "the Deployment of a provider or function has a copy of it"),
			crossplane.at("internal/controller/pkg/runtime/runtime.go", "282-324", "and beside it the container of the package"),
		}},
	}
}
