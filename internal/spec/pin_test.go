package spec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const (
	digest      = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	otherDigest = "@sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

func resolved(image string) (string, error) {
	name, _, _ := strings.Cut(image, "@")
	return name + digest, nil
}

const pinHead = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\n"

// published is the image that a release knows.
const published = "r.example/init:v9" + digest

// In the texts, <> is where the image with its digest comes.
func TestPinChangesTheImageAlone(t *testing.T) {
	for _, test := range []struct{ name, before, after, was string }{
		{"plain", "spec:\n  enforcement:\n    image: r.example/init:v1 # ours\n    backend: auto\n", "spec:\n  enforcement:\n    image: <> # ours\n    backend: auto\n", "r.example/init:v1"},
		{"in double quotes", "spec: {enforcement: {image: \"r.example/init:v1\", mode: WhereNeeded}}\n", "spec: {enforcement: {image: \"<>\", mode: WhereNeeded}}\n", "r.example/init:v1"},
		{"in single quotes", "spec:\n    enforcement:\n        image:   'r.example/init:v1'\n", "spec:\n    enforcement:\n        image:   '<>'\n", "r.example/init:v1"},
		{"pinned to another digest", "spec:\n  enforcement:\n    image: r.example/init:v1" + otherDigest + "\n", "spec:\n  enforcement:\n    image: <>\n", "r.example/init:v1"},
		{"pinned already", "spec:\n  enforcement:\n    image: r.example/init:v1" + digest + "\n", "spec:\n  enforcement:\n    image: <>\n", "r.example/init:v1"},
		{"no enforcement", "spec:\n  # said so\n  global: {excludeOutboundPorts: [3306]}\n# the end\n", "spec:\n  # said so\n  global: {excludeOutboundPorts: [3306]}\n  enforcement:\n    image: <>\n# the end\n", "r.example/init:v9"},
		{"no image", "spec:\n    enforcement:\n        requireDigest: true\n    mesh: FSM\n", "spec:\n    enforcement:\n        requireDigest: true\n        image: <>\n    mesh: FSM\n", "r.example/init:v9"},
		{"a key alone", "spec:\n  enforcement:\n    image:\n    mode: WhereNeeded\n", "spec:\n  enforcement:\n    image: <>\n    mode: WhereNeeded\n", "r.example/init:v9"},
		{"no final line break", "spec:\n  enforcement:\n    image: r.example/init:v1", "spec:\n  enforcement:\n    image: <>", "r.example/init:v1"},
		{"an image with a port", "spec: {enforcement: {image: 'localhost:5000/init:v1'}}\n", "spec: {enforcement: {image: '<>'}}\n", "localhost:5000/init:v1"},
		{"an alias", "metadata: {annotations: {image: &image a/b:c}}\nspec: {enforcement: {image: *image}}\n", "metadata: {annotations: {image: &image a/b:c}}\nspec: {enforcement: {image: \"<>\"}}\n", "a/b:c"},
		{"by a merge key", "x: &x {image: a/b:c}\nspec:\n  enforcement:\n    <<: *x\n", "x: &x {image: a/b:c}\nspec:\n  enforcement:\n    <<: *x\n    image: <>\n", "a/b:c"},
		{"a spec with mistakes elsewhere", "spec:\n  globl: {}\n  enforcement: {image: a/b:c}\n", "spec:\n  globl: {}\n  enforcement: {image: \"<>\"}\n", "a/b:c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, style := range []struct {
				name string
				of   func(string) string
			}{
				{"lines", func(s string) string { return s }},
				{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
				{"among other documents", func(s string) string {
					return "# first\nkind: ConfigMap\ndata: {image: not this}\n---\n" + strings.TrimSuffix(s, "\n") + "\n---\napiVersion: v1\nkind: List\nitems: []\n"
				}},
			} {
				before := style.of(pinHead + test.before)
				after := style.of(pinHead + strings.ReplaceAll(test.after, "<>", test.was+digest))
				file, done, err := spec.Pin(yamltext.File{Path: "bypass.yaml", Text: []byte(before)}, published, resolved)
				require.NoError(t, err, style.name)
				assert.Equal(t, after, string(file.Text), style.name)
				require.Len(t, done, 1)
				assert.Equal(t, test.was+digest, done[0].Is)
				assert.Equal(t, "bypass.yaml", done[0].File)

				again, _, err := spec.Pin(file, published, resolved)
				require.NoError(t, err)
				assert.Equal(t, after, string(again.Text), "a second time")
			}
		})
	}
}

func TestPinInJSON(t *testing.T) {
	before := `{"apiVersion": "krm-bypass.dev/v1alpha1", "kind": "ClusterBypass", "spec": {"enforcement": {"image": "a/b:c"}}}`
	file, done, err := spec.Pin(yamltext.File{Path: "bypass.json", Text: []byte(before)}, published, resolved)
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(before, "a/b:c", "a/b:c"+digest, 1), string(file.Text))
	assert.Equal(t, []spec.Pinned{{File: "bypass.json", Line: 1, Was: "a/b:c", Is: "a/b:c" + digest}}, done)
}

func TestPinEverySpecOfAFile(t *testing.T) {
	const before = pinHead + "spec: {enforcement: {image: \"a/b:1\"}}\n---\n" + pinHead + "spec:\n  mesh: FSM\n"
	file, done, err := spec.Pin(yamltext.File{Path: "both.yaml", Text: []byte(before)}, published, resolved)
	require.NoError(t, err)
	assert.Equal(t, pinHead+"spec: {enforcement: {image: \"a/b:1"+digest+"\"}}\n---\n"+pinHead+"spec:\n  mesh: FSM\n  enforcement:\n    image: "+published+"\n", string(file.Text))
	assert.Equal(t, []spec.Pinned{
		{File: "both.yaml", Line: 3, Was: "a/b:1", Is: "a/b:1" + digest},
		{File: "both.yaml", Line: 8, Is: published},
	}, done)
}

func TestAPinnedSpecIsTakenWhereADigestIsRequired(t *testing.T) {
	const before = pinHead + "spec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {requireDigest: true, image: \"r.example/init:v1\"}\n"
	_, err := read(before)
	assert.EqualError(t, err, `bypass.yaml:5: spec.enforcement.image: "r.example/init:v1" has no digest, but spec.enforcement.requireDigest is true: krm-bypass pin FILE adds it to the spec`)
	file, _, err := spec.Pin(yamltext.File{Path: "bypass.yaml", Text: []byte(before)}, published, resolved)
	require.NoError(t, err)
	_, err = read(string(file.Text))
	assert.NoError(t, err)
}

func TestWhatCannotBePinnedStays(t *testing.T) {
	for _, test := range []struct{ name, text, says string }{
		{"no spec", "kind: Deployment\n", "bypass.yaml: there is no ClusterBypass in this file: name the file that has one (apiVersion krm-bypass.dev/v1alpha1)"},
		{"nothing", "", "bypass.yaml: there is no ClusterBypass in this file: name the file that has one (apiVersion krm-bypass.dev/v1alpha1)"},
		{"no YAML", pinHead + "spec: [\n", "bypass.yaml:3: reading the document: not valid YAML: brackets that are not closed"},
		{"no image", pinHead + "spec:\n  mesh: FSM\n", "bypass.yaml:4: spec.enforcement.image: missing: name the image to pin, such as registry.example.com/mesh/init:v0.1.0; make push prints the line"},
		{"a number", pinHead + "spec:\n  enforcement:\n    image: 7\n", "bypass.yaml:5: spec.enforcement.image: the number 7 is not an image: write a reference such as registry.example.com/mesh/init:v0.1.0"},
		{"a blank in it", pinHead + "spec: {enforcement: {image: a b}}\n", "bypass.yaml:3: spec.enforcement.image: \"a b\" is not an image: write a reference such as registry.example.com/mesh/init:v0.1.0"},
		{"a mapping", pinHead + "spec: {enforcement: {image: {name: a}}}\n", "bypass.yaml:3: spec.enforcement.image: a mapping is not an image: write a reference such as registry.example.com/mesh/init:v0.1.0"},
		{"a registry that does not answer", pinHead + "spec: {enforcement: {image: bad/b:c}}\n", "bypass.yaml:3: spec.enforcement.image: resolving bad/b:c: nobody there"},
		{"an answer without a digest", pinHead + "spec: {enforcement: {image: odd/b:c}}\n", "bypass.yaml:3: spec.enforcement.image: resolving odd/b:c: the result has no digest: odd/b:c"},
		{"two of which one is wrong", pinHead + "spec: {enforcement: {image: a/b:c}}\n---\n" + pinHead + "spec: {enforcement: {image: bad/b:c}}\n", "bypass.yaml:7: spec.enforcement.image: resolving bad/b:c: nobody there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := yamltext.File{Path: "bypass.yaml", Text: []byte(test.text)}
			file, done, err := spec.Pin(given, "", func(image string) (string, error) {
				switch {
				case strings.HasPrefix(image, "bad/"):
					return "", errors.New("nobody there")
				case strings.HasPrefix(image, "odd/"):
					return image, nil
				}
				return resolved(image)
			})
			var problems spec.Problems
			require.ErrorAs(t, err, &problems)
			assert.True(t, strings.HasPrefix(err.Error(), test.says), err.Error())
			assert.Equal(t, given, file)
			assert.Empty(t, done)
		})
	}
}
