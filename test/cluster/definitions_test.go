package cluster

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
	"github.com/krm-bypass/krm-bypass/test/lab"
)

// borrowed are the files in which operators define their kinds. sketches have what
// no Go module does.
var borrowed = []lab.Borrowed{
	{
		Module: "github.com/actions/actions-runner-controller", Version: "v0.27.6", Sum: "h1:Uklv1+6+/BQuhV6HoXIgPZrnAW9/HWo3j9O7IcnzGXU=",
		Package: "config/crd/bases",
		Files: []string{
			"actions.github.com_autoscalingrunnersets.yaml", "actions.github.com_ephemeralrunners.yaml", "actions.github.com_ephemeralrunnersets.yaml",
			"actions.summerwind.dev_runnerdeployments.yaml", "actions.summerwind.dev_runnerreplicasets.yaml", "actions.summerwind.dev_runners.yaml",
			"actions.summerwind.dev_runnersets.yaml",
		},
	},
	{
		Module: "github.com/apache/solr-operator", Version: "v0.9.0", Sum: "h1:lLl7Q7yxshKblMEeK3IdhcUo00rYzLjx3Da6/Q0ypFQ=",
		Package: "config/crd/bases", Files: []string{"solr.apache.org_solrclouds.yaml", "solr.apache.org_solrprometheusexporters.yaml"},
	},
	{
		Module: "github.com/argoproj/argo-events", Version: "v1.9.0", Sum: "h1:uq6Ns+aGALESUH4xzSj5CLkhKkjgbcopM16WZ27SUBU=",
		Package: "manifests/base/crds", Files: []string{"argoproj.io_eventbus.yaml", "argoproj.io_eventsources.yaml", "argoproj.io_sensors.yaml"},
	},
	{
		Module: "github.com/argoproj/argo-rollouts", Version: "v1.10.2", Sum: "h1:sEPWsY+HUvnXj3Vh0ejb+GDTceQ/palqhFo2FVQJMk0=",
		Package: "manifests/crds", Files: []string{"rollout-crd.yaml", "experiment-crd.yaml"},
	},
	{
		Module: "github.com/argoproj/argo-workflows/v3", Version: "v3.7.3", Sum: "h1:b0o03RTLXIL7lQunDEvLoDTeI5TbfXe2obGaItvvifk=",
		Package: "manifests/base/crds/full",
		Files: []string{
			"argoproj.io_clusterworkflowtemplates.yaml", "argoproj.io_cronworkflows.yaml", "argoproj.io_workflows.yaml", "argoproj.io_workflowtemplates.yaml",
		},
	},
	{
		Module: "github.com/cloudnative-pg/cloudnative-pg", Version: "v1.25.0", Sum: "h1:VWqj9Hfme4rIdTZm9/SLQN97WMTXPMvZRqEs2n3tIec=",
		Package: "config/crd/bases", Files: []string{"postgresql.cnpg.io_clusters.yaml", "postgresql.cnpg.io_poolers.yaml"},
	},
	{
		Module: "github.com/crossplane/crossplane", Version: "v1.20.0", Sum: "h1:Wr3+/CilaMbRQ7u4e+m4XBmoARahBpENIYClGzIXpS8=",
		Package: "cluster/crds", Files: []string{"pkg.crossplane.io_deploymentruntimeconfigs.yaml"},
	},
	{
		Module: "github.com/elastic/cloud-on-k8s/v3", Version: "v3.5.0", Sum: "h1:sR4oj+gNnwI9hgsKhBwjUlx+5F2T/kND40hrzaogtek=",
		Package: "config/crds/v1", Files: []string{"all-crds.yaml"},
	},
	{
		Module: "github.com/fluent/fluent-operator/v3", Version: "v3.3.0", Sum: "h1:zBtt8IOVSyTiywnmom3V2byqIi2ZXMCCKBUx/4bnFBk=",
		Package: "config/crd/bases", Files: []string{"fluentbit.fluent.io_collectors.yaml", "fluentbit.fluent.io_fluentbits.yaml", "fluentd.fluent.io_fluentds.yaml"},
	},
	{
		Module: "github.com/grafana/grafana-operator/v5", Version: "v5.16.0", Sum: "h1:AdKB5aL8RP1kwbZwObRW9OgtXYZbb0mgF43OXUq6iqk=",
		Package: "config/crd/bases", Files: []string{"grafana.integreatly.org_grafanas.yaml"},
	},
	{
		Module: "github.com/jaegertracing/jaeger-operator", Version: "v1.65.0", Sum: "h1:y8rgdUAjmYZECLKZbhzzByZQz87ms/PHZqL/QY9ywIE=",
		Package: "config/crd/bases", Files: []string{"jaegertracing.io_jaegers.yaml"},
	},
	{
		Module: "github.com/jenkinsci/kubernetes-operator", Version: "v0.8.1", Sum: "h1:AiKWq0ix/mQz7v1r06AUi8jkekQlHp9ChlC0caXYNRg=",
		Package: "config/crd/bases", Files: []string{"jenkins.io_jenkins.yaml"},
	},
	{
		Module: "github.com/k8ssandra/cass-operator", Version: "v1.23.0", Sum: "h1:1870oko++z920dkoT7PbQjWtgAUsdSeJpywJEdrvD8I=",
		Package: "config/crd/bases", Files: []string{"cassandra.datastax.com_cassandradatacenters.yaml"},
	},
	{
		Module: "github.com/kedacore/keda/v2", Version: "v2.21.0", Sum: "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
		Package: "config/crd/bases", Files: []string{"keda.sh_scaledjobs.yaml"},
	},
	{
		Module: "github.com/kserve/kserve", Version: "v0.15.0", Sum: "h1:TK6lN8XVIzc/5KQ76GULEKYiJ2obkTRRI3Z2Iwuld5Y=",
		Package: "config/crd/full", Files: []string{"serving.kserve.io_inferenceservices.yaml", "serving.kserve.io_servingruntimes.yaml", "serving.kserve.io_clusterservingruntimes.yaml"},
	},
	{
		Module: "github.com/kubeflow/mpi-operator", Version: "v0.6.0", Sum: "h1:RzzG03oyQIiHe/SH2k19N+Hp4QkxEsG2l9G1T7US+ys=",
		Package: "manifests/base", Files: []string{"kubeflow.org_mpijobs.yaml"},
	},
	{
		Module: "github.com/kubeflow/spark-operator/v2", Version: "v2.3.0", Sum: "h1:cYN/331gwkdZ0S/ai72JQoUv7UK52O2OQOWFpl8XhPc=",
		Package: "config/crd/bases", Files: []string{"sparkoperator.k8s.io_scheduledsparkapplications.yaml", "sparkoperator.k8s.io_sparkapplications.yaml"},
	},
	{
		Module: "github.com/kubeflow/trainer/v2", Version: "v2.0.0", Sum: "h1:mnQSR9iPKItxyUR8mq66XsmxqKNVHwr9YYOB7BTU9dU=",
		Package: "manifests/base/crds",
		Files:   []string{"trainer.kubeflow.org_clustertrainingruntimes.yaml", "trainer.kubeflow.org_trainingruntimes.yaml", "trainer.kubeflow.org_trainjobs.yaml"},
	},
	{
		Module: "github.com/kubeflow/training-operator", Version: "v1.9.0", Sum: "h1:L+ep5YQT1Pq62O3VjW6G+IRQw+NpFlPRJJj8TgydBhQ=",
		Package: "manifests/base/crds",
		Files: []string{
			"kubeflow.org_jaxjobs.yaml", "kubeflow.org_paddlejobs.yaml", "kubeflow.org_pytorchjobs.yaml", "kubeflow.org_tfjobs.yaml",
			"kubeflow.org_xgboostjobs.yaml",
		},
	},
	{
		Module: "github.com/mariadb-operator/mariadb-operator", Version: "v0.38.1", Sum: "h1:UQF7cNxMTSCmxuHIhhnMGsnc5e7S9iT7w7h8zmSUu1o=",
		Package: "config/crd/bases", Files: []string{"k8s.mariadb.com_mariadbs.yaml", "k8s.mariadb.com_maxscales.yaml"},
	},
	{
		Module: "github.com/mongodb/mongodb-kubernetes-operator", Version: "v0.9.0", Sum: "h1:1SBmpQznWVbUgzi+ScNCNv6z5pLBwsSe4DUDKxHzFwc=",
		Package: "config/crd/bases", Files: []string{"mongodbcommunity.mongodb.com_mongodbcommunity.yaml"},
	},
	{
		Module: "github.com/open-telemetry/opentelemetry-operator", Version: "v0.120.0", Sum: "h1:SZt2tPr9DrDtWacsXgD+48PktdTMu/8mdiBUQFfRIok=",
		Package: "config/crd/bases", Files: []string{"opentelemetry.io_opentelemetrycollectors.yaml", "opentelemetry.io_targetallocators.yaml"},
	},
	{
		Module: "github.com/openkruise/kruise", Version: "v1.7.0", Sum: "h1:B+6nd6GNEL6+L4wqPE7UunmpC5ki4vm+oe2MExJmq3w=",
		Package: "config/crd/bases",
		Files: []string{
			"apps.kruise.io_advancedcronjobs.yaml", "apps.kruise.io_broadcastjobs.yaml", "apps.kruise.io_clonesets.yaml", "apps.kruise.io_daemonsets.yaml",
			"apps.kruise.io_statefulsets.yaml", "apps.kruise.io_uniteddeployments.yaml",
		},
	},
	{
		Module: "github.com/percona/percona-server-mongodb-operator", Version: "v1.19.0", Sum: "h1:X67Vx2jDYhSzyVfQZBKiVIjV3MICpyMLmon/m7y8tUo=",
		Package: "config/crd/bases", Files: []string{"psmdb.percona.com_perconaservermongodbs.yaml"},
	},
	{
		Module: "github.com/percona/percona-xtradb-cluster-operator", Version: "v1.17.0", Sum: "h1:TJSWG/C78jthN48NMW5ys5LOPU59lhTzVxtozUNkgqY=",
		Package: "config/crd/bases", Files: []string{"pxc.percona.com_perconaxtradbclusters.yaml"},
	},
	{
		Module: "github.com/pingcap/tidb-operator", Version: "v1.6.0", Sum: "h1:KG6yF8UfNt9EDoBeXniUkCNeOzsQjvLSNdbPLwSCOMQ=",
		Package: "manifests/crd/v1", Files: []string{"pingcap.com_tidbclusters.yaml"},
	},
	{
		Module: "github.com/pravega/zookeeper-operator", Version: "v0.2.15", Sum: "h1:u7m8S3DFKDcLLk6aSBUFxhJb22HL0IAYE8qxycd4Bdo=",
		Package: "config/crd/bases", Files: []string{"zookeeper.pravega.io_zookeeperclusters.yaml"},
	},
	{
		Module: "github.com/prometheus-operator/prometheus-operator", Version: "v0.85.0", Sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
		Package: "example/prometheus-operator-crd",
		Files: []string{
			"monitoring.coreos.com_alertmanagers.yaml", "monitoring.coreos.com_prometheusagents.yaml", "monitoring.coreos.com_prometheuses.yaml",
			"monitoring.coreos.com_thanosrulers.yaml",
		},
	},
	{
		Module: "github.com/rabbitmq/cluster-operator/v2", Version: "v2.9.0", Sum: "h1:n0K+0Iun/Jr9nqEbBAMW4j9uOhDBKdBaiNO5ZvWsFKI=",
		Package: "config/crd/bases", Files: []string{"rabbitmq.com_rabbitmqclusters.yaml"},
	},
	{
		Module: "github.com/ray-project/kuberay/ray-operator", Version: "v1.6.1", Sum: "h1:IMtV0QW8AxGp4/CbPLd/olXBBxpUNQQr1n4Mu59khl4=",
		Package: "config/crd/bases", Files: []string{"ray.io_rayclusters.yaml", "ray.io_raycronjobs.yaml", "ray.io_rayjobs.yaml", "ray.io_rayservices.yaml"},
	},
	{
		Module: "github.com/scylladb/scylla-operator", Version: "v1.17.0", Sum: "h1:0OMEcSHat2uSYUlKoP82HhKNhgrdh3Ti//I1qyz3Dhs=",
		Package: "pkg/api/scylla/v1", Files: []string{"scylla.scylladb.com_scyllaclusters.yaml"},
	},
	{
		Module: "github.com/spotahome/redis-operator", Version: "v1.2.4", Sum: "h1:H5koLVJOhxNuuqO90OmJNJOCKzO01VJdZDepsjjgZUs=",
		Package: "manifests", Files: []string{"databases.spotahome.com_redisfailovers.yaml"},
	},
	{
		Module: "github.com/VictoriaMetrics/operator", Version: "v0.74.1", Sum: "h1:NyGPEt1HlrwpF9zSqdcrrBaxI2uUfndNppOCmlDrZhc=",
		Package: "config/crd/overlay", Files: []string{"crd.yaml"},
	},
	{
		Module: "github.com/zalando/postgres-operator", Version: "v1.14.0", Sum: "h1:C8+n26C8v6fPB1SNW+Y8X6oQoEHufzGJXJzYPlix+zw=",
		Package: "manifests", Files: []string{"postgresql.crd.yaml"},
	},
	{
		Module: "knative.dev/eventing", Version: "v0.44.0", Sum: "h1:AGH9wp6Vp0LNRXWnJ4oIVURUNOBsq5/xNm95ZsxZBFs=",
		Package: "config/core/resources", Files: []string{"containersource.yaml"},
	},
	{
		Module: "knative.dev/serving", Version: "v0.44.0", Sum: "h1:c6TXhoSAI6eXt0/1ET3C69jMWYA4ES9FskSan/fBaac=",
		Package: "config/core/300-resources", Files: []string{"configuration.yaml", "service.yaml"},
	},
	{
		Module: "sigs.k8s.io/jobset", Version: "v0.8.0", Sum: "h1:80cJcPld+IMdKFOqzEW4et3Y6lGAPcP8YmBZ+aiKGYA=",
		Package: "config/components/crd/bases", Files: []string{"jobset.x-k8s.io_jobsets.yaml"},
	},
	{
		Module: "sigs.k8s.io/lws", Version: "v0.6.0", Sum: "h1:qHvhm54daBzL1S/+e8bafp7BKRC3jhrqY+EgpDGf41o=",
		Package: "config/crd/bases", Files: []string{"leaderworkerset.x-k8s.io_leaderworkersets.yaml"},
	},
	{
		Module: "volcano.sh/volcano", Version: "v1.15.0", Sum: "h1:dW8hW/FPDqwcJ1GxGfpR/9qToH1t3+ySn+oaiEMfpm4=",
		Package: "config/crd", Files: []string{
			"volcano/bases/batch.volcano.sh_cronjobs.yaml", "volcano/bases/batch.volcano.sh_jobs.yaml", "jobflow/bases/flow.volcano.sh_jobtemplates.yaml",
		},
	},
}

// sketch is a definition written down from its source as far as it concerns pods, of a
// kind that no Go module defines.
type sketch struct {
	group, version, kind, plural string
	// closed lead to fields beside which the operator's definition has none of another
	// name, nor below the slash. What stands above it takes anything.
	closed []string
}

var sketches = []sketch{
	// strimzi/strimzi-kafka-operator packaging/install/cluster-operator at 8541da1e336b,
	// where the version is v1; spec.zookeeper and KafkaMirrorMaker at 4aa2d4b52d89.
	{"kafka.strimzi.io", "v1beta2", "Kafka", "kafkas", []string{
		"spec.kafka/template.pod.metadata", "spec.zookeeper/template.pod.metadata", "spec.entityOperator/template.pod.metadata",
		"spec.cruiseControl/template.pod.metadata", "spec.kafkaExporter/template.pod.metadata",
	}},
	{"kafka.strimzi.io", "v1", "KafkaBridge", "kafkabridges", []string{"spec/template.pod.metadata"}},
	{"kafka.strimzi.io", "v1", "KafkaConnect", "kafkaconnects", []string{"spec/template.pod.metadata", "spec/template.buildPod.metadata"}},
	{"kafka.strimzi.io", "v1beta2", "KafkaMirrorMaker", "kafkamirrormakers", []string{"spec/template.pod.metadata"}},
	{"kafka.strimzi.io", "v1", "KafkaMirrorMaker2", "kafkamirrormaker2s", []string{"spec/template.pod.metadata"}},
	{"kafka.strimzi.io", "v1", "KafkaNodePool", "kafkanodepools", []string{"spec/template.pod.metadata"}},
	// OT-CONTAINER-KIT/redis-operator config/crd/bases at 5dd04e17419a: there is nothing
	// of pods' metadata in spec.
	{"redis.redis.opstreelabs.in", "v1beta2", "Redis", "redis", []string{"spec/kubernetesConfig"}},
	{"redis.redis.opstreelabs.in", "v1beta2", "RedisCluster", "redisclusters", []string{"spec/kubernetesConfig"}},
	{"redis.redis.opstreelabs.in", "v1beta2", "RedisReplication", "redisreplications", []string{"spec/kubernetesConfig"}},
	{"redis.redis.opstreelabs.in", "v1beta2", "RedisSentinel", "redissentinels", []string{"spec/kubernetesConfig"}},
	// CrunchyData/postgres-operator config/crd/bases at 0fbac3062d64.
	{"postgres-operator.crunchydata.com", "v1beta1", "PGAdmin", "pgadmins", []string{"spec/metadata"}},
	{"postgres-operator.crunchydata.com", "v1beta1", "PostgresCluster", "postgresclusters", []string{
		"spec/metadata", "spec.instances[*]/metadata", "spec.backups.pgbackrest/metadata", "spec.proxy.pgBouncer/metadata", "spec.userInterface.pgAdmin/metadata",
	}},
	// Altinity/clickhouse-operator deploy/helm/clickhouse-operator/crds at 50e8d0490678,
	// which takes anything in the metadata and the spec of a template.
	{"clickhouse.altinity.com", "v1", "ClickHouseInstallation", "clickhouseinstallations", []string{"spec.templates.podTemplates[*].metadata/", "spec.templates.podTemplates[*].spec/"}},
	{"clickhouse-keeper.altinity.com", "v1", "ClickHouseKeeperInstallation", "clickhousekeeperinstallations", []string{
		"spec.templates.podTemplates[*].metadata/", "spec.templates.podTemplates[*].spec/",
	}},
	// k8ssandra/k8ssandra-operator config/crd/bases at 9e3d1b51d217.
	{"k8ssandra.io", "v1alpha1", "K8ssandraCluster", "k8ssandraclusters", []string{"spec.cassandra/metadata.pods", "spec.cassandra/initContainers"}},
	// minio/operator resources/base/crds at 0ee2c254677e.
	{"minio.min.io", "v2", "Tenant", "tenants", []string{"spec/poolsMetadata", "spec/initContainers", "spec.kes/annotations"}},
	// kubeflow/notebooks components/notebook-controller/api/v1/notebook_types.go at
	// 177b09865626.
	{"kubeflow.org", "v1", "Notebook", "notebooks", []string{"spec/template.spec"}},
	// keycloak/keycloak-k8s-resources kubernetes at 9c69c96a2164.
	{"k8s.keycloak.org", "v2alpha1", "Keycloak", "keycloaks", []string{"spec.unsupported/podTemplate", "spec/imagePullSecrets"}},
	// kubeflow/katib manifests/v1beta1/components/crd/experiment.yaml, which takes anything.
	{"kubeflow.org", "v1beta1", "Experiment", "experiments", []string{"spec/"}},
	// apache/flink-kubernetes-operator helm/flink-kubernetes-operator/crds at 6e9caeb48118.
	{"flink.apache.org", "v1beta1", "FlinkDeployment", "flinkdeployments", []string{
		"spec/podTemplate", "spec.jobManager/podTemplate", "spec.taskManager/podTemplate",
	}},
	{"flink.apache.org", "v1beta1", "FlinkBlueGreenDeployment", "flinkbluegreendeployments", []string{
		"spec.template.spec/podTemplate", "spec.template.spec.jobManager/podTemplate", "spec.template.spec.taskManager/podTemplate",
	}},
	// googleforgames/agones install/helm/agones/templates/crds at b19d5fe780b0.
	{"agones.dev", "v1", "Fleet", "fleets", []string{"spec.template.spec/template"}},
	{"agones.dev", "v1", "GameServer", "gameservers", []string{"spec/template"}},
	{"agones.dev", "v1", "GameServerSet", "gameserversets", []string{"spec.template.spec/template"}},
	// opensearch-project/opensearch-k8s-operator opensearch-operator/config/crd/bases at
	// ef6502ab2712.
	{"opensearch.opster.io", "v1", "OpenSearchCluster", "opensearchclusters", openSearch},
	{"opensearch.org", "v1", "OpenSearchCluster", "opensearchclusters", openSearch},
	// percona/percona-server-mysql-operator config/crd/bases at 9adfefaacaaf.
	{"ps.percona.com", "v1", "PerconaServerMySQL", "perconaservermysqls", []string{"spec.mysql/annotations", "spec.proxy.haproxy/annotations", "spec.proxy.router/annotations"}},
	// percona/percona-postgresql-operator config/crd/bases at adafb34ff17c.
	{"pgv2.percona.com", "v2", "PerconaPGCluster", "perconapgclusters", []string{
		"spec.instances[*]/metadata", "spec.instances[*]/initContainers", "spec.proxy.pgBouncer/metadata", "spec.backups.pgbackrest/metadata",
	}},
	// mysql/mysql-operator deploy/deploy-crds.yaml at aec777a1f91d.
	{"mysql.oracle.com", "v2", "InnoDBCluster", "innodbclusters", []string{"spec/podAnnotations", "spec.router/podAnnotations"}},
	// dragonflydb/dragonfly-operator config/crd/bases at b28637d78d82.
	{"dragonflydb.io", "v1alpha1", "Dragonfly", "dragonflies", []string{"spec/annotations", "spec/initContainers"}},
	// openshift/api apps/v1/types.go, DeploymentConfigSpec, of which the server there has
	// no definition: it serves the kind itself.
	{"apps.openshift.io", "v1", "DeploymentConfig", "deploymentconfigs", []string{"spec/template"}},
}

var openSearch = []string{
	"spec.nodePools[*]/annotations", "spec.nodePools[*]/initContainers", "spec.bootstrap/annotations", "spec.bootstrap/initContainers", "spec.dashboards/annotations",
}

// definition writes the sketch out, with a whole pod template from elsewhere.
func (s sketch) definition(whole map[string]any) controlplane.Object {
	texts := map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
	metadata := map[string]any{"type": "object", "properties": map[string]any{"labels": texts, "annotations": texts}}
	spec := below(whole, "properties", "spec")
	anyPod := maps.Clone(spec) // in which there need not be a container
	delete(anyPod, "required")
	leaves := map[string]any{
		"metadata": metadata, "pods": metadata, "poolsMetadata": metadata, "annotations": texts, "podAnnotations": texts,
		"template": whole, "spec": spec, "initContainers": below(spec, "properties", "initContainers"), "imagePullSecrets": below(spec, "properties", "imagePullSecrets"),
		"podTemplate":      map[string]any{"type": "object", "properties": map[string]any{"metadata": metadata, "spec": anyPod}},
		"kubernetesConfig": map[string]any{"type": "object", "properties": map[string]any{"image": map[string]any{"type": "string"}}},
	}
	schema := map[string]any{"type": "object"}
	for _, path := range s.closed {
		above, under, _ := strings.Cut(path, "/")
		at := schema
		for key := range strings.SplitSeq(above, ".") {
			key, isList := strings.CutSuffix(key, "[*]")
			if at = below(at, "properties", key); isList {
				at["type"], at = "array", below(at, "items")
			}
			at["type"], at["x-kubernetes-preserve-unknown-fields"] = "object", true
		}
		keys := strings.Split(under, ".")
		if under == "" {
			continue
		}
		for _, key := range keys[:len(keys)-1] {
			at = below(at, "properties", key)
			at["type"] = "object"
		}
		below(at, "properties")[keys[len(keys)-1]] = leaves[keys[len(keys)-1]]
	}
	return controlplane.Object{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": s.plural + "." + s.group},
		"spec": map[string]any{
			"group": s.group, "scope": "Namespaced", "names": map[string]any{"kind": s.kind, "plural": s.plural},
			"versions": []any{map[string]any{"name": s.version, "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": schema}}},
		},
	}
}

// definitionsOf gives the definitions of the kinds of objects, in their versions.
func definitionsOf(t *testing.T, of map[groupKind][]controlplane.Object) map[groupKind]controlplane.Object {
	t.Helper()
	texts := make([][][]byte, len(borrowed))
	var all sync.WaitGroup
	for i, b := range borrowed {
		all.Go(func() {
			contents, err := b.Contents(repository)
			assert.NoError(t, err)
			texts[i] = slices.Collect(maps.Values(contents))
		})
	}
	all.Wait()
	found := map[groupKind]controlplane.Object{}
	for _, text := range slices.Concat(texts...) {
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			// Most of a file is a schema, which takes its time to decode.
			group, kind := groupOfDefinition.FindSubmatch(document), kindOfDefinition.FindSubmatch(document)
			if group == nil || kind == nil || of[groupKind{string(group[1]), string(kind[1])}] == nil {
				continue
			}
			objects, err := decode(string(document))
			require.NoError(t, err)
			key := groupKind{objects[0].Text("spec", "group"), objects[0].Text("spec", "names", "kind")}
			assert.Nil(t, found[key], "%v is defined twice", key)
			found[key] = pared(objects[0], of[key])
		}
	}
	// What a Rollout has of a template is what the others have.
	whole := schemaAt(t, found[groupKind{"argoproj.io", "Rollout"}], "spec", "template")
	for _, s := range sketches {
		if key := (groupKind{s.group, s.kind}); of[key] != nil {
			assert.Nil(t, found[key], "%v needs no sketch", key)
			found[key] = s.definition(whole)
		}
	}
	return found
}

// schemaAt gives a part of a definition's schema.
func schemaAt(t *testing.T, definition controlplane.Object, keys ...string) map[string]any {
	t.Helper()
	versions, _ := definition.Field("spec", "versions").([]any)
	require.NotEmpty(t, versions)
	at := below(versions[0].(map[string]any), "schema", "openAPIV3Schema")
	for _, key := range keys {
		at = below(at, "properties", key)
	}
	require.NotEmpty(t, at)
	return at
}

var (
	groupOfDefinition = regexp.MustCompile(`(?m)^  group: (\S+)$`)
	kindOfDefinition  = regexp.MustCompile(`(?m)^    kind: (\S+)$`)
)

// pared gives a definition as far as it judges these objects: with their versions alone,
// and of the fields only those that one of them has. Else the server would take
// gigabytes for what is in them of pods.
func pared(definition controlplane.Object, objects []controlplane.Object) controlplane.Object {
	spec := below(definition, "spec")
	delete(spec, "conversion")
	all, _ := spec["versions"].([]any)
	var kept []any
	for _, version := range all {
		version := version.(map[string]any)
		var values []any
		for _, object := range objects {
			if _, of := typeOf(object); of == version["name"] {
				values = append(values, map[string]any(object))
			}
		}
		if values != nil {
			pare(below(version, "schema", "openAPIV3Schema"), values, "")
			kept = append(kept, map[string]any{"name": version["name"], "served": true, "storage": len(kept) == 0, "schema": version["schema"]})
		}
	}
	spec["versions"] = kept
	return controlplane.Object{
		"apiVersion": definition["apiVersion"], "kind": definition["kind"], "spec": spec,
		"metadata": map[string]any{
			"name": definition.Text("metadata", "name"), "annotations": definition.Field("metadata", "annotations"),
		},
	}
}

// pare takes out of a schema what it says of fields that none of the values has, and
// what it says to people. What rules and defaults name stays whole.
func pare(schema map[string]any, values []any, named string) {
	delete(schema, "description")
	for _, key := range []string{"x-kubernetes-validations", "x-kubernetes-list-map-keys", "default", "allOf", "anyOf", "oneOf", "not"} {
		if schema[key] != nil {
			named += fmt.Sprint(schema[key])
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		if property.(map[string]any)["default"] != nil || strings.Contains(named, name) {
			continue
		}
		var under []any
		for _, value := range values {
			if fields, isMap := value.(map[string]any); isMap && fields[name] != nil {
				under = append(under, fields[name])
			}
		}
		if under == nil {
			delete(properties, name)
			continue
		}
		pare(property.(map[string]any), under, named)
	}
	var under []any
	for _, value := range values {
		switch value := value.(type) {
		case []any:
			under = append(under, value...)
		case map[string]any:
			under = slices.AppendSeq(under, maps.Values(value))
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if of, isSchema := schema[key].(map[string]any); isSchema {
			pare(of, under, named)
		}
	}
}

// install puts definitions into the server, in place of those that take any object. They
// stay: prepare would put such ones in their place again.
func install(t *testing.T, of map[groupKind]controlplane.Object) {
	t.Helper()
	for _, method := range []string{http.MethodDelete, http.MethodGet} { // all of them first, and then waiting
		for key, definition := range of {
			require.Eventually(t, func() bool {
				_, err := server.Request(t.Context(), method, definitions+"/"+definition.Text("metadata", "name"), nil)
				return method == http.MethodDelete && err == nil || refused(err, http.StatusNotFound)
			}, time.Minute, 50*time.Millisecond, "%v is gone", key)
		}
	}
	for key, definition := range of {
		_, err := server.Request(t.Context(), http.MethodPost, definitions, definition)
		if !assert.NoError(t, err, "%v", key) {
			delete(of, key)
		}
	}
	for key, definition := range of {
		for _, version := range definition.Field("spec", "versions").([]any) {
			awaitServed(t, key, controlplane.Object(version.(map[string]any)).Text("name"))
		}
	}
}
