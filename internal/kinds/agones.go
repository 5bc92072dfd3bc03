package kinds

const agones = Checkout("googleforgames/agones@b19d5fe780b0d08f9e4cc0403c962acdcae199a8")

var agonesSources = []Source{
	agones.at("pkg/apis/agones/v1/gameserver.go", "215-235", "the spec of a GameServer has a whole pod template"),
	agones.at("pkg/apis/agones/v1/gameserver.go", "769-849", "the pod has its metadata and spec; with the feature SidecarContainers, the SDK's sidecar goes to the front of its init containers"),
}

func agonesKinds() []Kind {
	return []Kind{
		{Group: "agones.dev", Kind: "Fleet", Templates: whole("spec.template.spec.template"), Sources: append([]Source{
			agones.at("pkg/apis/agones/v1/fleet.go", "84-85", "the template is metadata and the spec of a GameServer"),
		}, agonesSources...)},
		{Group: "agones.dev", Kind: "GameServerSet", Templates: whole("spec.template.spec.template"), Sources: append([]Source{
			agones.at("pkg/apis/agones/v1/gameserverset.go", "81-82", "the template is metadata and the spec of a GameServer"),
		}, agonesSources...)},
		{Group: "agones.dev", Kind: "GameServer", Short: "gs", Templates: whole("spec.template"), Fixed: true, Sources: agonesSources},
	}
}
