package kinds

const keycloakAt = Checkout("keycloak/keycloak@0064e060fc5da6a23ef37b261c98789f90d84d42")

const keycloakPods = "operator/src/main/java/org/keycloak/operator/controllers/KeycloakDeploymentDependentResource.java"

func keycloaks() []Kind {
	return []Kind{
		{
			Group: "k8s.keycloak.org", Kind: "Keycloak", Short: "kc",
			Templates: []Template{
				annotated("spec.unsupported.podTemplate.metadata.annotations", "spec").with("spec.unsupported.podTemplate.spec.initContainers", "spec.imagePullSecrets"),
			},
			Sources: []Source{
				keycloakAt.at(keycloakPods, "286-288", "takes unsupported.podTemplate"),
				keycloakAt.at(keycloakPods, "302-318", "the template is the base; its pull secrets are replaced by those of the object"),
				keycloakAt.at(keycloakPods, "333-336", "a template without containers gets one; the operator has no init containers"),
			},
		},
	}
}
