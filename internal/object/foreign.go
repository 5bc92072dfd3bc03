package object

import (
	"bytes"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// IsForeign reports whether a file is for other tools than kubectl: none of its
// documents is an object, nor looks like one that lacks something. Such files are
// JSON Schemas, values of charts, dashboards and package.json.
func IsForeign(text []byte) bool {
	if begins(text, "apiVersion:") && begins(text, "kind:") {
		return false
	}
	documents := Documents(text)
	return len(documents) > 0 && !slices.ContainsFunc(documents, func(d Document) bool { return !isForeign(d) })
}

// begins reports whether a line of a text begins so.
func begins(text []byte, line string) bool {
	return bytes.HasPrefix(text, []byte(line)) || bytes.Contains(text, []byte("\n"+line))
}

func isForeign(d Document) bool {
	document, err := Decode(d.Fragment())
	if err != nil {
		return HoldsNone(d.Text)
	}
	root := node.Of(document)
	is := TypeOf(root)
	return !is.List && (is.APIVersion == "" || is.Kind == "") && Incomplete(root) == ""
}

// HoldsNone reports whether no reader finds an object in a text that this one does not
// read, as in JSON with comments: the words that every object has are not there,
// nor anything by which one could write them otherwise, or have a chart fill them in.
func HoldsNone(text []byte) bool {
	lower := bytes.ToLower(text)
	return !bytes.Contains(lower, []byte("apiversion")) && !bytes.Contains(lower, []byte("kind")) &&
		!bytes.ContainsAny(text, "\\!\x00") && !bytes.Contains(text, []byte("{{"))
}

// headKeys are those by which one recognises an object.
var headKeys = []string{"apiVersion", "kind", "metadata", "spec"}

// Incomplete says what a document lacks to be an object, if two of the keys by which
// one recognises one are there, well or badly written; "" if it is an object, or
// nothing like one.
func Incomplete(root node.Value) string {
	if !root.IsMapping() {
		return ""
	}
	var has, lacks []string
	for _, key := range headKeys {
		if written := asWritten(root, key); written != "" {
			has = append(has, written)
		}
		if (key == "apiVersion" || key == "kind") && root.Entry(key).Text() == "" {
			lacks = append(lacks, key)
		}
	}
	if len(has) < 2 || len(lacks) == 0 {
		return ""
	}
	last := len(has) - 1
	return "it has " + strings.Join(has[:last], ", ") + " and " + has[last] + ", but no " + strings.Join(lacks, " and no ")
}

// asWritten gives the key of a mapping that somebody wrote for another, "" for none.
func asWritten(root node.Value, key string) string {
	if root.Entry(key).Exists() {
		return key
	}
	for e := range root.Entries() {
		if strings.EqualFold(e.Key, key) || len(key) > 5 && spelling.Nearest(e.Key, []string{key}, 2) >= 0 {
			return e.Key
		}
	}
	return ""
}
