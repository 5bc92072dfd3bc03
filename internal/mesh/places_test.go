package mesh_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// elsewhere are the places in the product's code, by file, where a mesh is named
// outside its own file. The first of each is its line in the list of all meshes; a
// new mesh needs no other. FSM and OSM are one under two names.
var elsewhere = map[string]map[string]int{
	"FSM":     {"internal/mesh/mesh.go": 1, "internal/mesh/osm.go": 2},
	"OSM":     {"internal/mesh/mesh.go": 1, "internal/mesh/fsm.go": 2},
	"Linkerd": {"internal/mesh/mesh.go": 1},
	"Consul":  {"internal/mesh/mesh.go": 1},
	"Kuma":    {"internal/mesh/mesh.go": 1},
}

// TestAMeshIsOneFile counts where the code names a mesh outside its file.
// Istio is the default of spec.mesh, and its objects have checks of their own in
// internal/lint and kinds in internal/finding; no other package may name it. Linkerd
// takes its containers for its own. internal/kinds is not counted: a row there may say
// what an operator does with a mesh.
func TestAMeshIsOneFile(t *testing.T) {
	places := map[string]map[string]int{}
	for _, m := range mesh.All() {
		places[m.Name] = map[string]int{}
	}
	eachWord(t, "../..", func(file string, words []string) {
		if strings.HasPrefix(file, "internal/kinds/") {
			return
		}
		for _, m := range mesh.All() {
			name := strings.ToLower(m.Name)
			domain, _, _ := strings.Cut(m.Domain, ".")
			if file != "internal/mesh/"+name+".go" && (slices.Contains(words, name) || slices.Contains(words, domain)) {
				places[m.Name][file]++
			}
		}
	})
	for _, m := range mesh.All() {
		t.Logf("%s: %v", m.Name, places[m.Name])
		if m.Name == "Istio" {
			for file := range places[m.Name] {
				assert.Regexp(t, `^(internal/mesh/(mesh|linkerd|ambient)\.go|internal/(lint|finding)/[a-z]+\.go|fn/(compile|types)\.go|api/.*|internal/spec/.*)$`, file)
			}
			continue
		}
		assert.Equal(t, elsewhere[m.Name], places[m.Name], m.Name)
	}
}

var (
	boundary = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	noWord   = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// eachWord visits the identifiers and the string literals of the product's code,
// each cut into words in lower case.
func eachWord(t *testing.T, root string, visit func(file string, words []string)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if entry.IsDir() {
			if rel == "test" || rel == "testdata" || strings.HasPrefix(entry.Name(), ".") && rel != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			text := ""
			switch node := node.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Ident:
				text = node.Name
			case *ast.BasicLit:
				if node.Kind == token.STRING {
					text, _ = strconv.Unquote(node.Value)
				}
			}
			words := noWord.Split(boundary.ReplaceAllString(text, "$1 $2"), -1)
			visit(filepath.ToSlash(rel), strings.Fields(strings.ToLower(strings.Join(words, " "))))
			return true
		})
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 100)
}
