package kinds

const (
	cnpgAt    = Checkout("cloudnative-pg/cloudnative-pg@a95a534dbe0854495b863bbc1b7651f74d310916")
	zalandoAt = Checkout("zalando/postgres-operator@a7aaad0a0b9517bb46077f2925eb80ae8ebe1a0c")
	crunchyAt = Checkout("CrunchyData/postgres-operator@0fbac3062d649b2b5fadde4e00f17bad250c0052")
)

func postgres() []Kind {
	return []Kind{
		{
			Group: "postgresql.cnpg.io", Kind: "Cluster",
			Templates: []Template{annotated("spec.inheritedMetadata.annotations", "spec")}, NextStart: true,
			Sources: []Source{
				cnpgAt.at("api/v1/cluster_funcs.go", "674-687", "all annotations of inheritedMetadata are for every object of the cluster: Services, Secrets and volumes too"),
				cnpgAt.at("internal/controller/cluster_create.go", "1372-1383", "the Jobs and their pods get them"),
				cnpgAt.at("internal/controller/cluster_create.go", "1734-1737", "the pods get them when they are created; the only init container is the operator's"),
				cnpgAt.at("pkg/reconciler/instance/metadata.go", "85-127", "pods that run get new annotations in place, without a restart: a sidecar does not read them before the next one"),
			},
		},
		{
			Group: "postgresql.cnpg.io", Kind: "Pooler",
			Templates: []Template{listed("spec.template", "spec")},
			Sources: []Source{
				cnpgAt.at("api/v1/pooler_types.go", "176-200", "the template has metadata and a whole spec, in which containers are required"),
				cnpgAt.at("pkg/specs/pgbouncer/deployments.go", "56-174", "the template is the base, its annotations go to the pods"),
				cnpgAt.at("pkg/podspec/builder.go", "289-303", "the operator's init container comes behind those of the template"),
			},
		},
		{
			// PostgreSQL's own pods get both. The connection pooler's and the backup's get the
			// annotations, and have no init containers.
			Group: "acid.zalan.do", Kind: "postgresql", Short: "pg",
			Templates: []Template{annotated("spec.podAnnotations", "spec").with("spec.initContainers", "")}, NextStart: true, ButContainer: true,
			Sources: []Source{
				zalandoAt.at("pkg/cluster/k8sres.go", "1610-1626", "copies all annotations"),
				zalandoAt.at("pkg/cluster/k8sres.go", "1335-1343", "takes the init containers, and puts none before them; name and image are required"),
				zalandoAt.at("pkg/cluster/resources.go", "96-100", "refuses them where the operator's enable_init_containers is off; it is on by default"),
				zalandoAt.at("pkg/cluster/connection_pooler.go", "461-475", "the connection pooler's pods get the annotations alone"),
				zalandoAt.at("pkg/cluster/cluster.go", "623-664", "an init container more or less replaces the pods; of one that is there the args are not compared"),
				zalandoAt.at("pkg/cluster/sync.go", "626-650", "without that, pods that run get changed annotations in place: a sidecar does not read them before the next start"),
			},
		},
		{
			Group: "postgres-operator.crunchydata.com", Kind: "PostgresCluster",
			Templates: []Template{
				annotated("spec.instances[*].metadata.annotations", "spec.instances[*]").above("spec.metadata.annotations"),
				annotated("spec.backups.pgbackrest.metadata.annotations", "spec.backups.pgbackrest").above("spec.metadata.annotations"),
				annotated("spec.proxy.pgBouncer.metadata.annotations", "spec.proxy.pgBouncer").above("spec.metadata.annotations"),
				annotated("spec.userInterface.pgAdmin.metadata.annotations", "spec.userInterface.pgAdmin").above("spec.metadata.annotations"),
			},
			Sources: []Source{
				crunchyAt.at("internal/controller/postgrescluster/instance.go", "1288-1294", "PostgreSQL: the annotations of the cluster, then of the instance"),
				crunchyAt.at("internal/controller/postgrescluster/instance.go", "1314-1318", "the operator deletes pods to make them anew"),
				crunchyAt.at("internal/postgres/reconcile.go", "284-292", "the init containers are the operator's own"),
				crunchyAt.at("internal/controller/postgrescluster/pgbackrest.go", "574-612", "pgBackRest: the annotations of the cluster, then of pgbackrest"),
				crunchyAt.at("internal/controller/postgrescluster/pgbouncer.go", "420-426", "PgBouncer: the annotations of the cluster, then of pgBouncer"),
				crunchyAt.at("internal/controller/postgrescluster/pgadmin.go", "267-273", "pgAdmin: the annotations of the cluster, then of pgAdmin"),
			},
		},
		{
			Group: "postgres-operator.crunchydata.com", Kind: "PGAdmin",
			Templates: []Template{annotated("spec.metadata.annotations", "spec")},
			Sources: []Source{
				crunchyAt.at("internal/controller/standalone_pgadmin/statefulset.go", "80-85", "copies all annotations"),
				crunchyAt.at("internal/controller/standalone_pgadmin/pod.go", "185-185", "the only init container is the operator's"),
			},
		},
	}
}
