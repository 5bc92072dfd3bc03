// Package revise changes one thing in the text of a ClusterBypass and nothing else in it.
//
// A [Change] says what is to be different: [Put] gives a rule some settings, [Add] adds a
// rule or an accepted finding, [Remove] takes one away and [Move] moves one. [Apply] makes
// changes in the text of a file, in which other documents may stand too: comments, quotes,
// layout and line ends stay as they are, and what comes is written as its neighbours are.
// [Rows] lists what stands there, in the same form in which Put takes it: what it gives,
// put back, changes no byte.
//
// A [Setting] has one of three states: not set, none, or entries. Entries are texts as a
// person types them, and nothing here judges them: package spec does when the result is
// read. A text that cannot be changed without a change of something else, such as a value
// that others share by an anchor, is an error that says what to do by hand.
//
// The fields are those of the API's types; none is named here. The bytes are cut by
// package edit, but for what moves or goes: it takes along the comment lines right above it.
// Those behind a blank line, or in another column, are about something else and stay. An
// entry that changes in part, such as a pair that gets another port, changes in that part.
package revise
