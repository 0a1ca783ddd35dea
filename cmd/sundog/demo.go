package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sundog/examples"
	"sundog/internal/cli"
	"sundog/internal/client"
	"sundog/internal/embedded"
	"sundog/internal/problem"
	"sundog/internal/project"
	"sundog/internal/server"
)

// demoLimit is how long a demonstration may take.
const demoLimit = 5 * time.Minute

// demonstration is an example project and what is shown with it.
type demonstration struct {
	files fs.FS
	// settings are variables that the project reads, where the environment does not set them.
	settings map[string]string
	show     func(ctx context.Context, c *client.Client, platform *embedded.Platform, opts cli.DemoOptions) error
	try      string // a command that is worth a try when the server stays up
}

func demonstrations(name string) demonstration {
	if name == cli.DemoTasks {
		return demonstration{files: examples.Tasks(), settings: taskSettings, show: showTasks, try: "tables scan tasks --plain"}
	}
	return demonstration{files: examples.STAC(), show: showSTAC, try: "query --collections-workflow sentinel-2-l2a_" + demoWorkflow}
}

// lookup finds variables of the environment, and those of settings that are not set there.
func lookup(settings map[string]string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := os.LookupEnv(name); ok {
			return v, true
		}
		v, ok := settings[name]
		return v, ok
	}
}

// demo shows an example project at work on a fresh platform.
func demo(ctx context.Context, opts cli.DemoOptions) error {
	d := demonstrations(opts.Name)
	dir, err := demoFolder(opts.Data)
	if err != nil {
		return err
	}
	projectDir := filepath.Join(dir, "project")
	if err := os.CopyFS(projectDir, d.files); err != nil {
		return problem.Wrap(problem.Invalid, err, "unpacking the example project to %s", projectDir).WithHint("--data wants a new or empty folder")
	}
	fmt.Fprintf(opts.Err, "Unpacked the example project to %s\n", projectDir)
	p, err := load(ctx, projectDir, project.Options{LookupEnv: lookup(d.settings)}, opts.Err)
	if err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()
	ctx, done := context.WithCancelCause(ctx)
	defer done(nil)
	listen := opts.Listen
	if listen == "" || !opts.Serve {
		listen = "127.0.0.1:0"
	}
	err = host(ctx, p, filepath.Join(dir, "data"), server.Options{Listen: listen, Token: opts.Token, Version: version(), Logger: newLogger(logFile, false)},
		func(ctx context.Context, s *server.Server, platform *embedded.Platform) error {
			c, err := client.New(s.URL(), opts.Token)
			if err != nil {
				return err
			}
			bounded, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("not done after %v", demoLimit))
			defer cancel()
			if err := d.show(bounded, c, platform, opts); err != nil {
				return err
			}
			if opts.Serve {
				fmt.Fprintf(opts.Err, "\nThe server stays up at %s; stop it with Ctrl-C. Try in another terminal:\n  sundog --server %s %s\n", s.URL(), s.URL(), d.try)
				return nil
			}
			done(errDemoDone)
			return nil
		})
	if errors.Is(context.Cause(ctx), errDemoDone) && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

var errDemoDone = errors.New("the demo is over")

func demoFolder(data string) (string, error) {
	if data == "" {
		return os.MkdirTemp("", "sundog-demo-")
	}
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if len(entries) > 0 {
		return "", problem.New(problem.Invalid, "the folder %s is not empty", data).WithHint("name a new one with --data, or none for a temporary one")
	}
	return filepath.Abs(data)
}
