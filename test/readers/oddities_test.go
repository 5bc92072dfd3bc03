package readers

import (
	"slices"
)

// An oddity changes a drawn stream. It reports whether it found a place to do so.
type oddity struct {
	name  string
	apply func(*draw) bool
}

var oddities = slices.Concat(oddKeys, oddValues, oddMerges, oddLists, oddStreams, oddJSON, oddBytes)

// somewhere gives an entry, mostly one on the way to the template.
func somewhere(d *draw) (site, bool) {
	if d.IntN(4) > 0 {
		return d.site("apiVersion", "kind", "metadata", "spec", "template", "jobTemplate", "annotations", "labels", "name", "namespace", "/inject", "items", "containers", "/exclude")
	}
	return d.site()
}

// atEntry makes an oddity of a change to one entry.
func atEntry(change func(d *draw, s site)) func(*draw) bool {
	return func(d *draw) bool {
		s, found := somewhere(d)
		if found {
			change(d, s)
		}
		return found
	}
}

// atKeys is atEntry for the entries with the keys.
func atKeys(change func(d *draw, s site), keys ...string) func(*draw) bool {
	return func(d *draw) bool {
		s, found := d.site(keys...)
		if found {
			change(d, s)
		}
		return found
	}
}

// atDocument makes an oddity of a change to one document.
func atDocument(change func(d *draw, doc *document)) func(*draw) bool {
	return func(d *draw) bool {
		doc, found := d.document()
		if found {
			change(d, doc)
		}
		return found
	}
}

// toText makes an oddity of a change to the finished text.
func toText(change func(d *draw, text string) string) func(*draw) bool {
	return func(d *draw) bool {
		d.last = append(d.last, func(text string) string { return change(d, text) })
		return true
	}
}

// otherwise gives another value for a key: one that changes what there is.
func (d *draw) otherwise(e entry) *value {
	switch d.IntN(6) {
	case 0:
		return text("null")
	case 1:
		return of(d, fields(), list(), text(""), quoted(""))
	}
	switch {
	case e.key == "kind":
		return text(of(d, "ConfigMap", "Deployment", "StatefulSet", "List", "Service"))
	case e.key == "apiVersion":
		return text(of(d, "v1", "apps/v1", "batch/v1", "example.com/v1"))
	case e.key == "name" || e.key == "namespace":
		return text(of(d, "other", "else"))
	case contains([]string{"/exclude"}, e.key):
		return d.port()
	case e.key == "annotations" && d.IntN(2) == 0:
		return d.annotations()
	case e.key == "template" && d.IntN(2) == 0:
		return d.template()
	}
	other := e.value.clone()
	other.each(func(in *value) {
		for i := range in.entries {
			if contains([]string{"/exclude"}, in.entries[i].key) {
				in.entries[i].value = d.port()
			}
		}
	})
	if len(other.entries) > 0 && d.IntN(3) == 0 {
		other.entries = slices.Delete(other.entries, 0, 1+d.IntN(len(other.entries)))
	}
	return other
}
