// Package inplace replaces the text of files.
//
// It first writes every new text beside its file, then renames all of them. So a
// file always holds its old text or its new one, never a part. If a rename fails, the
// files renamed before get their old texts back. A file that
// somebody else changes meanwhile stays as it is, and that is an error: a process locks the
// folder while it looks and renames, so that no other one comes between. Whoever also
// reads there what it depends on, or writes new files beside, holds the folder longer. Mode and
// owner stay as they were. A file can be held below a folder: then no link leads out of
// that.
package inplace
