// Package kinds knows the kinds of objects of which pods are made, and where in their
// objects the parts of pod templates stand.
//
// A row says what an operator does with these parts, and names the source in which
// that was read. What a policy makes of it is for internal/transform to say.
package kinds
