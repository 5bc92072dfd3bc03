package page

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// definitions are those in the schema of what a form is about, by the path of a rule
// without its index.
var definitions = map[string]string{
	"spec.meshDefaults": "Traffic", "spec.global": "GlobalRule", "spec.namespaces": "NamespaceRule", "spec.workloads": "WorkloadRule",
	"spec.lint.accept": "Acceptance",
}

type definition struct {
	Description string
	Ref         string `json:"$ref"`
	Properties  map[string]definition
}

var schema = sync.OnceValue(func() map[string]definition {
	var s struct {
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(spec.Schema()), &s); err != nil {
		panic(err) // it is embedded
	}
	return s.Defs
})

// goName is what a description begins with: the field's name in Go.
var goName = pattern.Of(`^[A-Z][A-Za-z]* (is|are|says|say|has|holds|selects?|switches|takes|limits) `)

// help says what a field of a rule is, in the words of the schema.
func help(list, field string) string {
	at := schema()[definitions[list]]
	for step := range strings.SplitSeq(field, ".") {
		if at = at.Properties[step]; at.Properties == nil {
			inner := schema()[strings.TrimPrefix(at.Ref, "#/$defs/")]
			at.Properties = inner.Properties
		}
	}
	text := goName.Regexp().ReplaceAllStringFunc(at.Description, func(begin string) string {
		if _, verb, _ := strings.Cut(begin, " "); verb != "is " && verb != "are " {
			return verb
		}
		return ""
	})
	return capital(text)
}

// groupHelp says what the fields of a group have in common, "" where each says all.
func groupHelp(list, legend string) string {
	switch legend {
	case whatBypasses:
		return "Not set says nothing: what broader rules say stays. None is the empty list, these are the entries beside it."
	case initially:
		return help(list, strings.TrimSuffix(fn.InitialPrefix, "."))
	}
	return ""
}

// longestHelp is how much stands below a field at once.
const longestHelp = 160

// brief cuts a text behind one of its sentences, where it is long.
func brief(text string) (begin, more string) {
	if len(text) <= longestHelp {
		return text, ""
	}
	at := strings.LastIndex(text[:longestHelp], ". ")
	if at < 0 {
		at = strings.Index(text, ". ")
	}
	if at < 0 {
		return text, ""
	}
	return text[:at+1], text[at+2:]
}

// examples are entries of the fields that take a form of their own.
var examples = map[string]string{
	"excludeInboundPorts":     "8080 9000-9010 http-metrics",
	"includeInboundPorts":     "8080 or *",
	"excludeOutboundPorts":    "3306 9000-9010",
	"includeOutboundPorts":    "443",
	"excludeOutboundIPRanges": "10.1.0.0/16",
	"includeOutboundIPRanges": "10.0.0.0/8 or *",
	"excludeOutbound":         "10.1.0.0/16@5432",
	"matchLabels":             "app=checkout",
	"matchExpressions":        "tier In web,api",
	"expires":                 "2027-03-31",
}

// words name the fields of rules for a person.
var words = map[string]string{
	"match.kinds": "Kinds", "match.names": "Names", "match.namespaces": "Namespaces",
	"match.labelSelector.matchLabels": "Labels", "match.labelSelector.matchExpressions": "Requirements of labels",
	"excludeInboundPorts":     "Inbound ports that bypass",
	"includeInboundPorts":     "Inbound ports, all others bypass",
	"excludeOutboundPorts":    "Outbound ports that bypass",
	"includeOutboundPorts":    "Outbound ports that never bypass",
	"excludeOutboundIPRanges": "Destinations that bypass",
	"includeOutboundIPRanges": "Destinations, all others bypass",
	"excludeOutbound":         "Destinations that bypass on some ports",
	"name":                    "Name", "reason": "Reason", "owner": "Owner", "expires": "Last day",
	"merge": "Merge", "dataPlane": "Data plane", "enforcement.mode": "Enforced by",
	"suspend": "Switched off", "check": "Kind of finding", "rule": "Name of the rule", "ports": "Ports",
}

// called names a field for a person.
func called(field string) string {
	if word := words[strings.TrimPrefix(field, fn.InitialPrefix)]; word != "" {
		return word
	}
	return field
}
