package inventory_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/test/page"
)

// TestPage keeps the table of docs/import.md what is read.
func TestPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| mesh | where | versions | becomes |\n|---|---|---|---|\n")
	for _, m := range mesh.All() {
		fmt.Fprintf(&b, "| %s | annotations of pod templates | all | rules |\n", m.Name)
		for _, row := range inventory.Sources() {
			if row.Mesh == m.Name {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.Mesh, strings.ReplaceAll(row.Place, "*", `\*`), cmp.Or(row.Versions, "all"), row.Becomes)
			}
		}
	}
	page.Holds(t, "../../docs/import.md", map[string]string{"sources": b.String(), "holders": inventory.Holders() + ".\n"}, *update, "go test ./internal/inventory -run TestPage -update")
}
