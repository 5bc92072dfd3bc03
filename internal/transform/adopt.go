package transform

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// adopted is the record with what it says of a template for where somebody copied or moved
// that template in the object: to an item or a key of another name, or in a list whose
// items have no names.
func (r *record) adopted(family []*Workload) *record {
	all := r
	for _, w := range family {
		from, found := r.origin(w)
		if !found {
			continue
		}
		if all == r {
			all = r.clone()
		}
		all.Wrote, all.Kept, all.Replaced = w.moved(all.Wrote, r.Wrote, from), w.moved(all.Kept, r.Kept, from), w.moved(all.Replaced, r.Replaced, from)
		all.Adopted = w.moved(all.Adopted, r.Adopted, from)
		for _, path := range w.stand.makes {
			name := w.relative(w.Path(path...))
			was, inside := w.cameFrom(name, from)
			if !inside {
				continue
			}
			all.Created = slices.DeleteFunc(all.Created, func(created string) bool { return created == name })
			if slices.Contains(r.Created, was) {
				all.Created = append(all.Created, name)
			}
			move(all.Nulls, r.Nulls, name, was)
		}
		if was, inside := w.cameFrom(w.pullSecrets.name, from); inside {
			move(all.Added, r.Added, w.pullSecrets.name, was)
		}
	}
	return all
}

func (r *record) clone() *record {
	all := *r
	all.Created, all.Nulls, all.Added = slices.Clone(r.Created), maps.Clone(r.Nulls), maps.Clone(r.Added)
	return &all
}

// origin finds the place in the record of which a template is a copy, by the digests of
// what stands there. Where several could be it, and not all had the same of the user's
// under it, none is: another's value would be put back.
func (r *record) origin(w *Workload) (place string, found bool) {
	mark, marked := w.TemplateAnnotations[PolicyAnnotation]
	digest := node.Digest(PolicyAnnotation, mark)
	one := r.at(w)
	if !marked || w.stand.place == "" || one.Wrote[PolicyAnnotation] == digest || one.Kept[PolicyAnnotation] == digest {
		return "", false
	}
	here := func(place string) bool {
		return slices.ContainsFunc(w.family, func(one *Workload) bool { return one.stand.place == place })
	}
	var from []string
	for entry, written := range r.Wrote {
		if place, key := placed(entry); key == PolicyAnnotation && place != "" && written == digest {
			from = append(from, place)
		}
	}
	if whole := slices.DeleteFunc(slices.Clone(from), func(place string) bool { return !r.standsIn(w, place) }); len(whole) > 0 {
		from = whole
	} else if len(one.Wrote) > 0 {
		return "", false // edited by hand
	}
	if gone := slices.DeleteFunc(slices.Clone(from), here); len(gone) > 0 {
		from = gone
	}
	slices.Sort(from)
	for _, other := range from {
		if !maps.Equal(r.under(from[0]), r.under(other)) {
			return "", false
		}
	}
	return cmp.Or(append(from, "")...), len(from) > 0
}

// standsIn reports whether all that was written to a place stands in a template.
func (r *record) standsIn(w *Workload, place string) bool {
	for entry, digest := range r.Wrote {
		at, key := placed(entry)
		value, stands := w.TemplateAnnotations[key]
		switch {
		case at != place:
		case isContainer(key) && !slices.ContainsFunc(w.initContainers, func(c container) bool { return slices.Contains(c.digests, digest) }),
			!isContainer(key) && (!stands || node.Digest(key, value) != digest):
			return false
		}
	}
	return true
}

// under gives what stood at a place before.
func (r *record) under(place string) map[string]string {
	values := map[string]string{}
	for entry, value := range r.Replaced {
		if at, key := placed(entry); at == place {
			values[key] = value
		}
	}
	return values
}

// moved puts into entries, for the template, those of another place.
func (w *Workload) moved(all, was map[string]string, from string) map[string]string {
	moved := map[string]string{}
	for entry, value := range all {
		if place, _ := placed(entry); place != w.stand.place {
			moved[entry] = value
		}
	}
	for entry, value := range was {
		if place, key := placed(entry); place == from {
			moved[w.entry(key)] = value
		}
	}
	return moved
}

func move[V any](all, was map[string]V, to, from string) {
	delete(all, to)
	if value, stood := was[from]; stood {
		all[to] = value
	}
}

// cameFrom gives the name that a part of the template had in another place. inside says
// that it lies below where the two places differ.
func (w *Workload) cameFrom(name, from string) (was string, inside bool) {
	place := w.stand.place
	n := 0
	for n < min(len(place), len(from)) && place[len(place)-1-n] == from[len(from)-1-n] {
		n++
	}
	_, same, _ := strings.Cut(place[len(place)-n:], ".")
	if same != "" {
		same = "." + same
	}
	rest, inside := strings.CutPrefix(name, strings.TrimSuffix(place, same))
	return strings.TrimSuffix(from, same) + rest, inside && rest != ""
}
