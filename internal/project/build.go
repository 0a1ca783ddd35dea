package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sundog/internal/problem"
)

// Build is how the program of a function is made.
type Build struct {
	Command []string // the argument vector
	Dir     string   // where it runs
	Output  string   // the file it makes, absolute
	sources []string // files and folders it is made from
}

// BuildStep is what Build tells about its progress.
type BuildStep struct {
	Function string
	Command  []string
	Took     time.Duration // 0 when the step begins
	Done     bool
}

const (
	buildOutputTail = 8 << 10         // of what a build printed, in its error
	buildGrace      = 5 * time.Second // until the pipes of an ended build are closed
)

// Build runs the build commands of the functions whose output is missing or older than their sources or the project file. One at a
// time: a compiler uses all processors. progress, when not nil, is called before and after each. An error is of
// kind problem.Invalid and holds the end of what the command printed.
func (p *Project) Build(ctx context.Context, progress func(BuildStep)) error {
	if progress == nil {
		progress = func(BuildStep) {}
	}
	made := map[string]bool{}
	for _, f := range p.Functions {
		if f.Build != nil {
			made[f.Build.Output] = true
		}
	}
	for _, f := range p.Functions {
		if f.Build == nil {
			continue
		}
		stale, err := f.Build.stale(made)
		if err != nil {
			return problem.Wrap(problem.Invalid, err, "looking at the sources of function %s", f.Name)
		}
		if !stale {
			continue
		}
		progress(BuildStep{Function: f.Name, Command: f.Build.Command})
		start := time.Now()
		if err := f.Build.run(ctx); err != nil {
			return problem.Wrap(problem.Invalid, err, "building function %s with %s", f.Name, strings.Join(f.Build.Command, " "))
		}
		progress(BuildStep{Function: f.Name, Command: f.Build.Command, Took: time.Since(start), Done: true})
	}
	return nil
}

// stale says whether the output is missing or older than a source. Outputs of builds and hidden folders are no sources.
func (b *Build) stale(made map[string]bool) (bool, error) {
	output, err := os.Stat(b.Output)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	newer := false
	for _, source := range b.sources {
		err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && path != source && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case entry.IsDir() || made[path]:
				return nil
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if info.ModTime().After(output.ModTime()) {
				newer = true
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return newer, nil
}

func (b *Build) run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(b.Output), 0o755); err != nil {
		return err
	}
	var printed tail
	cmd := exec.CommandContext(ctx, b.Command[0], b.Command[1:]...)
	cmd.Dir = b.Dir
	cmd.Stdout, cmd.Stderr = &printed, &printed
	cmd.WaitDelay = buildGrace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if text := strings.TrimSpace(string(printed.text)); text != "" {
			return fmt.Errorf("%w\n%s", err, text)
		}
		return err
	}
	// A compiler that had nothing to do leaves the old time, and would be run at every start.
	now := time.Now()
	if err := os.Chtimes(b.Output, now, now); err != nil {
		return fmt.Errorf("the command succeeded, but did not make its output: %w", err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[max(0, len(p)-buildOutputTail):]...)
	t.text = t.text[max(0, len(t.text)-buildOutputTail):]
	return len(p), nil
}
