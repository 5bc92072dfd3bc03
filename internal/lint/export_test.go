package lint

import "slices"

// Checks lists every check. The caller must not change the slice.
func Checks() []*Check { return table }

// Kinds names the kinds of objects that the check reads beside workloads, with
// their groups.
func (c *Check) Kinds() []string {
	var names []string
	for _, k := range slices.Concat(c.about, c.reads) {
		names = append(names, k.String())
	}
	slices.Sort(names)
	return names
}

// String gives the kind as a match's entry does: PeerAuthentication.security.istio.io.
func (k *kind) String() string {
	if k.group == "" {
		return k.name
	}
	return k.name + "." + k.group
}
