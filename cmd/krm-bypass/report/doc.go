// Package report writes what check and explain found: as text or a table for
// people, as JSON, YAML or CSV for scripts, as Markdown for a comment, as SARIF,
// JUnit XML, GitHub or GitLab reports for CI systems.
//
// fn.Check and fn.Explain find it. This package only arranges it: it groups
// findings by object, compares two explanations, and says what becomes of one
// connection. It is pure and reads no file, repository or clock.
package report
