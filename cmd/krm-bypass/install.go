package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

const programName = "krm-bypass"

func installCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install FOLDER",
		Short: "Copy this program into a folder, for containers of other images",
		Long: `install copies this program into a folder as krm-bypass, executable by everybody.
The image of krm-bypass holds nothing that could: an init container installs the
program into a volume, and containers of other images find it there.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("install copies this program into one folder: name it, as in krm-bypass install /krm-bypass")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := install(args[0]); err != nil {
				return fmt.Errorf("installing: %w", err)
			}
			return nil
		},
	}
}

// install puts the program there in one step, since somebody may execute it
// already.
func install(folder string) (err error) {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !isDir(folder) {
		return fmt.Errorf("%s is no folder: make it first", folder)
	}
	installed, err := os.CreateTemp(folder, "."+programName+".*")
	if err != nil {
		return err
	}
	_, err = installed.Write(program)
	err = errors.Join(err, installed.Chmod(0o755), installed.Sync(), installed.Close())
	if err == nil {
		err = os.Rename(installed.Name(), filepath.Join(folder, programName))
	}
	if err != nil {
		return errors.Join(err, os.Remove(installed.Name()))
	}
	return nil
}
