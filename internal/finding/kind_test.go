package finding

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAll: no kind that the file makes is missing from the list, which is in its order.
func TestAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	require.NoError(t, err)
	var made, listed []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is {
			return true
		}
		if list, is := spec.Values[0].(*ast.CompositeLit); is {
			for _, element := range list.Elts {
				listed = append(listed, element.(*ast.Ident).Name)
			}
			return false
		}
		made = append(made, spec.Names[0].Name)
		return false
	})
	assert.NotEmpty(t, made)
	assert.Equal(t, made, listed)
	assert.Len(t, All(), len(made))
}
