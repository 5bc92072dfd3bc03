package object

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

var (
	errItems       = errors.New("kubectl takes an object with items for a list, and applies what is in it alone; other tools apply the object: remove the items, or the pod template")
	errBlank       = errors.New("a blank or a line break in it, which tools read differently: write it on one line, without blanks")
	errListVersion = errors.New("this list in a list has no apiVersion, and kubectl refuses it: add apiVersion: v1")
	errListTwice   = errors.New("an alias brings in a list that appears elsewhere in the document already: write it out")
)

// Head is what names an object.
type Head struct {
	Type
	Name, Namespace string
	Annotations     map[string]string
}

// String names the object in a message.
func (h Head) String() string { return Named(h.Kind, h.Namespace, h.Name) }

// Origin gives where the object came from.
func (h Head) Origin() Origin { return Noted(h.Annotations) }

// HeadOf reads as much of a document's head as there is. What is wrong with it
// is for others to say.
func HeadOf(document *yaml.Node) Head {
	root := node.Of(document)
	metadata := root.Entry("metadata")
	return Head{
		Type: TypeOf(root), Name: metadata.Entry("name").Text(), Namespace: metadata.Entry("namespace").Text(),
		Annotations: metadata.Entry("annotations").Strings(),
	}
}

// Named names an object in a message: Deployment shop/web.
func Named(kind, namespace, name string) string {
	switch {
	case namespace != "" && name == "":
		name = "in " + namespace + " without a name"
	case namespace != "":
		name = namespace + "/" + name
	}
	return strings.TrimSpace(kind + " " + name)
}

// Group gives the API group of an apiVersion, "" for that of Kubernetes' core.
func Group(apiVersion string) string {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return ""
	}
	return group
}

// Origin is where an object came from, as an orchestrator noted it: a file and
// the object's place in it, counted from 0.
type Origin struct {
	File  string
	Index int
}

// The annotations of orchestrators that read files, kpt among them
// (kubernetes-sigs/kustomize kyaml/kio/kioutil/kioutil.go).
const (
	pathAnnotation        = "internal.config.kubernetes.io/path"
	indexAnnotation       = "internal.config.kubernetes.io/index"
	legacyPathAnnotation  = "config.kubernetes.io/path"
	legacyIndexAnnotation = "config.kubernetes.io/index"
)

// OriginOf gives where an object came from; the zero Origin if nobody noted it.
func OriginOf(object node.Value) Origin {
	return Noted(object.Below("metadata", "annotations").Strings())
}

// OriginAnnotation is kustomize's, for the file that it made an object from
// (kubernetes-sigs/kustomize api/internal/utils/annotations.go).
const OriginAnnotation = "config.kubernetes.io/origin"

// Made gives the file from which kustomize made the object, or in which it found what
// generates it, relative to the folder that it built; "" if it did not say, or if the
// file is in another repository.
func (h Head) Made() string {
	note, err := node.Parse([]byte(h.Annotations[OriginAnnotation]))
	if err != nil || node.Of(note).Entry("repo").Exists() {
		return ""
	}
	return cmp.Or(node.Of(note).Entry("path").Text(), node.Of(note).Entry("configuredIn").Text())
}

// Noted gives where an object with the annotations came from.
func Noted(annotations map[string]string) Origin {
	file, position := annotations[pathAnnotation], annotations[indexAnnotation]
	if file == "" {
		file, position = annotations[legacyPathAnnotation], annotations[legacyIndexAnnotation]
	}
	index, err := strconv.Atoi(position)
	if err != nil || file == "" {
		index = 0
	}
	return Origin{file, index}
}

// IsLent reports whether an orchestrator puts an annotation on an object for a
// function's run, and takes it away afterwards (kubernetes-sigs/kustomize
// kyaml/kio/kioutil/kioutil.go, kyaml/kio/byteio_writer.go; helm/helm
// pkg/action/action.go, annotateAndMerge).
func IsLent(annotation string) bool {
	switch annotation {
	case legacyPathAnnotation, legacyIndexAnnotation, "config.k8s.io/id", kustomizeID, "postrenderer.helm.sh/postrender-filename":
		return true
	}
	return strings.HasPrefix(annotation, "internal.config.kubernetes.io/")
}

// KustomizeGroup begins the apiVersion of a Kustomization and a Component, which no
// API server knows.
const KustomizeGroup = "kustomize.config.k8s.io/"

// IsKustomizes reports whether annotations are those of a resource that kustomize
// gives to a function (kubernetes-sigs/kustomize api/internal/plugins/utils/utils.go,
// GetResMapWithIDAnnotation).
func IsKustomizes(annotations map[string]string) bool { return annotations[kustomizeID] != "" }

const kustomizeID = KustomizeGroup + "id"
