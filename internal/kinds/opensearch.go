package kinds

const openSearchAt = Checkout("opensearch-project/opensearch-k8s-operator@ef6502ab27126e7a695a9983f7a3caef0532dfe7")

// openSearch is the same kind in the group of old and in that of new.
func openSearch(group string) Kind {
	return Kind{
		// The pod that bootstraps is made for a new cluster alone.
		Group: group, Kind: "OpenSearchCluster", Short: "os", HostNetwork: at("spec.general.hostNetwork"),
		Templates: []Template{
			annotated("spec.nodePools[*].annotations", "spec.nodePools[*]").with("spec.nodePools[*].initContainers", ""),
			annotated("spec.bootstrap.annotations", "spec").with("spec.bootstrap.initContainers", ""),
			annotated("spec.dashboards.annotations", "spec.dashboards"),
		},
		Sources: []Source{
			openSearchAt.at("opensearch-operator/pkg/builders/cluster.go", "198-201", "takes all annotations of the node pool"),
			openSearchAt.at("opensearch-operator/pkg/builders/cluster.go", "407-411", "takes the init containers of the node pool first"),
			openSearchAt.at("opensearch-operator/pkg/builders/cluster.go", "660-672", "the operator's own comes behind them"),
			openSearchAt.at("opensearch-operator/pkg/builders/cluster.go", "622-633", "general.hostNetwork is for all pods"),
			openSearchAt.at("opensearch-operator/pkg/builders/cluster.go", "1000-1003", "the same for the pod that bootstraps"),
			openSearchAt.at("opensearch-operator/pkg/builders/cluster.go", "1131-1138", "whose annotations are those of bootstrap"),
			openSearchAt.at("opensearch-operator/pkg/builders/dashboards.go", "86-89", "dashboards: takes all annotations, and has no init containers"),
		},
	}
}

func openSearches() []Kind {
	return []Kind{openSearch("opensearch.opster.io"), openSearch("opensearch.org")}
}
