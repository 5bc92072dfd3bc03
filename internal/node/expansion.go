package node

import "go.yaml.in/yaml/v3"

// Endless is the size of what contains itself, and of what is larger.
const Endless = 1 << 40

// Expansion is what a document would be if all that its aliases stand for were
// written out.
type Expansion struct {
	// Size is that of the document as it is, Added what its aliases stand for.
	Size, Added int
	// Largest is the first of the aliases that stand for the most, Within the first
	// that stands within what it stands for.
	Largest, Within *yaml.Node
}

// Expand measures a document and what its aliases stand for. It looks at each node
// once.
func Expand(document *yaml.Node) Expansion {
	m := measure{sizes: map[*yaml.Node]int{}, open: map[*yaml.Node]bool{}}
	whole := m.size(document)
	m.Size = max(whole-m.Added, 0)
	return m.Expansion
}

type measure struct {
	Expansion
	// sizes are those of values with an anchor, and of others that an alias met.
	sizes map[*yaml.Node]int
	// open are those of them that are being measured.
	open map[*yaml.Node]bool
	most int
}

// size gives that of a node, what aliases stand for included.
func (m *measure) size(n *yaml.Node) int {
	const node = 32 // what each takes besides its text
	if n.Anchor != "" {
		m.sizes[n], m.open[n] = Endless, true
	}
	size := node + len(n.Value)
	for _, child := range n.Content {
		size = min(size+m.size(child), Endless)
	}
	if n.Alias != nil {
		target := m.target(n.Alias)
		if target > m.most {
			m.most, m.Largest = target, n
		}
		if m.Within == nil && m.open[n.Alias] {
			m.Within = n
		}
		m.Added = min(m.Added+target, Endless)
		size = min(size+target, Endless)
	}
	if n.Anchor != "" {
		m.sizes[n], m.open[n] = size, false
	}
	return size
}

// target gives the size of what an alias stands for. In a text that has been met, or
// the alias is within; an edited tree may hold it nowhere else.
func (m *measure) target(n *yaml.Node) int {
	if size, met := m.sizes[n]; met {
		return size
	}
	m.sizes[n], m.open[n] = Endless, true
	m.sizes[n] = m.size(n)
	m.open[n] = false
	return m.sizes[n]
}
