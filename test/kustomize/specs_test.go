package kustomize

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// command runs krm-bypass in the clone.
func command(t *testing.T, input string, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), arguments...)
	c.Dir, c.Stdin = clone, strings.NewReader(input)
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return c.ProcessState.ExitCode(), out.String(), errOut.String()
}

// twoMeshes lays the example with its specs in an order, each changed, into the clone.
func twoMeshes(t *testing.T, order string, change *strings.Replacer) (folder string) {
	t.Helper()
	files := map[string]string{"kustomization.yaml": "resources: [shop.yaml, payments.yaml]\ntransformers: [" + order + "]\n"}
	for _, name := range []string{"istio.yaml", "linkerd.yaml", "shop.yaml", "payments.yaml"} {
		files[name] = change.Replace(exampleFile(t, "two-meshes/"+name))
	}
	return layOut(t, ".", files)
}

var orders = []string{"istio.yaml, linkerd.yaml", "linkerd.yaml, istio.yaml"}

// In either order, kustomize builds the same of two specs, render prints it, explain
// says so, and check takes it with each of them and with both.
func TestTwoSpecsSideBySide(t *testing.T) {
	expected := render(t, "examples/two-meshes")
	for _, order := range orders {
		t.Run(order, func(t *testing.T) {
			folder := twoMeshes(t, order, strings.NewReplacer())
			assert.Equal(t, expected, render(t, folder))
			assert.Equal(t, rendering{stdout: expected}, inProcess(t, folder))
			again := layOut(t, ".", map[string]string{"kustomization.yaml": "resources: [built.yaml]\ntransformers: [../two-meshes/istio.yaml, ../two-meshes/linkerd.yaml]\n", "built.yaml": expected})
			assert.Equal(t, expected, inProcess(t, again).stdout, "on its own output")

			code, out, errOut := command(t, "", "explain", folder)
			assert.Zero(t, code)
			assert.Empty(t, errOut)
			assert.Equal(t, 2, strings.Count(out, "written, mode InitContainer"), out)
			assert.NotContains(t, out, ": left alone", "each workload is told once")
		})
	}
	one, other := "examples/two-meshes/istio.yaml", "examples/two-meshes/linkerd.yaml"
	for said, specs := range map[string][]string{
		"1 object matches what krm-bypass writes, 1 left alone (1 as ClusterBypass linkerd wrote it)\n": {one},
		"1 object matches what krm-bypass writes, 1 left alone (1 as ClusterBypass istio wrote it)\n":   {other},
		"2 objects match what krm-bypass writes, 0 left alone\n":                                        {one, other},
	} {
		arguments := []string{"check", "-"}
		for _, spec := range specs {
			arguments = append(arguments, "--spec", spec)
		}
		code, out, errOut := command(t, expected, arguments...)
		assert.Equal(t, []any{0, said, ""}, []any{code, out, errOut})

		code, out, _ = command(t, renderWithoutFunction(t, "examples/two-meshes"), arguments...)
		assert.Equal(t, 1, code)
		assert.Contains(t, out, ": missing: ")
	}
	piped, _, _ := strings.Cut(renderWithoutFunction(t, "examples/two-meshes"), "\x00")
	for _, specs := range [][]string{{one, other}, {other, one}} {
		code, out, errOut := command(t, piped, "render", "-", "--spec", specs[0], "--spec", specs[1])
		assert.Equal(t, []any{0, ""}, []any{code, errOut})
		assert.Equal(t, 2, strings.Count(out, "krm-bypass.dev/last-applied"))
	}
}

// What kustomize refuses in either order, render, explain and check refuse too, with
// both names; and what it passes they pass.
func TestTwoSpecsThatMeet(t *testing.T) {
	for name, test := range map[string]struct {
		change *strings.Replacer
		says   string
	}{
		"in a workload of both":              {strings.NewReplacer("[payments]", "[payments, shop]"), "speaks of this workload, to which ClusterBypass "},
		"in a namespace with nothing in it":  {strings.NewReplacer("[payments]", "[payments, idle]", "[shop]", "[shop, idle]"), ""},
		"in a workload of which neither say": {strings.NewReplacer("[payments]", "[payments, shop]", "  global:\n", "  namespaces:\n  - match: {names: [elsewhere]}\n"), ""},
	} {
		for _, order := range orders {
			t.Run(name+": "+order, func(t *testing.T) {
				folder := twoMeshes(t, order, test.change)
				built, rendered := build(t, folder, withFunction...), inProcess(t, folder)
				code, out, errOut := command(t, "", "explain", folder)
				assert.Equal(t, built.stdout, rendered.stdout)
				if test.says == "" {
					assert.Equal(t, []any{false, "", false, "", 0}, []any{built.failed, built.stderr, rendered.failed, rendered.stderr, code}, out)
					return
				}
				assert.Equal(t, []any{true, true, 1}, []any{built.failed, rendered.failed, code})
				for _, said := range []string{built.stderr, rendered.stderr, errOut} {
					assert.Contains(t, said, "Deployment shop/cart: ")
					assert.Contains(t, said, test.says)
					assert.Contains(t, said, "ClusterBypass istio")
					assert.Contains(t, said, "ClusterBypass linkerd")
				}
			})
		}
	}
}

// kustomize runs the function once for each of two specs of one name in a base and
// above it, and neither run can see the other: render can.
func TestTwoSpecsOfOneName(t *testing.T) {
	folder := treeOf(t, map[string]string{
		"kustomization.yaml": "resources: [base, payments.yaml]\ntransformers: [linkerd.yaml]\n",
		"base":               "resources: [shop.yaml]\ntransformers: [istio.yaml]\n",
		"linkerd.yaml":       strings.Replace(exampleFile(t, "two-meshes/linkerd.yaml"), "name: linkerd", "name: istio", 1),
		"payments.yaml":      exampleFile(t, "two-meshes/payments.yaml"),
		"base/istio.yaml":    exampleFile(t, "two-meshes/istio.yaml"), "base/shop.yaml": exampleFile(t, "two-meshes/shop.yaml"),
	})
	rendered := inProcess(t, folder)
	assert.True(t, rendered.failed)
	assert.Empty(t, rendered.stdout)
	assert.Contains(t, rendered.stderr, "both are named istio, so that the later one would take away what the earlier one wrote")
}

// Specs within components and bases are applied where they are listed.
func TestTwoSpecsInComponents(t *testing.T) {
	files := map[string]string{
		"kustomization.yaml": "resources: [shop.yaml, payments.yaml]\ncomponents: [a, b]\n",
		"a":                  "kind: Component\ntransformers: [istio.yaml]\n", "b": "kind: Component\ntransformers: [linkerd.yaml]\n",
		"shop.yaml": exampleFile(t, "two-meshes/shop.yaml"), "payments.yaml": exampleFile(t, "two-meshes/payments.yaml"),
		"a/istio.yaml":   strings.Replace(exampleFile(t, "two-meshes/istio.yaml"), "../../bin/krm-bypass", "krm-bypass", 1),
		"b/linkerd.yaml": strings.Replace(exampleFile(t, "two-meshes/linkerd.yaml"), "../../bin/krm-bypass", "krm-bypass", 1),
	}
	for _, components := range []string{"[a, b]", "[b, a]"} {
		files["kustomization.yaml"] = "resources: [shop.yaml, payments.yaml]\ncomponents: " + components + "\n"
		folder := treeOf(t, files)
		built := build(t, folder, withFunction...)
		assert.Equal(t, rendering{stdout: render(t, "examples/two-meshes")}, built)
		assert.Equal(t, built, inProcess(t, folder))
	}
}

// A spec that is gone is taken back by its name, out of the files that it was rendered
// into.
func TestRemoveWhatASpecWrote(t *testing.T) {
	folder := twoMeshes(t, orders[0], strings.NewReplacer())
	was := renderWithoutFunction(t, folder)
	code, _, errOut := command(t, "", "render", "--in-place", folder+"/shop.yaml", folder+"/payments.yaml", "--spec", folder+"/istio.yaml", "--spec", folder+"/linkerd.yaml")
	require.Equal(t, []any{0, "info: 2 of 2 files written\n"}, []any{code, errOut})
	assert.Equal(t, 2, strings.Count(renderWithoutFunction(t, folder), "krm-bypass.dev/last-applied"))

	code, out, errOut := command(t, "", "render", "--remove", "linkerd", "--diff", folder)
	assert.Zero(t, code)
	assert.Contains(t, out, "-        config.linkerd.io/skip-outbound-ports")
	assert.NotContains(t, out, "istio.io")
	assert.Equal(t, "warning: "+folder+"/linkerd.yaml:1: ClusterBypass linkerd: this ClusterBypass is still here, and writes all of it again: remove it too\n"+
		"takes away what ClusterBypass linkerd wrote: 1 object\n", errOut)
	for _, name := range []string{"linkerd", "istio"} {
		code, out, errOut = command(t, "", "render", "--remove", name, "--in-place", folder)
		assert.Equal(t, []any{0, ""}, []any{code, out}, errOut)
	}
	assert.Equal(t, was, renderWithoutFunction(t, folder))
	code, _, errOut = command(t, "", "render", "--remove", "istio", "--in-place", folder)
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "ClusterBypass istio wrote nothing here, and no other did")

	piped := render(t, folder)
	code, out, errOut = command(t, piped, "render", "--remove", "istio", "-")
	assert.Equal(t, []any{0, "takes away what ClusterBypass istio wrote: 1 object\n"}, []any{code, errOut})
	assert.Contains(t, out, "config.linkerd.io/skip-outbound-ports")
	assert.NotContains(t, out, "istio.io")
}
