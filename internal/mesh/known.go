package mesh

import (
	"slices"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// Where a mesh knows a key, as the lists have it: it reads it as an annotation or a
// label of a pod; or it knows it elsewhere, on other objects or from its own hand.
const (
	knownPod   = "pod"
	knownLabel = "label"
	knownElse  = "else"
)

// vocabulary is the keys that a mesh knows. It is read when it is first wanted.
type vocabulary struct {
	// list has a line for each key: where it is known, the key, and the kind of its values
	// where the mesh refuses any other; and comments with their sources.
	list *string
	once sync.Once
	// at are the keys by where they are known; one may end in "*".
	at map[string][]string
	// prefixes are what stands before the "/" in them.
	prefixes []string
	// kinds say of what kind the values of some are, by where they are known and the key.
	kinds map[[2]string]string
}

// kinds of values, which the injector of a mesh refuses a pod for any other of.
var kinds = []kind{
	{"bool", parsedBool, `"true" or "false"`},
	{"switch", `^(enabled|disabled|true|false|yes|no)$`, "enabled or disabled"},
	{"yesno", `^(true|false|yes|no)$`, `"true" or "false"`},
	{"number", `^[0-9]+$`, "a number"},
	{"quantity", `^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$`, "a quantity such as 100m or 64Mi"},
	{"json", `^\s*([{\[]|null)`, "JSON"},
	{"mapping", `[:{]|^\s*$`, "YAML with fields"},
	{"interfaces", `^$|^\s*[A-Za-z][^,/\s]*\s*(,\s*[A-Za-z][^,/\s]*\s*)*$`, "names of interfaces"},
	{"list", `^\s*(\[|null)`, "a list in JSON"},
}

type kind struct {
	name string
	// takes matches the values (RE2), and write says what to write.
	takes, write string
}

// read gives the vocabulary with its keys.
func (v *vocabulary) read() *vocabulary {
	v.once.Do(func() {
		v.at, v.kinds = map[string][]string{}, map[[2]string]string{}
		for line := range strings.Lines(*v.list) {
			where, key, _ := strings.Cut(strings.TrimSpace(line), " ")
			if where == "#" {
				continue
			}
			key, kind, _ := strings.Cut(key, " ")
			v.at[where] = append(v.at[where], key)
			if kind != "" {
				v.kinds[[2]string{where, key}] = kind
			}
			if prefix, _, _ := strings.Cut(key, "/"); !slices.Contains(v.prefixes, prefix) {
				v.prefixes = append(v.prefixes, prefix)
			}
		}
	})
	return v
}

// knows reports whether the mesh knows a key in one of the places. All that it knows are
// under its domain; for any other key, as most are, the list need not be read.
func (m *Mesh) knows(key string, places ...string) bool {
	if !m.Owns(key) {
		return false
	}
	for _, place := range places {
		for _, known := range m.known.read().at[place] {
			if begin, open := strings.CutSuffix(known, "*"); known == key || open && strings.HasPrefix(key, begin) {
				return true
			}
		}
	}
	return false
}

// hasKeysUnder reports whether the mesh knows keys with a prefix, which may be spelled with
// letters that look alike.
func (m *Mesh) hasKeysUnder(prefix string) bool {
	return (m.Owns(prefix+"/") || !spelling.IsASCII(prefix)) && spelling.Nearest(prefix, m.known.read().prefixes, 0) >= 0
}
