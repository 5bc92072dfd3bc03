package kinds

const (
	spotahomeAt = Checkout("spotahome/redis-operator@632aa3da88ee2a28ccb9fc4f571ddcb556dbd713")
	opstreeAt   = Checkout("OT-CONTAINER-KIT/redis-operator@5dd04e17419a9a32bd0d220fc9dae5dffbf4f39a")
	dragonflyAt = Checkout("dragonflydb/dragonfly-operator@b28637d78d828f80a3b3fd76acaa2dd6e3c28603")
)

// opstree is a kind of OT-CONTAINER-KIT, whose pods get the object's own annotations.
func opstree(kind, file, lines string) Kind {
	return Kind{
		Group: "redis.redis.opstreelabs.in", Kind: kind,
		Templates: []Template{annotated("metadata.annotations", "metadata")},
		Sources: []Source{
			opstreeAt.at("internal/k8sutils/labels.go", "100-124", "the object's own annotations, but for kubectl's and those of ignoreAnnotations"),
			opstreeAt.at("internal/k8sutils/"+file, lines, "hands them to the StatefulSet"),
			opstreeAt.at("internal/k8sutils/statefulset.go", "314-344", "puts them on the pods"),
			opstreeAt.at("api/common/v1beta2/common_types.go", "268-279", "initContainer is one mapping, in which there is no place for a second one"),
		},
	}
}

func (k Kind) served(plural string) Kind {
	k.Plural = plural
	return k
}

func redis() []Kind {
	return []Kind{
		{
			// The operator makes sentinels where the object says nothing of them.
			Group: "databases.spotahome.com", Kind: "RedisFailover", Short: "rf",
			Templates: []Template{
				annotated("spec.redis.podAnnotations", "spec").with("spec.redis.initContainers", "spec.redis.imagePullSecrets"),
				annotated("spec.sentinel.podAnnotations", "spec").with("spec.sentinel.initContainers", "spec.sentinel.imagePullSecrets"),
			},
			Sources: []Source{
				spotahomeAt.at("operator/redisfailover/service/generator.go", "366-373", "Redis: takes all podAnnotations"),
				spotahomeAt.at("operator/redisfailover/service/generator.go", "494-497", "Redis: the operator has no init containers"),
				spotahomeAt.at("operator/redisfailover/service/generator.go", "533-580", "Sentinel: takes all podAnnotations; an init container that copies a file comes first"),
				spotahomeAt.at("operator/redisfailover/service/generator.go", "663-665", "Sentinel: those of the object come behind it"),
			},
		},
		opstree("Redis", "redis-standalone.go", "86-95").served("redis"),
		opstree("RedisCluster", "redis-cluster.go", "320-345"),
		opstree("RedisReplication", "redis-replication.go", "83-93"),
		opstree("RedisSentinel", "redis-sentinel.go", "63-77"),
		{
			// podMetadata is newer, so that an older API would drop what is written there.
			Group: "dragonflydb.io", Kind: "Dragonfly", Plural: "dragonflies",
			Templates: []Template{annotated("spec.annotations", "spec").with("spec.initContainers", "spec.imagePullSecrets")},
			Sources: []Source{
				dragonflyAt.at("internal/resources/resources.go", "446-457", "takes all annotations, then those of podMetadata"),
				dragonflyAt.at("internal/resources/resources.go", "270-272", "takes the init containers, and has none of its own"),
			},
		},
	}
}
