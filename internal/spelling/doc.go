// Package spelling finds the known word closest to a misspelt one.
//
// It does not know what the words are for, nor what to say to the person who wrote
// one.
package spelling
