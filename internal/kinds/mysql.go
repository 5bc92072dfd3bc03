package kinds

const (
	mariadbAt = Checkout("mariadb-operator/mariadb-operator@8970edf8368c74178e521f3dc2e9df4131888c77")
	innodbAt  = Checkout("mysql/mysql-operator@aec777a1f91d2c26c1d3470d97ec77899d73eadf")
	psAt      = Checkout("percona/percona-server-mysql-operator@9adfefaacaaf1613912a5dedb2a2dc607359e8de")
	// TiDB's operator 1; its second has other kinds.
	tidbAt = Checkout("pingcap/tidb-operator@0045b1213320553c79bb34c4c77dd03a074b1543")

	perconaPGAt = Checkout("percona/percona-postgresql-operator@adafb34ff17cb2df8b491d725cccdd46c0607d44")
)

// tidbParts are parts of a TidbCluster, which have the same fields.
func tidbParts(parts ...string) []Template {
	all := make([]Template, len(parts))
	for i, part := range parts {
		all[i] = annotated("spec."+part+".annotations", "spec."+part).with("spec."+part+".initContainers", "").above("spec.annotations")
	}
	return all
}

func mysql() []Kind {
	return []Kind{
		{
			// Its init containers have no securityContext of their own, so that ours would lack
			// the capabilities.
			Group: "k8s.mariadb.com", Kind: "MariaDB", Short: "mdb",
			Templates: []Template{annotated("spec.podMetadata.annotations", "spec").above("spec.inheritMetadata.annotations")},
			Sources: []Source{
				mariadbAt.at("pkg/builder/pod_builder.go", "210-225", "takes all annotations of inheritMetadata, then of podMetadata"),
				mariadbAt.at("api/v1alpha1/base_types.go", "172-206", "an init container has no securityContext, so that ours could not load rules"),
				mariadbAt.at("pkg/builder/container_builder.go", "290-313", "init containers of the object come first"),
			},
		},
		{
			Group: "k8s.mariadb.com", Kind: "MaxScale", Short: "mxs",
			Templates: []Template{annotated("spec.podMetadata.annotations", "spec").above("spec.inheritMetadata.annotations")},
			Sources: []Source{
				mariadbAt.at("pkg/builder/pod_builder.go", "268-278", "takes all annotations of inheritMetadata, then of podMetadata; there are no init containers"),
			},
		},
		{
			// podSpec could hold init containers, but what changes there later is not applied.
			Group: "mysql.oracle.com", Kind: "InnoDBCluster", Short: "ic",
			Templates: []Template{
				annotated("spec.podAnnotations", "spec"),
				annotated("spec.router.podAnnotations", "spec.router"),
			},
			Sources: []Source{
				innodbAt.at("mysqloperator/controller/innodbcluster/cluster_objects.py", "557-581", "takes all podAnnotations; init containers of podSpec come behind initconf, which reads from the API server"),
				innodbAt.at("mysqloperator/controller/innodbcluster/router_objects.py", "270-281", "the same for the routers"),
				innodbAt.at("mysqloperator/controller/innodbcluster/operator_cluster.py", "904-927", "a change of podAnnotations is applied to what runs, a change of podSpec is not: our init container would be in new clusters alone, with the settings of that day"),
			},
		},
		{
			// Pull secrets of a part would stand instead of those of the cluster.
			Group: "pingcap.com", Kind: "TidbCluster", Short: "tc", HostNetwork: at("spec.hostNetwork"),
			Templates: tidbParts("pd", "tidb", "tikv", "tiflash", "ticdc", "tiproxy", "pump"),
			Sources: []Source{
				tidbAt.at("pkg/apis/pingcap/v1alpha1/component_spec.go", "310-321", "the annotations of the cluster, then of the part"),
				tidbAt.at("pkg/apis/pingcap/v1alpha1/component_spec.go", "407-412", "a part has init containers"),
				tidbAt.at("pkg/apis/pingcap/v1alpha1/component_spec.go", "253-261", "spec.hostNetwork is for all parts that do not say it themselves"),
				tidbAt.at("pkg/manager/member/pd_member_manager.go", "832-860", "PD: they come behind one that sets sysctls, where there is one"),
				tidbAt.at("pkg/manager/member/tidb_member_manager.go", "1108-1150", "TiDB: they come behind those that set sysctls and copy files"),
				tidbAt.at("pkg/manager/member/tikv_member_manager.go", "746-784", "TiKV: they come behind those that set sysctls and copy files"),
				tidbAt.at("pkg/manager/member/tiflash_member_manager.go", "641-689", "TiFlash: they come behind those that set sysctls and copy files"),
				tidbAt.at("pkg/manager/member/ticdc_member_manager.go", "496-557", "TiCDC: none comes before them"),
				tidbAt.at("pkg/manager/member/tiproxy_member_manager.go", "553-582", "TiProxy: none comes before them"),
				tidbAt.at("pkg/manager/member/pump_member_manager.go", "372-510", "Pump: none comes before them"),
			},
		},
		{
			Group: "ps.percona.com", Kind: "PerconaServerMySQL", Short: "ps",
			Templates: perconaParts("spec.metadata.annotations", "spec.mysql", "spec.proxy.haproxy", "spec.proxy.router"),
			Sources: []Source{
				psAt.at("pkg/mysql/mysql.go", "177-184", "MySQL: takes all annotations"),
				psAt.at("pkg/haproxy/haproxy.go", "177-184", "HAProxy: takes all annotations"),
				psAt.at("pkg/router/router.go", "153-160", "the router: takes all annotations"),
				psAt.at("pkg/orchestrator/orchestrator.go", "138-144", "Orchestrator: takes none but those of spec.metadata, and gets nothing here"),
				psAt.at("api/v1/perconaservermysql_types.go", "323-356", "the init containers are the operator's own"),
			},
		},
		{
			Group: "pgv2.percona.com", Kind: "PerconaPGCluster", Short: "pg",
			Templates: []Template{
				annotated("spec.instances[*].metadata.annotations", "spec.instances[*]").with("spec.instances[*].initContainers", "").above("spec.metadata.annotations"),
				annotated("spec.proxy.pgBouncer.metadata.annotations", "spec.proxy.pgBouncer").above("spec.metadata.annotations"),
				annotated("spec.backups.pgbackrest.metadata.annotations", "spec.backups.pgbackrest").above("spec.metadata.annotations"),
			},
			Sources: []Source{
				perconaPGAt.at("pkg/apis/pgv2.percona.com/v2/perconapgcluster_types.go", "1536-1550", "an instance has metadata and init containers"),
				perconaPGAt.at("internal/controller/postgrescluster/instance.go", "1401-1412", "PostgreSQL: the annotations of the cluster, then of the instance"),
				perconaPGAt.at("internal/postgres/reconcile.go", "401-402", "the init containers of the instance come behind postgres-startup"),
				perconaPGAt.at("internal/patroni/reconcile.go", "148-164", "before both stands one that copies files"),
				perconaPGAt.at("internal/controller/postgrescluster/pgbouncer.go", "557-570", "PgBouncer: the annotations of the cluster, then of pgBouncer"),
				perconaPGAt.at("internal/controller/postgrescluster/pgbackrest.go", "640-680", "pgBackRest: the annotations of the cluster, then of pgbackrest"),
			},
		},
	}
}
