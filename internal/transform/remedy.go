package transform

import (
	"fmt"
	"slices"
)

// Message says what is wrong.
func (d Deviation) Message() string {
	switch {
	case d.former:
		return "this record has the form of an earlier version of krm-bypass; krm-bypass render writes it anew, and nothing else"
	case d.moved:
		return fmt.Sprintf("expected %s here, and it stands elsewhere: krm-bypass's init containers go around all others", d.Wants)
	case d.Kind == Missing:
		return fmt.Sprintf("expected %s here", d.Wants)
	case d.edited && d.Wants == "":
		return editedSince(d.adopted)
	case d.edited:
		return fmt.Sprintf("expected %s here; %s", d.Wants, editedSince(d.adopted))
	case d.added:
		return "added by hand since krm-bypass wrote here: the spec does not say it"
	case d.Kind == Foreign && d.Wants == "":
		return "krm-bypass did not write this"
	case d.Wants == "":
		return "krm-bypass wrote this for an earlier spec, and would remove it now"
	case d.adopted:
		return fmt.Sprintf("expected %s here; krm-bypass adopted what is here, which alone does not do what the spec says", d.Wants)
	case d.Kind == Foreign:
		return fmt.Sprintf("expected %s here; krm-bypass did not write what is here", d.Wants)
	}
	return fmt.Sprintf("expected %s here; krm-bypass wrote what is here for an earlier spec", d.Wants)
}

// editedSince says how an annotation became the workload's own.
func editedSince(adopted bool) string {
	if adopted {
		return "edited by hand since krm-bypass adopted it"
	}
	return "edited by hand since krm-bypass wrote it"
}

// Remedy says what to do about an object that deviates.
func Remedy(deviations []Deviation) string {
	all := func(is func(Deviation) bool) bool {
		return !slices.ContainsFunc(deviations, func(d Deviation) bool { return !is(d) })
	}
	switch {
	case len(deviations) == 0:
		return ""
	case all(func(d Deviation) bool { return d.Kind == Missing }):
		return "render it with krm-bypass; in kustomize, build with --enable-alpha-plugins and --enable-exec: without --enable-exec, kustomize skips the function and says nothing"
	case all(func(d Deviation) bool { return d.former }):
		return "render it again with krm-bypass: the record is not in the pod template, so that no pod restarts"
	case all(func(d Deviation) bool { return d.mark }):
		return "remove it: by this spec krm-bypass writes nothing here"
	case !all(func(d Deviation) bool { return !d.edited && !d.added }):
		return handEditedRemedy
	case !all(func(d Deviation) bool { return d.Kind != Foreign }):
		return "remove what is foreign, or keep it if you meant it: it then counts as the workload's own annotation. Then render it again with krm-bypass"
	}
	return "render it again with krm-bypass"
}
