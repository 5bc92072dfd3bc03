package inventory

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/bystander"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// SourceRow is a place that import reads, for people.
type SourceRow struct {
	// Mesh is whose settings stand there.
	Mesh string
	// Place says where it is, Versions which of the mesh read it, "" for all.
	Place, Versions string
	// Becomes says what becomes of it.
	Becomes string
	// Told says that it is told and not imported.
	Told bool
}

// Sources lists the places beside the annotations of pod templates that import reads.
func Sources() (rows []SourceRow) {
	for _, m := range mesh.All() {
		if m.NamespaceKeys != "" {
			rows = append(rows, SourceRow{Mesh: m.Name, Place: "annotations of Namespaces", Becomes: "a rule for the namespace"})
		}
		for _, s := range m.Sources() {
			row := SourceRow{Mesh: m.Name, Place: s.Place(), Versions: s.Versions, Becomes: "`meshDefaults`"}
			switch {
			case s.Left != "":
				row.Becomes, row.Told = "told: "+s.Left, true
			case s.Namespace != "":
				row.Becomes = "`meshDefaults`, or a rule for the namespace"
			}
			keys := each.As(s.Unsayable, func(key mesh.Unsayable) string { return "`" + key.Key + "`" })
			if len(keys) > 0 {
				row.Becomes += "; told: " + strings.Join(keys, ", ")
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Holders says in which kinds of objects Helm values are read.
func Holders() string {
	kinds := slices.Sorted(slices.Values(bystander.Holders()))
	last := len(kinds) - 1
	return strings.Join(kinds[:last], ", ") + " and " + kinds[last]
}
