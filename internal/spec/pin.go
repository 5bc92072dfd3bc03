package spec

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Pinned says what image stands in a spec, and what image is to.
type Pinned struct {
	// File and Line are where it stands, or where the spec begins that names
	// none.
	File string
	Line int
	// Was is the image before, "" where the spec names none, and Is the one with
	// its digest.
	Was, Is string
}

// imagePath leads to the image in a spec.
var imagePath = edit.Path{"spec", "enforcement", "image"}

// Pin writes into every ClusterBypass of a file the image that resolve gives for
// the one that stands there, and changes no other byte. It looks at that field
// alone: a spec may have mistakes elsewhere. A spec that names no image gets
// published, which has a digest; where that is "", it is an error. The error is
// Problems; the file is then as it came.
//
// The caller resolves images, since this package knows no network.
func Pin(f yamltext.File, published string, resolve func(image string) (string, error)) (yamltext.File, []Pinned, error) {
	var found []Pinned
	texts, problems := Texts(f)
	var replacements []yamltext.Replacement
	for _, t := range texts {
		line := t.Line + node.LineAt(t.Nodes, imagePath) - 1 // before anything is put there
		pin, edits, problem := pinned(t.Nodes, published, resolve)
		if problem == nil && len(edits) > 0 {
			text, err := t.Apply(edits)
			if err != nil {
				problem = &Problem{Message: err.Error()}
			}
			replacements = append(replacements, yamltext.Replacement{Span: t.In, Text: string(text)})
		}
		if problem != nil {
			problem.File, problem.Line, problem.Path = f.Path, line, imagePath.String()
			problems = append(problems, *problem)
			continue
		}
		pin.File, pin.Line = f.Path, line
		found = append(found, pin)
	}
	if len(texts) == 0 && problems == nil {
		problems = Problems{{File: f.Path, Message: fmt.Sprintf("there is no %s in this file: name the file that has one (apiVersion %s)", v1alpha1.Kind, v1alpha1.APIVersion)}}
	}
	if problems != nil {
		return f, nil, problems
	}
	return yamltext.File{Path: f.Path, Text: yamltext.Replace(f.Text, replacements)}, found, nil
}

func pinned(spec *yaml.Node, published string, resolve func(string) (string, error)) (Pinned, []edit.Edit, *Problem) {
	standing := node.Of(spec).At(imagePath...).Node()
	if standing == nil || standing.ShortTag() == "!!null" {
		if published == "" {
			return Pinned{}, nil, &Problem{Message: "missing: name the image to pin, such as " + exampleImage + "; make push prints the line"}
		}
		return Pinned{Is: published}, setImage(published, 0), nil
	}
	if standing.Kind != yaml.ScalarNode || standing.ShortTag() != "!!str" || !isImage(standing.Value) {
		return Pinned{}, nil, &Problem{Value: standing.Value, Message: fmt.Sprintf("%s is not an image: write a reference such as %s", describe(standing), exampleImage)}
	}
	pin := Pinned{Was: standing.Value}
	is, err := resolve(pin.Was)
	if err != nil {
		return pin, nil, &Problem{Value: pin.Was, Message: fmt.Sprintf("resolving %s: %v", pin.Was, err)}
	}
	if !pinnedImage.Matches(is) {
		return pin, nil, &Problem{Value: pin.Was, Message: fmt.Sprintf("resolving %s: the result has no digest: %s", pin.Was, is)}
	}
	if pin.Is = is; is == pin.Was {
		return pin, nil, nil
	}
	return pin, setImage(is, standing.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle)), nil
}

func setImage(image string, style yaml.Style) []edit.Edit {
	return []edit.Edit{{Path: imagePath, Op: edit.Set, Value: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: image, Style: style}}}
}
