package mesh_test

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// planeTable gives in which data plane the pods of a template are, by what it says and
// by what the rules do.
func planeTable() string {
	istio, _ := mesh.ByName("Istio")
	var rows strings.Builder
	rows.WriteString("| the template says | no rule, or `dataPlane: Sidecar` | `dataPlane: Ambient` |\n|---|---|---|\n")
	for _, says := range []string{
		"", `sidecar.istio.io/inject: "true"`, `sidecar.istio.io/inject: "false"`,
		`sidecar.istio.io/inject: "false", istio.io/dataplane-mode: ambient`,
		"istio.io/dataplane-mode: ambient", "istio.io/dataplane-mode: none",
	} {
		labels := map[string]string{}
		said := []string{"nothing"}
		if says != "" {
			said = nil
			for one := range strings.SplitSeq(says, ", ") {
				key, value, _ := strings.Cut(one, ": ")
				labels[key] = strings.Trim(value, `"`)
				said = append(said, "`"+one+"`")
			}
		}
		row := "| " + strings.Join(said, ", ")
		for _, ruled := range mesh.DataPlanes {
			on, certain := istio.On(ruled), ""
			if plane, by := istio.Certain(labels, nil); by != "" {
				on, certain = istio.On(plane), ", for certain"
			}
			label := istio.PlaneLabel()
			switch reason := on.Unmeshed(labels, nil); {
			case reason != "":
				row += " | in no mesh, left alone"
			case certain == "" && on.Plane() == mesh.Sidecar && labels[label.Key] == label.Value:
				row += fmt.Sprintf(" | %s, with a [finding](lint.md#data-plane)", on.Plane())
			default:
				row += fmt.Sprintf(" | %s%s", on.Plane(), certain)
			}
		}
		rows.WriteString(row + " |\n")
	}
	return rows.String()
}
