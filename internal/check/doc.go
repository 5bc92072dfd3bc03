// Package check owns how it is told that manifests differ from what the function
// would make of them: the report of a check, and the formats in which people and
// CI systems read it.
//
// It does not find the differences (see fn.Check), and it is pure: it reads no
// file, and a report depends on what was found alone.
package check
