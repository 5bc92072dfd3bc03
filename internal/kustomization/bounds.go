package kustomization

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// A few lines can have kustomize read a base, and replace an alias, any number
// of times. These bounds are far above what people write: kustomize takes a few
// seconds, and a few hundred MiB, for what they let pass.
const (
	maxDepth    = 100      // kustomizations, one below the other
	maxRepeats  = 5_000    // kustomizations that are read again
	maxBytes    = 64 << 20 // of all files, each as often as kustomize reads it
	maxExpanded = 10 << 20 // by which aliases, and the copies of a JSON patch, make a document longer
)

// boundCopies bounds what the copies of a JSON patch add, which double a field
// each time if one copies it into itself.
func boundCopies() (restore func()) {
	limit := jsonpatch.AccumulatedCopySizeLimit
	jsonpatch.AccumulatedCopySizeLimit = maxExpanded
	return func() { jsonpatch.AccumulatedCopySizeLimit = limit }
}

// cost is what kustomize does for a kustomization and all that it names: it
// reads one again each time that another names it.
type cost struct{ depth, visits, bytes int }

func (c *cost) add(base cost) {
	c.depth = max(c.depth, base.depth+1)
	c.visits += base.visits
	c.bytes += base.bytes
}

// errIfTooMuch refuses what costs too much, in a tree of so many layers. It is
// asked of each layer, bases first, so that no figure overflows.
func (c *cost) errIfTooMuch(layers int) error {
	switch {
	case c.depth > maxDepth:
		return fmt.Errorf("%d kustomizations stand one below the other here, more than %d: list bases side by side", c.depth, maxDepth)
	case c.visits-layers > maxRepeats:
		return fmt.Errorf("kustomize would read %d kustomizations for this, most of them again and again, and more than %d repetitions are refused: list each base and component once", c.visits, maxRepeats)
	case c.bytes > maxBytes:
		return fmt.Errorf("kustomize would read %d MiB for this, each file as often as it is listed, and more than %d MiB are refused: list each base once, and leave large files out", c.bytes>>20, maxBytes>>20)
	}
	return nil
}

var separator = pattern.Of(`(?m)^---.*$`)

// errIfExpands refuses documents that grow large once their aliases are
// replaced, as kustomize replaces them.
func errIfExpands(text []byte) error {
	if !bytes.ContainsRune(text, '&') || !bytes.ContainsRune(text, '*') {
		return nil
	}
	// kustomize parses some files as a whole, and of most the parts between
	// lines that look like separators (kyaml/kio/byteio_reader.go).
	for _, part := range append(separator.Regexp().Split(string(text), -1), string(text)) {
		decoder := yaml.NewDecoder(strings.NewReader(part))
		for {
			var document yaml.Node
			if decoder.Decode(&document) != nil {
				break // the end, or what kustomize does not parse either
			}
			switch added := node.Expand(&document).Added; {
			case added >= node.Endless:
				return fmt.Errorf("an alias stands within what it stands for, or aliases of aliases add more than %d GiB, and more than %d MiB are refused: write out what they stand for", node.Endless>>30, maxExpanded>>20)
			case added > maxExpanded:
				return fmt.Errorf("aliases add %d MiB to a document of %d bytes, and more than %d MiB are refused: write out what they stand for", added>>20, len(part), maxExpanded>>20)
			}
		}
	}
	return nil
}
