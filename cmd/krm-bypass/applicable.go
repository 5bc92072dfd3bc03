package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// localConfig marks an object that is for the tools that read a package, and
// is never applied to a cluster (kubernetes-sigs/kustomize
// kyaml/kio/filters/local.go). kpt takes every value but "false" for it.
const localConfig = "config.kubernetes.io/local-config"

// applicable gives the parts of a file that are for a cluster. It leaves out
// documents that are marked as local configuration, and those that configure this
// function. Every other document must be a Kubernetes object.
func applicable(f fn.Manifest) (kept [][]byte, problems fn.Results) {
	at := 0
	for _, d := range stream.Of(f).Documents {
		end := d.End() + object.Ended(f.Text[d.End():])
		items, nodes := object.Items(d.Fragment())
		for _, item := range items {
			text, err := object.Read(item.Text)
			if err != nil {
				line, problem := yamltext.Located(err)
				return nil, fn.Results{{Severity: fn.Error, File: &fn.File{Path: f.Path, Index: d.Index}, Line: d.Line + item.Line + max(line, 1) - 2, Message: "reading the document: " + problem}}
			}
			if nodes == nil {
				nodes = text.Nodes
			}
		}
		head := object.HeadOf(nodes)
		local, marked := head.Annotations[localConfig]
		refuse := func(why string) {
			problems = append(problems, fn.Result{Severity: fn.Error, File: &fn.File{Path: f.Path, Index: d.Index}, Line: d.Line + node.LineAt(nodes, nil) - 1, Message: why})
		}
		switch {
		case spec.Configures(nodes) || marked && local != "false":
			kept = append(kept, f.Text[at:d.Offset])
		case kustomization.Is(f.Path) && head.Kind == "":
			refuse("a kustomization is for kustomize and not for a cluster: name its folder to have it built, or only the files to render")
		case head.APIVersion == "" || head.Kind == "":
			why := cmp.Or(object.Incomplete(node.Of(nodes)), "it has no apiVersion or kind")
			refuse(fmt.Sprintf("the document is not a Kubernetes object: %s: mend or remove it, or name only the files to render", why))
		case strings.HasPrefix(head.APIVersion, object.KustomizeGroup):
			refuse(fmt.Sprintf("a %s is for kustomize and not for a cluster: name its folder to have it built, or only the files to render", head.Kind))
		default:
			kept = append(kept, f.Text[at:end])
		}
		at = end
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return append(kept, f.Text[at:]), nil
}
