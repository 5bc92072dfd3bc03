package lint

// Checks lists every check. The caller must not change the slice.
func Checks() []*Check { return table() }

// Kinds names the kinds of objects that the check reads beside workloads.
func (c *Check) Kinds() []string { return Reads(c.Kind) }
