package kinds

const kServe = Checkout("kserve/kserve@aaac4e294dae2c7b1aa1886447793f3aa1c30912")

// component is a part of an InferenceService, in which annotations stand beside the
// fields of a pod's spec.
func component(name string) Template {
	t := annotated("spec."+name+".annotations", "spec."+name).with("spec."+name+".initContainers", "spec."+name+".imagePullSecrets")
	t.Over = at("metadata.annotations")
	return t
}

func kServeKinds() []Kind {
	return []Kind{
		{Group: "serving.kserve.io", Kind: "InferenceService", Short: "isvc", Templates: []Template{component("predictor"), component("transformer"), component("explainer")}, AnnotationsOnly: true, Sources: []Source{
			kServe.at("pkg/apis/serving/v1beta1/predictor.go", "78-86", "a component has the fields of a pod's spec, which need not have containers"),
			kServe.at("pkg/apis/serving/v1beta1/component.go", "122-128", "and labels and annotations beside them"),
			kServe.at("pkg/controller/v1beta1/inferenceservice/components/predictor.go", "501-522", "the pods have the annotations of the ServingRuntime, over them those of the InferenceService, over them those of the component"),
			kServe.at("pkg/controller/v1beta1/inferenceservice/components/transformer.go", "101-122", "so it is for the transformer"),
			kServe.at("pkg/controller/v1beta1/inferenceservice/components/explainer.go", "98-119", "so it is for the explainer"),
			kServe.at("pkg/controller/v1beta1/inferenceservice/utils/utils.go", "267-298", "the init containers are the component's alone; the operator's, which load the model, go to the end"),
			kServe.at("config/configmap/inferenceservice.yaml", "745-745", "by default the pods are made by Knative, which refuses init containers"),
		}},
	}
}
