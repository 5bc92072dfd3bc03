package edit

import (
	"bytes"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Shared is what is made of an edit's value once for all edits that have the same: it in
// the style of a place, and the text of that.
type Shared struct {
	lock  sync.RWMutex
	nodes map[yaml.Style]*yaml.Node
	texts map[written]string
}

// written is how a value is written.
type written struct {
	node                         *yaml.Node
	step, sequence, dash, column int
}

// mostTexts is how many texts of a value are kept: layouts of documents are few.
const mostTexts = 1 << 6

func (s *Shared) node(like yaml.Style, dress func() (*yaml.Node, error)) (*yaml.Node, error) {
	s.lock.RLock()
	known := s.nodes[like]
	s.lock.RUnlock()
	if known != nil {
		return known, nil
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.nodes == nil {
		s.nodes, s.texts = map[yaml.Style]*yaml.Node{}, map[written]string{}
	}
	if s.nodes[like] == nil {
		node, err := dress()
		if err != nil {
			return nil, err
		}
		s.nodes[like] = node
	}
	return s.nodes[like], nil
}

func (s *Shared) text(of written, write func(*bytes.Buffer)) string {
	s.lock.RLock()
	text, known := s.texts[of]
	s.lock.RUnlock()
	if known {
		return text
	}
	var b bytes.Buffer
	write(&b)
	text = b.String()
	s.lock.Lock()
	defer s.lock.Unlock()
	if len(s.texts) < mostTexts {
		s.texts[of] = text
	}
	return text
}

// shared is such a value in a draft. Whoever changes something there has it copied first
// (see child).
type shared struct {
	node *yaml.Node
	by   *Shared
}

type sharing []shared

func (s sharing) of(node *yaml.Node) *Shared {
	for _, one := range s {
		if one.node == node {
			return one.by
		}
	}
	return nil
}

// copied gives a copy of a value.
func copied(value *yaml.Node) *yaml.Node {
	own := *value
	own.Content = slices.Clone(value.Content)
	for i, child := range own.Content {
		own.Content[i] = copied(child)
	}
	return &own
}
