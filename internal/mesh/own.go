package mesh

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// OwnPorts is a set of ports that belong to the mesh.
type OwnPorts struct {
	Ports traffic.PortRange
	// Purpose says what listens there.
	Purpose string
}

func (o OwnPorts) bare() traffic.Ports { return traffic.NewPorts(traffic.TCP, o.Ports).Bare() }

// Owned gives the mesh's own ports among the given ones.
func (m *Mesh) Owned(ports traffic.Ports) []OwnPorts {
	var owned []OwnPorts
	for _, own := range m.OwnPorts {
		if !ports.Intersect(own.bare()).IsEmpty() {
			owned = append(owned, own)
		}
	}
	return owned
}

// Own gives those of the ports that are the mesh's own, also by an annotation.
func (m *Mesh) Own(ports traffic.Ports, by ...Moved) traffic.Ports {
	var all traffic.Ports
	for _, own := range m.OwnPorts {
		all = all.Union(own.bare())
	}
	for _, moved := range by {
		all = all.Union(moved.bare())
	}
	return ports.Intersect(all)
}

// OwnIn gives the mesh's own ports in pods with these annotations.
func (m *Mesh) OwnIn(annotations map[string]string) []OwnPorts {
	own := slices.Clone(m.OwnPorts)
	for _, moved := range m.Moves(annotations) {
		own = slices.DeleteFunc(own, func(o OwnPorts) bool { return o.Ports == moved.former() })
		own = append(own, moved.OwnPorts)
	}
	return own
}

// Moved is a port that is the mesh's own because an annotation of the pod says so.
type Moved struct {
	OwnPorts
	Annotation string
	// by is the row of the annotation.
	by Other
}

// former is the port in whose place it is.
func (m Moved) former() traffic.PortRange {
	return traffic.PortRange{First: m.by.Moves, Last: m.by.Moves}
}

// String says which it is.
func (m Moved) String() string {
	return fmt.Sprintf("%s makes %s a port of %s, in place of %s", m.Annotation, m.Ports, m.Purpose, m.former())
}

// Holds reports whether it is among some ports.
func (m Moved) Holds(ports traffic.Ports) bool { return !ports.Intersect(m.bare()).IsEmpty() }

// Moves gives such ports of pods with these annotations.
func (m *Mesh) Moves(annotations map[string]string) []Moved {
	var all []Moved
	for i := range m.Others {
		if m.Others[i].Moves == 0 {
			continue
		}
		o := m.Others[i]
		port, read := onePort(annotations[o.Annotation])
		if !read {
			continue
		}
		moved := Moved{OwnPorts{port.Ranges(traffic.TCP)[0], o.Purpose}, o.Annotation, o}
		if moved.Ports != moved.former() {
			all = append(all, moved)
		}
	}
	return all
}

// Unasked gives the inbound ports that the mesh excludes in pods with these annotations
// although nobody asks for it, and others that it may exclude, each with why.
func (m *Mesh) Unasked(annotations map[string]string) (always traffic.Ports, perhaps map[uint16]string) {
	always = m.Always
	gone := func(by Other) {
		always = always.Without(traffic.SinglePorts(traffic.TCP, by.Moves))
		if by.Stays != "" {
			perhaps = map[uint16]string{by.Moves: by.Stays}
		}
	}
	for _, o := range m.Others {
		if o.Moves != 0 && annotations[o.Annotation] == "0" { // none at all
			gone(o)
		}
	}
	for _, moved := range m.Moves(annotations) {
		gone(moved.by)
	}
	return always, perhaps
}

// The fields of a security context that say as whom one runs.
const (
	AsUser  = "runAsUser"
	AsGroup = "runAsGroup"
)

// Sidecars gives the users or the groups, as a field of a security context has them,
// whose traffic the mesh takes for its sidecar's in pods with these annotations.
func (m *Mesh) Sidecars(as string, annotations map[string]string) []string {
	for i := range m.Others {
		o := &m.Others[i]
		if o.As != as {
			continue
		}
		value, says := annotations[o.Annotation]
		if !says {
			continue
		}
		if id, err := strconv.ParseInt(value, 10, 64); err == nil {
			return []string{strconv.FormatInt(id, 10)}
		}
	}
	switch as {
	case AsUser:
		return m.UIDs
	case AsGroup:
		return m.GIDs
	}
	return nil
}
