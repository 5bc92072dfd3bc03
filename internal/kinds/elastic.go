package kinds

const eckAt = Checkout("elastic/cloud-on-k8s@7b93383d8ec1569ba99bdf9e59ad70a813fe99f8")

// onECK gives what all of Elastic's kinds do with a template, and what one does.
func onECK(path, lines, says string) []Source {
	return []Source{
		eckAt.at("pkg/controller/common/defaults/pod_template.go", "55-109", "the template is the base, and what it lacks is added: containers, labels, annotations"),
		eckAt.at("pkg/controller/common/defaults/pod_template.go", "354-392", "the operator's init containers come before those of the template"),
		eckAt.at(path, lines, says),
	}
}

func elastic() []Kind {
	return []Kind{
		{
			Group: "elasticsearch.k8s.elastic.co", Kind: "Elasticsearch", Short: "es", Plural: "elasticsearches",
			Templates: []Template{joined("spec.nodeSets[*].podTemplate", "spec.nodeSets[*]")},
			Sources:   onECK("pkg/controller/elasticsearch/nodespec/podspec.go", "96-150", "takes the template of each node set"),
		},
		{
			Group: "kibana.k8s.elastic.co", Kind: "Kibana", Short: "kb",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/kibana/pod.go", "149-216", "takes spec.podTemplate"),
		},
		{
			Group: "logstash.k8s.elastic.co", Kind: "Logstash", Short: "ls", Plural: "logstashes",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/logstash/pod.go", "64-128", "takes spec.podTemplate"),
		},
		{
			Group: "beat.k8s.elastic.co", Kind: "Beat",
			Templates: []Template{
				joined("spec.daemonSet.podTemplate", "spec.daemonSet"),
				joined("spec.deployment.podTemplate", "spec.deployment"),
			},
			Sources: onECK("pkg/controller/beat/common/pod.go", "82-239", "takes the template of the daemonSet, else of the deployment"),
		},
		{
			Group: "agent.k8s.elastic.co", Kind: "Agent",
			Templates: []Template{
				joined("spec.daemonSet.podTemplate", "spec.daemonSet"),
				joined("spec.deployment.podTemplate", "spec.deployment"),
				joined("spec.statefulSet.podTemplate", "spec.statefulSet"),
			},
			Sources: onECK("pkg/controller/agent/driver.go", "78-88", "takes the template of the daemonSet, the statefulSet or the deployment"),
		},
		{
			Group: "apm.k8s.elastic.co", Kind: "ApmServer",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/apmserver/pod.go", "101-173", "takes spec.podTemplate"),
		},
		{
			Group: "enterprisesearch.k8s.elastic.co", Kind: "EnterpriseSearch", Short: "ent", Plural: "enterprisesearches",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/enterprisesearch/pod.go", "56-91", "takes spec.podTemplate"),
		},
		{
			Group: "maps.k8s.elastic.co", Kind: "ElasticMapsServer", Short: "ems",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/maps/pod.go", "61-128", "takes spec.podTemplate"),
		},
		{
			Group: "packageregistry.k8s.elastic.co", Kind: "PackageRegistry", Short: "epr", Plural: "packageregistries",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/packageregistry/pod.go", "69-132", "takes spec.podTemplate"),
		},
		{
			Group: "autoops.k8s.elastic.co", Kind: "AutoOpsAgentPolicy", Short: "aop", Plural: "autoopsagentpolicies",
			Templates: []Template{joined("spec.podTemplate", "spec")},
			Sources:   onECK("pkg/controller/autoops/expected.go", "111-159", "takes spec.podTemplate"),
		},
	}
}
