// Package spelling owns which of some known words is meant by one that is none
// of them.
//
// It does not know what the words are for, nor what to tell who wrote one (see
// fn and internal/mesh).
package spelling
