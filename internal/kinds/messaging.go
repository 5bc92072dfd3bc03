package kinds

const (
	rabbitAt    = Checkout("rabbitmq/cluster-operator@06cda8e8e1a927a652dda20a1b169fe7667f4916")
	zooKeeperAt = Checkout("pravega/zookeeper-operator@462635bcc436dc9da7573119693743068ec3394d")
)

func messaging() []Kind {
	return []Kind{
		{
			// The operator takes capabilities and the right to run as root from the init
			// containers of an override, so that ours would fail, and no pod start. An object
			// need have no spec.
			Group: "rabbitmq.com", Kind: "RabbitmqCluster", Short: "rmq",
			Templates: []Template{annotated("spec.override.statefulSet.spec.template.metadata.annotations", "")},
			Sources: []Source{
				rabbitAt.at("internal/resource/statefulset.go", "204-217", "the override's metadata and spec are patched into the StatefulSet"),
				rabbitAt.at("internal/resource/statefulset.go", "1281-1295", "all annotations are taken"),
				rabbitAt.at("internal/resource/statefulset.go", "226-295", "init containers lose added capabilities, user 0 and runAsNonRoot false"),
			},
		},
		{
			Group: "zookeeper.pravega.io", Kind: "ZookeeperCluster", Short: "zk",
			Templates: []Template{annotated("spec.pod.annotations", "spec").with("spec.initContainers", "spec.pod.imagePullSecrets")},
			Sources: []Source{
				zooKeeperAt.at("pkg/zk/generators.go", "101-101", "takes all annotations"),
				zooKeeperAt.at("pkg/zk/generators.go", "188-190", "takes the init containers, and has none of its own"),
			},
		},
	}
}
