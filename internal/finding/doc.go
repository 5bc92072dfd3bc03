// Package finding lists the kinds of findings: what krm-bypass tells of manifests
// and of a spec that works all the same. Every finding has a kind, by whose ID
// spec.lint sets its severity.
//
// What is refused has no kind: the limits, and mistakes in a spec or a manifest. It is
// an error in any case. The package knows neither how findings are found (see
// internal/transform and internal/lint) nor how they are printed.
package finding
