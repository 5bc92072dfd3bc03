package spec

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// podTemplate adds a pod template to those of its kind.
func (c *compiler) podTemplate(t v1alpha1.PodTemplate, at string) {
	template := kinds.Template{By: at, Create: t.Create}
	fine := true
	for _, field := range []struct {
		name, value string
		into        *kinds.Path
	}{
		{"path", t.Path, &template.Path},
		{"annotations", t.Annotations, &template.Annotations},
		{"initContainers", t.InitContainers, &template.InitContainers},
		{"imagePullSecrets", t.ImagePullSecrets, &template.PullSecrets},
	} {
		if field.value == "" {
			continue
		}
		path, err := kinds.ParsePath(field.value)
		if err != nil {
			c.problem(at+"."+field.name, field.value, "%v", err)
			fine = false
		}
		*field.into = path
	}
	if fine = fine && c.isTemplate(t, template, at); !fine {
		return
	}
	group := object.Group(t.APIVersion)
	known, found := c.policy.Kinds.Find(group, t.Kind)
	if !found {
		known = &kinds.Kind{Group: group, Kind: t.Kind}
	}
	for _, other := range known.Templates {
		switch at, by := at, other.By; {
		case by == "" && known.IsKubernetes():
			where := "the object itself"
			if len(other.Path) > 0 {
				where = other.Path.String()
			}
			c.problem(at, t.Kind, "%s of %s is built in, and its pod template is %s: remove this entry", t.Kind, t.APIVersion, where)
			return
		case !template.Meets(other):
		case by == "":
			c.problem(at, template.Place().String(), "%s of %s is built in, with this pod template: remove this entry", t.Kind, t.APIVersion)
			return
		default:
			c.problem(at, template.Place().String(), "%s names this pod template already, or one around it, or a part of it: remove one of the two", by)
			return
		}
	}
	row := *known // of a table that others look at
	row.Templates = append(slices.Clone(known.Templates), template)
	c.policy.Kinds.Put(row)
}

// isTemplate reports whether the fields of an entry make one.
func (c *compiler) isTemplate(t v1alpha1.PodTemplate, template kinds.Template, at string) bool {
	switch {
	case t.Path == "" && t.Annotations == "":
		c.problem(at, "", "this names no place: add path, which leads to a pod template, as spec.template, or annotations, which lead to the annotations of pods")
	case t.Path != "" && (t.Annotations != "" || t.InitContainers != "" || t.ImagePullSecrets != ""):
		c.problem(at+".path", t.Path, "a whole template has annotations and init containers in it: remove path, or the other paths")
	case t.ImagePullSecrets != "" && t.InitContainers == "":
		c.problem(at+".imagePullSecrets", t.ImagePullSecrets, "nothing is pulled without an init container: add initContainers, or remove this field")
	case t.Kind == "List" || strings.HasSuffix(t.Kind, "List") && template.Place()[0].Key == "items":
		c.problem(at+".kind", t.Kind, "the items of a list are read one by one: write their kind, and paths from an item")
	case !isKind.Matches(t.Kind):
		c.problem(at+".kind", t.Kind, "%q is the name of no kind: write one kind, as in kind: Foo", t.Kind)
	case !isAPIVersion.Matches(t.APIVersion):
		c.problem(at+".apiVersion", t.APIVersion, "%q is no apiVersion: write it as an object of the kind has it, as in apiVersion: example.com/v1", t.APIVersion)
	case object.Group(t.APIVersion) == object.Group(v1alpha1.APIVersion):
		c.problem(at+".kind", t.Kind, "no pods are made of %s: remove this entry", t.Kind)
	case slices.ContainsFunc(template.Parts(), notInSpec):
		c.problem(at, template.Place().String(), "no pods are made of what stands there: write the path to a pod template in spec")
	case !template.IsWhole() && template.Annotations[len(template.Annotations)-1].Many():
		c.problem(at+".annotations", t.Annotations, "this leads to many values: write the path to the annotations in them")
	default:
		for _, part := range []struct {
			name string
			path kinds.Path
		}{{"initContainers", template.InitContainers}, {"imagePullSecrets", template.PullSecrets}} {
			if part.path != nil && !fits(part.path, template.Annotations) {
				c.problem(at+"."+part.name, part.path.String(), "this goes through other lists than annotations do: write paths that share every [*] and every *")
				return false
			}
		}
		for i, part := range template.Parts() {
			if j := slices.IndexFunc(template.Parts()[:i], part.Meets); j >= 0 {
				c.problem(at, part.String(), "%s and %s are one place, or one is in the other: write a path of its own for each", template.Parts()[j], part)
				return false
			}
		}
		return true
	}
	return false
}

// The names that the API server takes (kubernetes/apiextensions-apiserver
// pkg/apis/apiextensions/validation/validation.go, ValidateCustomResourceDefinitionNames
// and validateCustomResourceDefinitionSpec).
var (
	isKind       = pattern.Of(`^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$`)
	isAPIVersion = pattern.Of(`^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[a-z]([-a-z0-9]*[a-z0-9])?$`)
)

// notInSpec reports whether a path leads to what is no specification of pods.
func notInSpec(path kinds.Path) bool {
	return slices.Contains([]string{"", "apiVersion", "kind", "metadata", "status"}, path[0].Key)
}

// fits reports whether a part stands once beside each place of the annotations.
func fits(part, annotations kinds.Path) bool {
	last := 0
	for i, step := range annotations {
		if step.Many() {
			last = i + 1
		}
	}
	return len(part) > last && slices.Equal(part[:last], annotations[:last]) && !slices.ContainsFunc(part[last:], kinds.Step.Many)
}
