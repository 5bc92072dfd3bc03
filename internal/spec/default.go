package spec

import (
	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const defaultMesh = "Istio"

// fill gives a value to every field that has a default and is not set.
func fill(c *v1alpha1.ClusterBypass) {
	setDefault(&c.APIVersion, v1alpha1.APIVersion)
	setDefault(&c.Kind, v1alpha1.Kind)
	s := &c.Spec
	setDefault(&s.Mesh, defaultMesh)
	setDefault(&s.Merge, "Override")
	setDefault(&s.MeshConfig, "Ignore")
	if s.Enforcement == nil {
		s.Enforcement = &v1alpha1.Enforcement{}
	}
	e := s.Enforcement
	setDefault(&e.Mode, string(transform.InitContainer))
	setDefault(&e.ImagePullPolicy, "IfNotPresent")
	setDefault(&e.Backend, "auto")
	if e.Resources == nil {
		// Programming 10,000 ranges takes less than 24 MiB and a few
		// hundredths of a second (make bench). Limits and requests are equal,
		// since one container in which they are not takes a pod out of the
		// class Guaranteed, and its processors with it (Kubernetes'
		// pkg/apis/core/v1/helper/qos). A pod asks for the most of its init
		// containers or the sum of the others, so that this adds to few.
		small := map[string]v1alpha1.Quantity{"cpu": "50m", "memory": "64Mi"}
		e.Resources = &v1alpha1.Resources{Limits: small, Requests: small}
	}
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
