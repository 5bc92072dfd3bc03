package kinds

// Strimzi takes annotations and labels of its templates, and has no place for init
// containers. It refuses an object in which one of them begins with strimzi.io/.
const (
	strimziAt = Checkout("strimzi/strimzi-kafka-operator@8541da1e336bdcda9647aeacfbc2048e57580a52")
	// Strimzi 0.45, the last one with ZooKeeper.
	zookeeperAt = Checkout("strimzi/strimzi-kafka-operator@c72ec9c883792128d32813983fba2ee03959fb6d")
	// Strimzi 0.45, the last one with the first MirrorMaker.
	mirrorMakerAt = Checkout("strimzi/strimzi-kafka-operator@4aa2d4b52d896acb3067df890e479ccca314a392")
)

const (
	strimziModel = "cluster-operator/src/main/java/io/strimzi/operator/cluster/model/"
	strimziPods  = "the annotations of the template join those of the pods, whose init containers are the operator's own"
)

// stateful are Strimzi's own sources on pods of a StrimziPodSet, deployed on those of a Deployment.
var (
	strimziStateful = []Source{
		strimziAt.at(strimziModel+"WorkloadUtils.java", "246-301", strimziPods+"; a new annotation changes the pod's revision, and the pods are replaced"),
		strimziAt.at("operator-common/src/main/java/io/strimzi/operator/common/Util.java", "152-190", "a key of a template that begins with strimzi.io/ is refused"),
	}
	strimziDeployed = []Source{strimziAt.at(strimziModel+"WorkloadUtils.java", "322-361", strimziPods)}
)

func strimzi() []Kind {
	return []Kind{
		{
			Group: "kafka.strimzi.io", Kind: "Kafka",
			Templates: []Template{
				annotated("spec.kafka.template.pod.metadata.annotations", "spec.kafka"),
				annotated("spec.zookeeper.template.pod.metadata.annotations", "spec.zookeeper"),
				annotated("spec.entityOperator.template.pod.metadata.annotations", "spec.entityOperator"),
				annotated("spec.cruiseControl.template.pod.metadata.annotations", "spec.cruiseControl"),
				annotated("spec.kafkaExporter.template.pod.metadata.annotations", "spec.kafkaExporter"),
			},
			Sources: append(strimziStateful,
				strimziAt.at(strimziModel+"KafkaPool.java", "206-230", "a node pool takes the template of the Kafka, or its own in its stead"),
				strimziAt.at(strimziModel+"EntityOperator.java", "202-225", "takes spec.entityOperator.template.pod"),
				strimziAt.at(strimziModel+"CruiseControl.java", "390-410", "takes spec.cruiseControl.template.pod"),
				strimziAt.at(strimziModel+"KafkaExporter.java", "198-217", "takes spec.kafkaExporter.template.pod"),
				zookeeperAt.at(strimziModel+"ZookeeperCluster.java", "405-433", "takes spec.zookeeper.template.pod"),
			),
		},
		{
			Group: "kafka.strimzi.io", Kind: "KafkaNodePool", Short: "knp",
			// A template that is made here would stand instead of the one of the Kafka, with
			// all that it says.
			Templates: []Template{annotated("spec.template.pod.metadata.annotations", "spec.template.pod")},
			Sources: append(strimziStateful,
				strimziAt.at(strimziModel+"KafkaPool.java", "206-230", "its pod template stands instead of the whole one of the Kafka")),
		},
		{
			Group: "kafka.strimzi.io", Kind: "KafkaConnect", Short: "kc",
			Templates: []Template{
				annotated("spec.template.pod.metadata.annotations", "spec"),
				// There is no build without spec.build, and none of these pods on OpenShift.
				annotated("spec.template.buildPod.metadata.annotations", "spec.template.buildPod"),
			},
			Sources: append(strimziStateful,
				strimziAt.at(strimziModel+"KafkaConnectCluster.java", "512-540", "takes spec.template.pod"),
				strimziAt.at(strimziModel+"KafkaConnectBuild.java", "272-290", "takes spec.template.buildPod")),
		},
		{
			Group: "kafka.strimzi.io", Kind: "KafkaMirrorMaker2", Short: "kmm2",
			Templates: []Template{annotated("spec.template.pod.metadata.annotations", "spec")},
			Sources: append(strimziStateful,
				strimziAt.at(strimziModel+"KafkaMirrorMaker2Cluster.java", "136-158", "makes a KafkaConnect, with its template")),
		},
		{
			Group: "kafka.strimzi.io", Kind: "KafkaMirrorMaker", Short: "kmm",
			Templates: []Template{annotated("spec.template.pod.metadata.annotations", "spec")},
			Sources:   []Source{mirrorMakerAt.at(strimziModel+"KafkaMirrorMakerCluster.java", "285-305", strimziPods)},
		},
		{
			Group: "kafka.strimzi.io", Kind: "KafkaBridge",
			Templates: []Template{annotated("spec.template.pod.metadata.annotations", "spec")},
			Sources: append(strimziDeployed,
				strimziAt.at(strimziModel+"KafkaBridgeCluster.java", "395-416", "takes spec.template.pod")),
		},
		{
			Group: "core.strimzi.io", Kind: "StrimziPodSet", Short: "sps",
			Left: "Strimzi makes it of a Kafka, a KafkaConnect or a KafkaMirrorMaker2, and of what is written there",
			Sources: []Source{
				strimziAt.at(strimziModel+"WorkloadUtils.java", "107-137", "each reconciliation makes the set anew, and the pods in it whole"),
			},
		},
	}
}
