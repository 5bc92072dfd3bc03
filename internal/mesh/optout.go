package mesh

// OptOut is a way in which a template keeps the mesh's sidecar from its pods, said
// so that a reader without Go can follow Unmeshed: in regular expressions (RE2).
type OptOut struct {
	// Label says that Key is a label; it is an annotation otherwise.
	Label bool
	Key   string
	// Value matches the values that opt out, and But those of them that do not.
	Value, But string
	// Unless is a label that, whatever it says, puts Key out of force.
	Unless string
}
