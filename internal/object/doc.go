// Package object says what a Kubernetes object is. Nothing else in this project
// decides it.
//
// The judge is kubectl: what it would apply counts. kustomize and Argo CD read
// some texts otherwise. Where one of them would see another pod template than
// kubectl, or other annotations on one, the text is an error, unless kubectl is
// the only one that sees a pod template at all; then that one counts.
//
// # Documents
//
// A stream is cut before each line that begins with "---" and behind each line
// "...". What stands behind "..." is a document whether a "---" comes before it
// or not, although kubectl passes over it.
//
// A line that begins with "---" is an error where YAML takes it for text, as in
// "---#x: |": kubectl and kustomize cut there all the same
// (kubernetes/apimachinery pkg/util/yaml/decoder.go, YAMLReader;
// kubernetes-sigs/kustomize kyaml/kio/byteio_reader.go, splitDocuments).
//
// JSON values that follow one another are a document each
// (kubernetes/apimachinery pkg/util/yaml/decoder.go, YAMLOrJSONDecoder).
//
// Every document is read to its end. One that no YAML parser reads is an error,
// whatever its first lines say.
//
// # Objects and lists
//
// An object is a mapping with an apiVersion and a kind. A mapping whose items
// are a list of mappings is a list, whatever its kind, and its items are the
// objects, at any depth (kubernetes/cli-runtime pkg/resource/visitor.go,
// FlattenListVisitor; kubernetes/apimachinery
// pkg/apis/meta/v1/unstructured/helpers.go, decode). kustomize and Argo CD pass
// a list under another kind on to kubectl, which then opens it.
//
// An item that has neither an apiVersion nor a kind is of the list's apiVersion,
// and of its kind without "List": a Deployment in a DeploymentList. kubectl
// fills both in (kubernetes/apimachinery
// pkg/apis/meta/v1/unstructured/helpers.go, decodeToList), and no other tool
// sees an object there.
//
// An object that has items, null or none of them too, and carries a pod template
// itself is an error: kubectl sees the items alone, kustomize the object.
//
// # Keys
//
// A key that appears twice is an error on the way to what we read or write. A
// parser that takes the first and one that takes the last see two objects.
// Deeper in a workload it is a warning, and the bytes stay.
//
// So is a key that stands before a merge key that merges it in again: kubectl's
// parser lets the later one win (go.yaml.in/yaml/v2 decode.go, mapping), YAML's
// own rule is that the key wins. Behind the merge key all readers agree.
//
// Only << without quotes is a merge key. A quoted one, and any key with the tag
// !!merge, is an error there: kustomize merges by it
// (kubernetes-sigs/kustomize kyaml/yaml/rnode.go, removeMergeTags), kubectl does not.
//
// A key on that way that is written as !!binary or as an alias is an error:
// kubectl decodes it, kustomize compares the text that stands there.
package object
