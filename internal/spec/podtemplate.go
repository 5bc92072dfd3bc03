package spec

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
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
	i := slices.IndexFunc(c.policy.Kinds, func(k kinds.Kind) bool { return k.Group == group && k.Kind == t.Kind })
	if i < 0 {
		c.policy.Kinds = append(c.policy.Kinds, kinds.Kind{Group: group, Kind: t.Kind, Templates: []kinds.Template{template}})
		return
	}
	known := &c.policy.Kinds[i]
	for _, other := range known.Templates {
		switch at, by := at, other.By; {
		case by == "" && known.IsKubernetes():
			where := "the object itself"
			if len(other.Path) > 0 {
				where = other.Path.String()
			}
			c.problem(at, t.Kind, "%s of %s is built in, and its pod template is %s: remove this entry", t.Kind, t.APIVersion, where)
			return
		case !meet(template, other):
		case by == "":
			c.problem(at, template.Place().String(), "%s of %s is built in, with this pod template: remove this entry", t.Kind, t.APIVersion)
			return
		default:
			c.problem(at, template.Place().String(), "%s names this pod template already, or one around it: remove one of the two", by)
			return
		}
	}
	known.Templates = append(slices.Clone(known.Templates), template)
}

// meet reports whether two templates may stand in the same place, or one in the other.
func meet(a, b kinds.Template) bool {
	one, other := a.Place(), b.Place()
	for i := range min(len(one), len(other)) {
		if x, y := one[i], other[i]; x != y && (x.Items != y.Items || x.Key != "" && y.Key != "") {
			return false
		}
	}
	return len(one) == len(other) || (a.IsWhole() || b.IsWhole())
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
	case slices.Contains([]string{"status", "metadata"}, template.Place()[0].Key):
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
		return true
	}
	return false
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
