package spec

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Source is an object that says what bypasses: a ClusterBypass or a ConfigMap.
type Source struct {
	Node *yaml.Node
	// File is the one that it was read from, "" where an orchestrator's
	// annotations have to tell.
	File string
	// Line of the file in which the object's text begins, from 1; 0 if it is not
	// known.
	Line int
}

// Is reports whether an object is a ClusterBypass, of whatever version.
func Is(t object.Type) bool {
	return t.Kind == v1alpha1.Kind && object.Group(t.APIVersion) == v1alpha1.Group
}

func isConfigMap(t object.Type) bool { return t.APIVersion == "v1" && t.Kind == "ConfigMap" }

// FunctionAnnotation is that by which kustomize and kpt's predecessors find the
// function that an object configures, and functionSpec what of it matters here
// (kubernetes-sigs/kustomize kyaml/fn/runtime/runtimeutil/functiontypes.go).
const FunctionAnnotation = "config.kubernetes.io/function"

type functionSpec struct {
	Exec      struct{ Path string }
	Container struct{ Image string }
}

// The names by which this function is called.
var functionNames = []string{"krm-bypass", "krm-bypass-fn"}

// Configures reports whether an object configures this function: a ClusterBypass,
// or one whose annotation names the function as what is to be called with it.
func Configures(document *yaml.Node) bool {
	head := object.HeadOf(document)
	if Is(head.Type) {
		return true
	}
	var called functionSpec
	if yaml.Unmarshal([]byte(head.Annotations[FunctionAnnotation]), &called) != nil {
		return false
	}
	image, _, _ := strings.Cut(path.Base(called.Container.Image), ":")
	image, _, _ = strings.Cut(image, "@")
	return slices.Contains(functionNames, path.Base(called.Exec.Path)) || slices.Contains(functionNames, image)
}

// In finds what says which traffic bypasses in a file: its one ClusterBypass, or
// its one ConfigMap where there is none. The error is Problems.
func In(f yamltext.File) (Source, error) {
	fail := func(line int, format string, args ...any) (Source, error) {
		if f.Made {
			line = 0
		}
		return Source{}, Problems{{File: f.Path, Line: line, Message: fmt.Sprintf(format, args...)}}
	}
	var all, specs, configMaps []Source
	for _, d := range stream.Of(f).Documents {
		document, err := object.Decode(d.Fragment())
		if err != nil {
			line, problem := yamltext.Located(err)
			return fail(d.Line+max(line, 1)-1, "reading the document: %s", problem)
		}
		found := Source{document, f.Path, d.Line}
		if f.Made {
			found.Line = 0
		}
		all = append(all, found)
		switch head := object.HeadOf(document); {
		case Is(head.Type):
			specs = append(specs, found)
		case isConfigMap(head.Type):
			configMaps = append(configMaps, found)
		}
	}
	switch {
	case len(specs) == 1:
		return specs[0], nil
	case len(specs) > 1:
		return fail(specs[1].Line, "there are %d objects of kind %s in this file, and nothing says which one to use: keep one", len(specs), v1alpha1.Kind)
	case len(configMaps) == 1:
		return configMaps[0], nil
	}
	line, problem := none(all)
	return fail(line, "%s", problem)
}

// Slip says what is wrong with the type of an object that must be meant as a
// ClusterBypass; "" for any other.
func Slip(t object.Type) string {
	near := len(t.Kind) > len("Cluster") && len(spelling.Meant(t.Kind, []string{v1alpha1.Kind})) > 0
	switch {
	case Is(t):
	case t.Kind == v1alpha1.Kind && t.APIVersion == "":
		return "a ClusterBypass without apiVersion: write apiVersion: " + v1alpha1.APIVersion
	case t.Kind == v1alpha1.Kind:
		return fmt.Sprintf("a ClusterBypass of apiVersion %q: write apiVersion: %s", t.APIVersion, v1alpha1.APIVersion)
	case object.Group(t.APIVersion) == v1alpha1.Group && t.Kind == "":
		return fmt.Sprintf("an object of %s without kind: write kind: %s", t.APIVersion, v1alpha1.Kind)
	case object.Group(t.APIVersion) == v1alpha1.Group || near:
		return fmt.Sprintf("an object of kind %q: write kind: %s%s", t.Kind, v1alpha1.Kind, spelling.LookAlike(t.Kind))
	}
	return ""
}

// none says that a file with these objects holds no spec.
func none(found []Source) (line int, problem string) {
	for _, s := range found {
		if slip := Slip(object.HeadOf(s.Node).Type); slip != "" {
			return s.Line, slip
		}
	}
	if len(found) == 0 {
		return 0, fmt.Sprintf("the file is empty: write a %s into it (apiVersion %s)", v1alpha1.Kind, v1alpha1.APIVersion)
	}
	holds := ""
	if head := object.HeadOf(found[0].Node); head.Kind != "" {
		holds = ", which holds " + head.String()
	}
	return 0, fmt.Sprintf("there is no %s in this file%s: name the file that has one (apiVersion %s)", v1alpha1.Kind, holds, v1alpha1.APIVersion)
}

// Of gives a Go value the form in which every other spec comes. The value stays
// as it is. Where it does not name its apiVersion and kind, they are known.
func Of(c v1alpha1.ClusterBypass) (Source, error) {
	identify(&c)
	text, err := json.Marshal(c)
	if err != nil {
		return Source{}, fmt.Errorf("writing the spec as JSON: %w", err)
	}
	document, err := node.Parse(text)
	if err != nil {
		return Source{}, fmt.Errorf("reading the spec back: %w", err)
	}
	return Source{Node: document}, nil
}
