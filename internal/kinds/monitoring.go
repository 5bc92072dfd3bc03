package kinds

import (
	"strings"
)

const (
	prometheusAt = Checkout("prometheus-operator/prometheus-operator@6adcebc5076c34f4f55f8f5f7b1e528929373ac7")
	victoriaAt   = Checkout("VictoriaMetrics/operator@d0d258c86b5aed0df47dd2b3c52c5a97e40e6b48")
)

// podMetadata are templates of which the operator takes podMetadata, init containers and
// pull secrets, side by side at a place.
func podMetadata(places ...string) []Template {
	all := make([]Template, len(places))
	for i, place := range places {
		needs := strings.TrimSuffix(place, ".spec")
		all[i] = annotated(place+".podMetadata.annotations", needs).with(place+".initContainers", place+".imagePullSecrets")
	}
	return all
}

// reloaderFirst says what stands before the init containers of an object.
var reloaderFirst = []Source{
	prometheusAt.at("pkg/k8s/merge.go", "25-80", "init containers come after the operator's init-config-reloader, in their order; one of its name is a patch of it"),
	prometheusAt.at("pkg/operator/config_reloader.go", "226-382", "as an init container the reloader writes the configuration once, from a file"),
}

func prometheus() []Kind {
	return []Kind{
		{
			Group: "monitoring.coreos.com", Kind: "Prometheus", Short: "prom", Plural: "prometheuses", Templates: podMetadata("spec"),
			Sources: append(reloaderFirst,
				prometheusAt.at("pkg/prometheus/promcfg.go", "1345-1362", "copies all annotations of podMetadata"),
				prometheusAt.at("pkg/prometheus/server/statefulset.go", "306-393", "puts them and the init containers into the StatefulSet")),
		},
		{
			Group: "monitoring.coreos.com", Kind: "PrometheusAgent", Short: "promagent", Templates: podMetadata("spec"),
			Sources: append(reloaderFirst,
				prometheusAt.at("pkg/prometheus/promcfg.go", "1345-1362", "copies all annotations of podMetadata"),
				prometheusAt.at("pkg/prometheus/agent/statefulset.go", "192-277", "puts them and the init containers into the StatefulSet"),
				prometheusAt.at("pkg/prometheus/agent/daemonset.go", "119-206", "puts them and the init containers into the DaemonSet")),
		},
		{
			Group: "monitoring.coreos.com", Kind: "Alertmanager", Short: "am", Templates: podMetadata("spec"),
			Sources: append(reloaderFirst,
				prometheusAt.at("pkg/alertmanager/statefulset.go", "407-409", "copies all annotations of podMetadata"),
				prometheusAt.at("pkg/alertmanager/statefulset.go", "774-821", "puts the init containers into the StatefulSet")),
		},
		{
			Group: "monitoring.coreos.com", Kind: "ThanosRuler", Short: "ruler", Templates: podMetadata("spec"),
			Sources: []Source{
				prometheusAt.at("pkg/thanos/statefulset.go", "418-423", "copies all annotations of podMetadata"),
				prometheusAt.at("pkg/thanos/statefulset.go", "510-522", "puts the init containers into the StatefulSet, and none before them"),
			},
		},
	}
}

const victoriaFactory = "internal/controller/operator/factory/"

// onVictoria gives what all kinds of VictoriaMetrics do, and where one does it.
func onVictoria(path, lines, says string) []Source {
	return []Source{
		victoriaAt.at("api/operator/v1beta1/vmextra_types.go", "1457-1545", "initContainers and imagePullSecrets of all kinds"),
		victoriaAt.at("internal/controller/operator/factory/k8stools/client_utils.go", "33-82", "init containers come after the operator's own, in their order; one of the same name is a patch of it"),
		victoriaAt.at(victoriaFactory+path, lines, says),
	}
}

const (
	victoriaTakes    = "takes podMetadata.annotations and the init containers; the operator has none"
	victoriaReloads  = "takes podMetadata.annotations and the init containers; before them config-init may read a Secret from the API server"
	victoriaRestores = "takes podMetadata.annotations and the init containers; before them vmrestore fetches a backup, where the object asks for one"
)

func victoriaMetrics() []Kind {
	return []Kind{
		{
			Group: "operator.victoriametrics.com", Kind: "VMAgent", Templates: podMetadata("spec"),
			Sources: onVictoria("vmagent/vmagent.go", "439-813", victoriaReloads),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VMAlert", Templates: podMetadata("spec"),
			Sources: onVictoria("vmalert/vmalert.go", "337-416", "takes podMetadata.annotations and the init containers; before them its config reloader writes the rules"),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VMAlertmanager", Short: "vma", Templates: podMetadata("spec"),
			Sources: onVictoria("vmalertmanager/statefulset.go", "385-445", victoriaReloads),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VMAuth", Templates: podMetadata("spec"),
			Sources: onVictoria("vmauth/vmauth.go", "335-386", victoriaReloads),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VMSingle", Templates: podMetadata("spec"),
			Sources: onVictoria("vmsingle/vmsingle.go", "416-502", victoriaRestores+"; config-init may read a Secret from the API server"),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VMCluster",
			Templates: podMetadata("spec.vmselect", "spec.vminsert", "spec.vmstorage", "spec.requestsLoadBalancer.spec"),
			Sources: append(onVictoria("vmcluster/vmcluster.go", "1228-1273", "vmstorage: "+victoriaRestores),
				victoriaAt.at(victoriaFactory+"vmcluster/vmcluster.go", "759-767", "vmselect"),
				victoriaAt.at(victoriaFactory+"vmcluster/vmcluster.go", "983-991", "vminsert"),
				victoriaAt.at(victoriaFactory+"vmcluster/vmcluster.go", "1708-1716", "the load balancer, which is made with requestsLoadBalancer.enabled alone")),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VMAnomaly", Plural: "vmanomalies", Templates: podMetadata("spec"),
			Sources: append(onVictoria("vmanomaly/pod.go", "144-196", victoriaTakes),
				victoriaAt.at(victoriaFactory+"vmanomaly/statefulset.go", "170-178", "puts the annotations into the StatefulSet")),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VLSingle", Templates: podMetadata("spec"),
			Sources: onVictoria("vlsingle/vlsingle.go", "308-316", victoriaTakes),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VLAgent", Templates: podMetadata("spec"),
			Sources: append(onVictoria("vlagent/vlagent.go", "468-497", victoriaTakes),
				victoriaAt.at(victoriaFactory+"vlagent/vlagent.go", "216-252", "puts the annotations into the DaemonSet or the StatefulSet")),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VLCluster",
			Templates: podMetadata("spec.vlselect", "spec.vlinsert", "spec.vlstorage", "spec.requestsLoadBalancer.spec"),
			Sources: append(onVictoria("vlcluster/vlstorage.go", "353-379", "vlstorage: "+victoriaTakes),
				victoriaAt.at(victoriaFactory+"vlcluster/vlselect.go", "368-376", "vlselect"),
				victoriaAt.at(victoriaFactory+"vlcluster/vlinsert.go", "262-270", "vlinsert"),
				victoriaAt.at(victoriaFactory+"vlcluster/vmauth_lb.go", "260-268", "the load balancer, which is made with requestsLoadBalancer.enabled alone")),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VTSingle", Templates: podMetadata("spec"),
			Sources: onVictoria("vtsingle/vtsingle.go", "299-307", victoriaTakes),
		},
		{
			Group: "operator.victoriametrics.com", Kind: "VTCluster",
			Templates: podMetadata("spec.select", "spec.insert", "spec.storage", "spec.requestsLoadBalancer.spec"),
			Sources: append(onVictoria("vtcluster/storage.go", "347-373", "storage: "+victoriaTakes),
				victoriaAt.at(victoriaFactory+"vtcluster/select.go", "364-372", "select"),
				victoriaAt.at(victoriaFactory+"vtcluster/insert.go", "251-259", "insert"),
				victoriaAt.at(victoriaFactory+"vtcluster/vmauth_lb.go", "254-262", "the load balancer, which is made with requestsLoadBalancer.enabled alone")),
		},
	}
}
