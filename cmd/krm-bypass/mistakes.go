package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// otherWords are commands of other tools, and what to write here.
var otherWords = map[string]string{
	"apply": "krm-bypass render PATH | kubectl apply -f -", "build": "krm-bypass render", "diff": "krm-bypass render --diff", "template": "krm-bypass render",
	"validate": "krm-bypass check", "verify": "krm-bypass check",
}

// asked are the commands by which the scripts for completion ask what fits.
var asked = []string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}

func noUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 1 && args[0] == "help" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if slices.Contains(names, args[0]) || slices.Contains(asked, args[0]) {
		return nil
	}
	remedy := spelling.DidYouMean(args[0], names)
	if other := otherWords[args[0]]; other != "" {
		remedy = "write " + other
	}
	return mistake(cmd, fmt.Sprintf("%q is not a command of %s", args[0], cmd.CommandPath()), remedy)
}

// mistake is a mistake in a command line: what to write instead, as far as that can
// be guessed, and where to look.
func mistake(cmd *cobra.Command, what, remedy string) error {
	switch {
	case remedy == "":
	case strings.HasSuffix(remedy, "?"):
		remedy += " "
	default:
		remedy += "; "
	}
	return fmt.Errorf("%s: %ssee %s --help", what, remedy, cmd.CommandPath())
}

// withoutFlag are letters that are flags of other tools.
var withoutFlag = map[string]string{"f": "name files and folders without a flag, and the spec with --spec", "k": "name the folder without a flag"}

// flagValues say what a value of a flag looks like, by its type.
var flagValues = map[string]string{"bool": "write true or false", "int": "write a number", "duration": "write one such as 5s"}

// single is a flag's value that may be given once, unless several may.
type single struct {
	pflag.Value
	once                function.Once
	mayBeEmpty, several bool
}

// Set takes the value. An empty one is a variable of a script that is not set, more
// often than not, and the flag would count for nothing.
func (s *single) Set(value string) error {
	if value == "" && !s.mayBeEmpty {
		return errors.New("it is empty: give a value, or leave the flag out")
	}
	if s.several {
		return s.Value.Set(value) //nolint:wrapcheck // flagError says which flag it is
	}
	return s.once.Set(s.Value, value) //nolint:wrapcheck // flagError says which flag it is
}

// emptyFlags are flags of which an empty value means something: a namespace may be
// unknown, and a spec that is gone may have had no name.
var emptyFlags = []string{function.NamespaceFlag, removeFlag}

// allowOnce has a command refuse a flag that is given twice.
func allowOnce(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		_, several := f.Value.(pflag.SliceValue)
		f.Value = &single{Value: f.Value, mayBeEmpty: slices.Contains(emptyFlags, f.Name), several: several}
	})
}

// flagError says what is wrong with a flag, in place of pflag.
func flagError(cmd *cobra.Command, err error) error {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	if unknown, is := errors.AsType[*pflag.NotExistError](err); is {
		word := unknown.GetSpecifiedShortnames()
		if word == "" {
			name := unknown.GetSpecifiedName()
			return mistake(cmd, "--"+name+" is not a flag of "+cmd.CommandPath(), spelling.DidYouMean(name, names))
		}
		remedy := withoutFlag[word]
		if begin := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n[2] != word[0] }); remedy == "" && len(word) == 1 {
			remedy = spelling.Asking("", begin)
		} else if remedy == "" {
			remedy = spelling.DidYouMean(word, names)
		}
		return mistake(cmd, "-"+word+" is not a flag of "+cmd.CommandPath(), remedy)
	}
	if lacking, is := errors.AsType[*pflag.ValueRequiredError](err); is {
		return mistake(cmd, "--"+lacking.GetFlag().Name+" needs a value", "")
	}
	if invalid, is := errors.AsType[*pflag.InvalidValueError](err); is {
		f := invalid.GetFlag()
		if remedy := flagValues[f.Value.Type()]; remedy != "" && !f.Changed && invalid.GetValue() != "" {
			return fmt.Errorf("--%s: %q is not valid: %s", f.Name, invalid.GetValue(), remedy)
		}
		return fmt.Errorf("--%s: %w", f.Name, errors.Unwrap(err))
	}
	return err
}

// noneEmpty has a command refuse an empty argument, which would count for the working
// directory.
func noneEmpty(cmd *cobra.Command) {
	takes := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if slices.Contains(args, "") {
			return fmt.Errorf("an argument of %s is empty: give a value, or leave it out", cmd.CommandPath())
		}
		return takes(cmd, args)
	}
}

// noArguments refuses arguments of a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return mistake(cmd, fmt.Sprintf("%q is an argument too many: %s takes none", args[0], cmd.CommandPath()), "")
}

// pathError says what to do about a path where nothing is.
func pathError(err error) error {
	missing, is := errors.AsType[*fs.PathError](err)
	if !is || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if target, err := os.Readlink(missing.Path); err == nil {
		return fmt.Errorf("%s: it is a link to %s, and nothing is there: mend or remove it", missing.Path, target)
	}
	err = gone(missing.Path)
	if strings.Contains(missing.Path, "://") {
		return fmt.Errorf("%w: nothing is fetched: download it, or pipe it into krm-bypass as -", err)
	}
	if meant := meantPath(missing.Path); meant != "" {
		return fmt.Errorf("%w: did you mean %s?", err, meant)
	}
	return fmt.Errorf("%w: correct the path", err)
}

// meantPath gives what is there and has a path near to one at which nothing is, "" for none.
// One part of the path may be misspelt.
func meantPath(path string) string {
	path, rest := filepath.Clean(path), ""
	for dir := filepath.Dir(path); !isDir(dir) && dir != path; dir = filepath.Dir(path) {
		path, rest = dir, filepath.Join(filepath.Base(path), rest)
	}
	dir := filepath.Dir(path)
	beside := map[string]string{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		at := filepath.Join(dir, e.Name(), rest)
		if _, err := os.Stat(at); err == nil {
			beside[stem(e.Name())] = at
		}
	}
	if near := spelling.Meant(stem(path), slices.Sorted(maps.Keys(beside))); len(near) == 1 {
		return beside[near[0]]
	}
	return ""
}

// errEmpty refuses an empty standard input, where a command does nothing without one.
func errEmpty(command string) error {
	return fmt.Errorf("standard input is empty: pipe manifests into it, as in cat web.yaml | krm-bypass %s -; if the program in front of it failed, mend that first", command)
}

// gone says of a path that nothing is there.
type gone string

func (g gone) Error() string { return string(g) + ": there is no such file or folder" }
func (gone) Unwrap() error   { return fs.ErrNotExist }

// stem is a file's name without its extension, whose letters tell no file from others.
func stem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// specFile reads a file that the user named as a specification.
func specFile(path string) ([]byte, error) {
	if path == standardInput {
		return nil, errors.New("reading the spec: it cannot come from standard input: name a file")
	}
	if isDir(path) {
		return nil, fmt.Errorf("reading the spec: %s is a folder: name the file in it that holds the ClusterBypass", path)
	}
	text, err := bounded.File(path)
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", pathError(err))
	}
	return text, nil
}
