package spec

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// enforcementPath is the field that says how to enforce.
const enforcementPath = "spec.enforcement"

// quantity follows the grammar of k8s.io/apimachinery pkg/api/resource/quantity.go.
var quantity = pattern.Of(`^[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`)

// isQuantity compiles nothing for one such as 10m or 64Mi.
func isQuantity(text string) bool {
	unit := strings.TrimLeft(text, "0123456789")
	return len(unit) < len(text) && slices.Contains([]string{"", "m", "k", "M", "G", "Ki", "Mi", "Gi"}, unit) || quantity.Matches(text)
}

// isImage is loose on purpose: what the container runtime takes is its own affair,
// but a blank or an empty name never works.
func isImage(reference string) bool {
	begin := strings.TrimLeft(reference, lettersAndDigits)
	return len(begin) < len(reference) && !strings.ContainsAny(reference, " \t\n\f\r")
}

const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lowerAndDigits

// exampleImage shows in messages what a reference looks like.
const exampleImage = "registry.example.com/mesh/init:v0.1.0"

// pinnedImage is an image with a digest (github.com/opencontainers/image-spec
// descriptor.md, the registered algorithms).
var pinnedImage = pattern.Of(`@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)

// secretName is a DNS subdomain (k8s.io/apimachinery
// pkg/util/validation/validation.go).
var secretName = pattern.Of(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

const longestSecretName = 253

func (c *compiler) enforcement(e *v1alpha1.Enforcement) {
	switch {
	case e.Image == "": // an error only where a workload needs it
	case !isImage(e.Image):
		c.problem("spec.enforcement.image", e.Image, "%q is not an image: write a reference such as %s", e.Image, exampleImage)
	case e.RequireDigest && !pinnedImage.Matches(e.Image):
		c.problem("spec.enforcement.image", e.Image, "%q has no digest, but spec.enforcement.requireDigest is true: krm-bypass pin FILE adds it to the spec", e.Image)
	}
	seen := map[string]bool{}
	for i, s := range e.ImagePullSecrets {
		at := fmt.Sprintf("spec.enforcement.imagePullSecrets[%d].name", i)
		switch {
		case !secretName.Matches(s.Name) || len(s.Name) > longestSecretName:
			c.problem(at, s.Name, `%q is not a valid name of a secret: use lower-case letters, digits, "-" and "."`, s.Name)
		case seen[s.Name]:
			c.problem(at, s.Name, "%q is listed twice: remove one", s.Name)
		}
		seen[s.Name] = true
	}
	for _, part := range partsOf(e.Resources) {
		for _, resource := range slices.Sorted(maps.Keys(part.values)) {
			if q := part.values[resource]; !isQuantity(string(q)) {
				c.problem("spec.enforcement.resources."+join(part.name, resource), string(q), "%q is not a quantity: write one such as 10m or 64Mi", q)
			}
		}
	}
}

// enforced is what the init container is made of.
func enforced(e *v1alpha1.Enforcement) transform.Enforcement {
	made := transform.Enforcement{Image: e.Image, ImagePullPolicy: e.ImagePullPolicy, Backend: e.Backend, Resources: resourcesNode(e.Resources)}
	if e.RequireDigest {
		made.Pinned = pinnedImage.Matches
	}
	for _, s := range e.ImagePullSecrets {
		made.ImagePullSecrets = append(made.ImagePullSecrets, s.Name)
	}
	return made
}

// part is one of the two parts of a container's resource requirements.
type part struct {
	name   string
	values map[string]v1alpha1.Quantity
}

func partsOf(r *v1alpha1.Resources) []part {
	return []part{{"limits", r.Limits}, {"requests", r.Requests}}
}

// resourcesNode gives the resources as they stand in a container.
func resourcesNode(r *v1alpha1.Resources) *yaml.Node {
	all := node.Map()
	for _, part := range partsOf(r) {
		if len(part.values) == 0 {
			continue
		}
		values := node.Map()
		for _, resource := range slices.Sorted(maps.Keys(part.values)) {
			values.Content = append(values.Content, node.Str(resource), node.Str(string(part.values[resource])))
		}
		all.Content = append(all.Content, node.Str(part.name), values)
	}
	return all
}

// NeedsImage is the problem of a spec that names no image for the init container
// that the workloads need. unsayable says that annotations would not do for them.
func NeedsImage(workloads []string, unsayable bool) Problem {
	who := slices.Min(workloads) + " needs"
	if others := len(workloads) - 1; others > 0 {
		who = fmt.Sprintf("%s and %d more need", slices.Min(workloads), others)
	}
	without := "; or set mode: AnnotationsOnly"
	if unsayable {
		without = ""
	}
	return Problem{Path: enforcementPath, Message: who + " the init container, but the spec names no image for it: in the repository of krm-bypass, build one with make images, and push it with make push REGISTRY=" +
		path.Dir(exampleImage) + ", which prints the lines to put here" + without}
}
