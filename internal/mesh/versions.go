package mesh

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// Fact is what is true of some versions alone. A spec names no version: what is written
// holds for all of them, and a fact only tells who is concerned.
type Fact struct {
	// Of is the product whose versions count: the mesh, or one of its parts.
	Of string
	// Since is the first version of which it is true, and Until the first of which it
	// no longer is; "" where there is none.
	Since, Until string
	// Says completes "in VERSIONS ".
	Says string
	// Passes are outbound ports that it lets past the sidecar.
	Passes traffic.Ports
	// Source is where the product says so.
	Source string
}

// Versions names the versions.
func (f Fact) Versions() string {
	text := f.Of
	if f.Since != "" {
		text += " since " + f.Since
	}
	if f.Until != "" {
		text += " before " + f.Until
	}
	return text
}

func (f Fact) String() string { return "in " + f.Versions() + " " + f.Says }
