package kinds

import "github.com/krm-bypass/krm-bypass/internal/each"

const (
	mongodbAt    = Checkout("mongodb/mongodb-kubernetes-operator@f6a53c96128e3e998f4c274964876206ce409305")
	psmdbAt      = Checkout("percona/percona-server-mongodb-operator@b15af50030bfc5558813b86b160e87fd304a409c")
	pxcAt        = Checkout("percona/percona-xtradb-cluster-operator@b3b0b10a7c2af9e7f8c61a1810fb51a10a12c631")
	clickHouseAt = Checkout("Altinity/clickhouse-operator@50e8d0490678185f290336acbdfbf9534d60367d")
	cassandraAt  = Checkout("k8ssandra/cass-operator@d56972905e8b67502578bdbd832a09e653fa8e16")
	k8ssandraAt  = Checkout("k8ssandra/k8ssandra-operator@9e3d1b51d2171ea9ee84edf53d6dfa1c98fa8525")
	solrAt       = Checkout("apache/solr-operator@ed5c5c7d28a4c1189d19f581259e05385c0d4b20")
	scyllaAt     = Checkout("scylladb/scylla-operator@adefed4ef914e8b856a52bc638e2e61e9d3e15d6")
	minioAt      = Checkout("minio/operator@0ee2c254677e2173e630b07bf93b90517d8d09b9")
)

// perconaParts are parts of Percona's objects, each with annotations for its pods, over
// those of the object, if it has any.
func perconaParts(over string, parts ...string) []Template {
	return each.As(parts, func(part string) Template { return annotated(part+".annotations", part).above(over) })
}

// clickHouse is a kind of Altinity's, whose pods follow the templates that the object names.
func clickHouse(group, kind, short string, more ...Source) Kind {
	return Kind{
		Group: group, Kind: kind, Short: short,
		// An object that has no template gets the operator's own.
		Templates: []Template{joined("spec.templates.podTemplates[*]", "spec.templates.podTemplates[*]")},
		Sources: append([]Source{
			clickHouseAt.at("pkg/apis/clickhouse.altinity.com/v1/type_templates.go", "51-59", "each item has metadata and a pod's spec, which the API takes as they are"),
			clickHouseAt.at("pkg/model/common/creator/pod_template.go", "27-47", "a host takes the template that it names"),
			clickHouseAt.at("pkg/model/common/creator/stateful-set.go", "90-111", "annotations and spec are copied, init containers with them; the operator adds none"),
		}, more...),
	}
}

func databases() []Kind {
	return []Kind{
		{
			Group: "mongodbcommunity.mongodb.com", Kind: "MongoDBCommunity", Short: "mdbc", Plural: "mongodbcommunity",
			Shuffles:  "sorts init containers by name",
			Templates: []Template{joined("spec.statefulSet.spec.template", "spec")},
			Sources: []Source{
				mongodbAt.at("api/v1/mongodbcommunity_types.go", "349-356", "statefulSet.spec is taken as it is"),
				mongodbAt.at("pkg/util/merge/merge_podtemplate_spec.go", "10-17", "annotations, containers and init containers are joined with the operator's"),
				mongodbAt.at("pkg/util/merge/merge.go", "54-82", "init containers are sorted by name: krm-bypass-init comes before the operator's, which copy files, and behind those whose names come before it; krm-bypass-close would come before both, so forInitContainers is refused"),
			},
		},
		{
			Group: "psmdb.percona.com", Kind: "PerconaServerMongoDB", Short: "psmdb",
			Templates: perconaParts("", "spec.replsets[*]", "spec.replsets[*].arbiter", "spec.replsets[*].nonvoting", "spec.replsets[*].hidden",
				"spec.sharding.mongos", "spec.sharding.configsvrReplSet"),
			Sources: []Source{
				psmdbAt.at("pkg/apis/psmdb/v1/psmdb_types.go", "525-534", "annotations are of each part"),
				psmdbAt.at("pkg/psmdb/statefulset.go", "118-150", "those of the replica set, its arbiter, its non-voting and its hidden members"),
				psmdbAt.at("pkg/psmdb/statefulset.go", "301-507", "puts them on the pods; the init containers are the operator's own"),
				psmdbAt.at("pkg/psmdb/mongos.go", "92-119", "the same for mongos"),
			},
		},
		{
			Group: "pxc.percona.com", Kind: "PerconaXtraDBCluster", Short: "pxc",
			Templates: perconaParts("", "spec.pxc", "spec.haproxy", "spec.proxysql"),
			Sources: []Source{
				pxcAt.at("pkg/apis/pxc/v1/pxc_types.go", "561-573", "annotations are of each part"),
				pxcAt.at("pkg/pxc/statefulset.go", "99-150", "puts them on the pods; the init containers are the operator's own"),
			},
		},
		clickHouse("clickhouse.altinity.com", "ClickHouseInstallation", "chi",
			clickHouseAt.at("pkg/model/chi/creator/container.go", "93-104", "a template without ClickHouse's container gets one")),
		clickHouse("clickhouse-keeper.altinity.com", "ClickHouseKeeperInstallation", "chk",
			clickHouseAt.at("pkg/model/chk/creator/container.go", "80-91", "a template without Keeper's container gets one")),
		{
			Group: "cassandra.datastax.com", Kind: "CassandraDatacenter", Short: "cassdc", HostNetwork: at("spec.networking.hostNetwork"),
			Templates: []Template{listed("spec.podTemplateSpec", "spec")},
			Sources: []Source{
				cassandraAt.at("apis/cassandra/v1beta1/cassandradatacenter_types.go", "247-248", "podTemplateSpec is a whole template, in which containers are required"),
				cassandraAt.at("pkg/reconciliation/construct_podtemplatespec.go", "918-1000", "the template is the base, and the operator's containers join it"),
				cassandraAt.at("pkg/reconciliation/construct_podtemplatespec.go", "936-939", "networking.hostNetwork is for all pods"),
				cassandraAt.at("pkg/reconciliation/construct_podtemplatespec.go", "579-602", "the operator's init containers come behind those of the template; with a read-only file system, one that copies files comes before"),
			},
		},
		{
			Group: "k8ssandra.io", Kind: "K8ssandraCluster", Short: "k8c", HostNetwork: at("spec.cassandra.networking.hostNetwork"),
			Templates: []Template{annotated("spec.cassandra.metadata.pods.annotations", "spec.cassandra").with("spec.cassandra.initContainers", "")},
			Sources: []Source{
				k8ssandraAt.at("apis/k8ssandra/v1alpha1/k8ssandracluster_types.go", "420-432", "init containers that are not the operator's come before its own, if they stand first"),
				k8ssandraAt.at("pkg/cassandra/datacenter.go", "342-400", "what spec.cassandra says is for all datacenters, and joins what one of them says"),
				k8ssandraAt.at("pkg/cassandra/datacenter.go", "371-371", "networking.hostNetwork is one of these"),
				k8ssandraAt.at("pkg/cassandra/datacenter.go", "463-470", "the annotations of metadata.pods go to the pods' template"),
			},
		},
		{
			Group: "solr.apache.org", Kind: "SolrCloud", Short: "solr",
			Templates: []Template{annotated("spec.customSolrKubeOptions.podOptions.annotations", "spec").with("spec.customSolrKubeOptions.podOptions.initContainers", "spec.customSolrKubeOptions.podOptions.imagePullSecrets")},
			Sources: []Source{
				solrAt.at("controllers/util/solr_util.go", "124-145", "takes all annotations"),
				solrAt.at("controllers/util/solr_util.go", "460-465", "takes the init containers, behind the operator's own"),
				solrAt.at("controllers/util/solr_util.go", "1270-1326", "before them setup-zk may dial ZooKeeper"),
			},
		},
		{
			Group: "solr.apache.org", Kind: "SolrPrometheusExporter", Short: "solrmetrics",
			Templates: []Template{annotated("spec.customKubeOptions.podOptions.annotations", "spec").with("spec.customKubeOptions.podOptions.initContainers", "spec.customKubeOptions.podOptions.imagePullSecrets")},
			Sources: []Source{
				solrAt.at("controllers/util/prometheus_exporter_util.go", "74-79", "takes all annotations"),
				solrAt.at("controllers/util/prometheus_exporter_util.go", "258-265", "takes the init containers, and puts none before them"),
			},
		},
		{
			// What a pool says comes on top of poolsMetadata.
			Group: "minio.min.io", Kind: "Tenant",
			Templates: []Template{
				annotated("spec.poolsMetadata.annotations", "spec").with("spec.initContainers", ""),
				annotated("spec.kes.annotations", "spec.kes"),
			},
			Sources: []Source{
				minioAt.at("pkg/resources/statefulsets/minio-statefulset.go", "63-77", "the annotations of poolsMetadata, then of the pool"),
				minioAt.at("pkg/resources/statefulsets/minio-statefulset.go", "636-693", "the init containers come behind validate-arguments"),
				minioAt.at("sidecar/pkg/validator/validator.go", "38-75", "which reads the Tenant from the API server"),
				minioAt.at("pkg/resources/statefulsets/kes-statefulset.go", "53-56", "KES: takes all annotations, and no init containers"),
			},
		},
		{
			Group: "scylla.scylladb.com", Kind: "ScyllaCluster",
			Templates: []Template{annotated("spec.podMetadata.annotations", "spec")},
			Sources: []Source{
				scyllaAt.at("pkg/controller/scyllacluster/migrate.go", "31-39", "makes a ScyllaDBDatacenter with its podMetadata"),
				scyllaAt.at("pkg/controller/scylladbdatacenter/resource.go", "426-434", "which takes all annotations"),
				scyllaAt.at("pkg/controller/scylladbdatacenter/resource.go", "531-531", "the init containers are the operator's own"),
			},
		},
	}
}
