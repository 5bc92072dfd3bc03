package readers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Template is a pod template as a reader sees it: the object that has it, and
// the annotations on it.
type Template struct {
	APIVersion, Kind, Namespace, Name string
	Annotations                       map[string]string
	// refused says that no server takes the object: it has no name that can be
	// one, or an annotation is not a string. Nobody has to see it.
	refused bool
	// pod says that the template has containers: without them, no server takes it
	// either, and no pod comes of it.
	pod bool
	// changeable says that krm-bypass has no reason to leave it alone: a container
	// has an image, and objects of its kind can change in a cluster.
	changeable bool
	// optedOut says that the mesh leaves it alone.
	optedOut bool
}

func (t Template) String() string {
	name := t.Name
	if t.Namespace != "" {
		name = t.Namespace + "/" + name
	}
	words := []string{strings.TrimSpace(t.Kind + " " + name)}
	for _, key := range slices.Sorted(maps.Keys(t.Annotations)) {
		short := strings.NewReplacer(inbound, "in", outbound, "out").Replace(key)
		words = append(words, short+"="+t.Annotations[key])
	}
	return strings.Join(words, " ")
}

// key holds all of the template, so that two of them can be compared.
func (t Template) key() string {
	if len(t.Annotations) == 0 {
		t.Annotations = nil
	}
	text, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A Reading is what a reader makes of a text. Both may be there: kubectl applies
// what it read before an error.
type Reading struct {
	Templates []Template
	Err       error
}

// keys are those of the templates that a server takes, sorted.
func (r Reading) keys() []string {
	var keys []string
	for _, t := range r.Templates {
		if !t.refused {
			keys = append(keys, t.key())
		}
	}
	slices.Sort(keys)
	return keys
}

// refuses says that a server does not take one of the templates.
func (r Reading) refuses() bool {
	return slices.ContainsFunc(r.Templates, func(t Template) bool { return t.refused })
}

func (r Reading) String() string {
	words := make([]string, 0, len(r.Templates)+1)
	for _, t := range r.Templates {
		words = append(words, t.String())
	}
	if r.Err != nil {
		words = append(words, "error")
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// A Reader reads a text of manifests. It is safe for several goroutines.
type Reader interface {
	Name() string
	Read(text []byte) Reading
}

// kinds says where each kind's pod template stands: spec.md's list, told by group
// and kind. It is not krm-bypass's own table, so that a row lost there shows here.
var kinds = map[string]string{
	"apps/Deployment":                   "spec.template",
	"apps/StatefulSet":                  "spec.template",
	"apps/DaemonSet":                    "spec.template",
	"apps/ReplicaSet":                   "spec.template",
	"/ReplicationController":            "spec.template",
	"/PodTemplate":                      "template",
	"/Pod":                              "",
	"batch/Job":                         "spec.template",
	"batch/CronJob":                     "spec.jobTemplate.spec.template",
	"argoproj.io/Rollout":               "spec.template",
	"apps.kruise.io/CloneSet":           "spec.template",
	"apps.kruise.io/StatefulSet":        "spec.template",
	"apps.kruise.io/DaemonSet":          "spec.template",
	"serving.knative.dev/Service":       "spec.template",
	"serving.knative.dev/Configuration": "spec.template",
}

// templateOf gives the pod template of an object that a judge has decoded. An
// object whose kind has one counts even where the template is missing: then
// nothing is on it.
func templateOf(object map[string]any) (Template, bool) {
	kind, _ := object["kind"].(string)
	apiVersion, word := object["apiVersion"].(string)
	if !word && object["apiVersion"] != nil {
		return Template{}, false // no server knows it
	}
	group, _, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group = ""
	}
	path, known := kinds[group+"/"+kind]
	if !known {
		return Template{}, false
	}
	template := object
	if path != "" {
		for step := range strings.SplitSeq(path, ".") {
			template, _ = template[step].(map[string]any)
		}
	}
	metadata, _ := object["metadata"].(map[string]any)
	t := Template{APIVersion: apiVersion, Kind: kind}
	t.Namespace = t.text(metadata["namespace"])
	t.Name = t.text(metadata["name"])
	own, _ := template["metadata"].(map[string]any)
	annotations, _ := own["annotations"].(map[string]any)
	for key, value := range annotations {
		if t.Annotations == nil {
			t.Annotations = map[string]string{}
		}
		t.Annotations[key] = t.text(value)
	}
	if t.Name == "" {
		t.Name, _ = metadata["generateName"].(string)
	}
	t.refused = t.refused || !objectName.MatchString(t.Name) || !objectName.MatchString(cmp.Or(t.Namespace, "default"))
	labels, _ := own["labels"].(map[string]any)
	t.optedOut = labels[inject] == "false" || labels[inject] == nil && annotations[inject] == "false"
	pod, _ := template["spec"].(map[string]any)
	containers, _ := pod["containers"].([]any)
	t.pod = len(containers) > 0
	t.changeable = kind != "Pod" && kind != "Job" && slices.ContainsFunc(containers, func(c any) bool {
		container, _ := c.(map[string]any)
		image, _ := container["image"].(string)
		return image != ""
	})
	return t, true
}

// objectName is what a server takes as a name or as the start of one.
var objectName = regexp.MustCompile(`^[a-z0-9][-a-z0-9.]*$`)

// text gives a string as it is and null as the empty one that a server makes of
// it. It takes nothing else here.
func (t *Template) text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		t.refused = true
		return fmt.Sprintf("(%T)", value)
	}
}
