package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
)

type testSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []*testSuite `xml:"testsuite"`
}

type testSuite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Name      string   `xml:"name,attr"`
	ClassName string   `xml:"classname,attr"`
	File      string   `xml:"file,attr,omitempty"`
	Line      int      `xml:"line,attr,omitempty"`
	Failure   *failure `xml:"failure"`
	// Error says why there was nothing to check.
	Error *failure `xml:"error"`
	// Skipped says why a workload is left alone.
	Skipped *skipped `xml:"skipped"`
	// Said holds findings that are no failures.
	Said string `xml:"system-out,omitempty"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

type failure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes the XML of Ant's JUnit task, in the form that CI systems read: a
// suite a file, a case an object. All findings of a case are in one failure,
// since Jenkins shows the first one alone (jenkinsci/junit-plugin
// src/main/java/hudson/tasks/junit/CaseResult.java) and GitLab expects one
// (gitlabhq/gitlabhq lib/gitlab/ci/parsers/test/junit.rb).
func writeJUnit(w io.Writer, r Check) error {
	all := testSuites{Name: "krm-bypass check"}
	suites := map[string]*testSuite{}
	for _, s := range r.Subjects {
		suite, known := suites[s.File]
		if !known {
			suite = &testSuite{Name: s.File}
			suites[s.File] = suite
			all.Suites = append(all.Suites, suite)
		}
		one := testCaseOf(s)
		suite.Cases = append(suite.Cases, one)
		suite.Tests++
		all.Tests++
		if one.Failure != nil {
			suite.Failures++
			all.Failures++
		}
		if one.Skipped != nil {
			suite.Skipped++
			all.Skipped++
		}
	}
	if len(r.Doubts) > 0 {
		all.Tests++
		unread := testCase{Name: "what was not read", ClassName: "krm-bypass", Said: strings.Join(r.Doubts, "\n") + "\n"}
		all.Suites = append(all.Suites, &testSuite{Name: unread.Name, Tests: 1, Cases: []testCase{unread}})
	}
	if r.Nothing != "" {
		all.Tests, all.Errors = all.Tests+1, 1
		none := testCase{Name: "the manifests", ClassName: "krm-bypass", Error: &failure{Message: r.Nothing, Type: "nothing"}}
		all.Suites = append(all.Suites, &testSuite{Name: none.Name, Tests: 1, Errors: 1, Cases: []testCase{none}})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func testCaseOf(s Subject) testCase {
	name := s.Title()
	if name == "" {
		name = "the file"
	}
	one := testCase{Name: name, ClassName: "krm-bypass." + strings.ReplaceAll(s.File, ".", "_"), File: s.File, Line: s.Line}
	var failed, said strings.Builder
	var first *Finding
	for i, f := range s.Findings {
		to := &said
		if f.Severity == fn.Error {
			to = &failed
			if first == nil {
				first = &s.Findings[i]
			}
		}
		fmt.Fprintf(to, "%s: %s: ", s.Place(f.Line), f.Rule)
		if f.Path != "" {
			to.WriteString(f.Path + ": ")
		}
		to.WriteString(f.text() + "\n" + indented("    ", f.Proposed))
	}
	for _, f := range s.Accepted {
		fmt.Fprintf(&said, "%s: %s: accepted (%s): %s\n", s.Place(f.Line), f.Rule, f.Reason, f.text())
	}
	if s.Remedy != "" {
		failed.WriteString("remedy: " + s.Remedy + "\n")
	}
	if first != nil {
		one.Failure = &failure{Message: first.Rule + ": " + strings.TrimPrefix(first.Path+": "+first.Message, ": "), Type: first.Rule, Text: failed.String()}
	}
	if s.LeftAlone != "" {
		one.Skipped = &skipped{s.LeftAlone}
	}
	one.Said = said.String()
	return one
}
