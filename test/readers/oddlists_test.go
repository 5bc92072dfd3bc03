package readers

import "fmt"

var oddLists = []oddity{
	{"list", func(d *draw) bool { return d.wrap("v1", "List") }},
	{"list of another kind", func(d *draw) bool {
		return d.wrap(of(d, "v1", "apps/v1", "example.com/v1", ""), of(d, "Bundle", "ThingList", "ConfigMap", "Deployment", "ResourceList", "DeploymentList", "Pod", "PodList", "", "list", "LIST"))
	}},
	{"typed list whose items have no kind", func(d *draw) bool {
		doc, found := d.document()
		if !found || doc.root.at("kind") == nil || doc.root.at("apiVersion") == nil {
			return false
		}
		kind, apiVersion := doc.root.at("kind").text, doc.root.at("apiVersion").text
		var bare []entry
		for _, e := range doc.root.entries {
			if e.key != "kind" && e.key != "apiVersion" || d.IntN(6) == 0 {
				bare = append(bare, e)
			}
		}
		doc.root.entries = bare
		doc.root = fields("apiVersion", apiVersion, "kind", kind+of(d, "List", "List", "List", "", "list", "ListList"), "items", list(doc.root))
		return true
	}},
	{"items of other things", func(d *draw) bool {
		doc, found := d.document()
		if !found {
			return false
		}
		d.insert(doc.root, entry{key: "items", value: of(d, text("null"), text(""), fields(), list(), quoted(""), list(text("null")), list(list(d.object())), list(text("1")), fields("a", "b"), list(text("")), list(fields()), list(fields("kind", "Deployment")))})
		return true
	}},
	{"items in a workload", func(d *draw) bool {
		doc, found := d.document()
		if !found {
			return false
		}
		d.insert(doc.root, entry{key: of(d, "items", "items", "Items", `"items"`, "ITEMS"), value: list(d.object())})
		return true
	}},
	{"items with something odd beside them", func(d *draw) bool {
		s, found := d.site("items")
		if !found || s.entry().value.shape != sequence {
			return false
		}
		items := s.entry().value
		items.items = append(items.items, of(d, text("null"), text("x"), fields(), list(), text("1"), fields("kind", "Deployment"), d.object(), d.object()))
		d.Shuffle(len(items.items), func(i, j int) { items.items[i], items.items[j] = items.items[j], items.items[i] })
		return true
	}},
	{"items that is an alias", atKeys(func(d *draw, s site) {
		name := d.anchor()
		anchored := s.entry().value
		s.entry().value = text("*" + name)
		anchored.props = "&" + name + " "
		d.hold(s.document, "x-items", anchored)
	}, "items")},
	{"items aliased one by one", atKeys(func(d *draw, s site) {
		items := s.entry().value
		if len(items.items) == 0 {
			return
		}
		name := d.anchor()
		items.items[0].props = "&" + name + " "
		items.items = append(items.items, text("*"+name))
	}, "items")},
	{"dashes at the margin of the key", atDocument(func(d *draw, doc *document) {
		doc.root.each(func(in *value) {
			for _, e := range in.entries {
				e.value.flush = e.value.shape == sequence && d.IntN(4) > 0
			}
		})
	})},
	{"fields of a ResourceList", atDocument(func(d *draw, doc *document) {
		d.insert(doc.root, entry{key: of(d, "functionConfig", "results", "Items", "item"), value: of(d, d.object(), list(d.object()), text("null"))})
	})},
	{"documents in a sequence", func(d *draw) bool {
		doc, found := d.document()
		if !found {
			return false
		}
		doc.root = list(doc.root)
		return true
	}},
}

// wrap puts a document into a list, or several into one.
func (d *draw) wrap(apiVersion, kind string) bool {
	doc, found := d.document()
	if !found {
		return false
	}
	items := list(doc.root)
	for range d.IntN(2) {
		items.items = append(items.items, d.object())
	}
	doc.root = fields()
	if apiVersion != "" {
		doc.root.set("apiVersion", text(apiVersion))
	}
	if kind != "" {
		doc.root.set("kind", text(kind))
	}
	if d.IntN(4) == 0 {
		doc.root.set("metadata", of(d, fields(), fields("name", fmt.Sprintf("list-%d", d.next())), text("null"), fields("annotations", d.annotations())))
	}
	doc.root.set("items", items)
	if d.IntN(8) == 0 {
		doc.root.set("spec", fields("template", d.template()))
	}
	return true
}
