package project

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (l *loader) function(key, n *yaml.Node) {
	label := "function " + key.Value
	if !functionName.MatchString(key.Value) {
		l.errorf(key, "letters, digits, '-' and '_', at most 64", "a function cannot be named %q", key.Value)
	}
	f := Function{Name: key.Value, Dir: l.project.Dir, Timeout: time.Minute}
	var (
		build, sources       []string
		kind, output         string
		commandAt, builtinAt *yaml.Node
	)
	found := l.object(n, label, fields{
		"type":    l.oneOf(&kind, "type of "+label, string(Lambda), string(Command), string(HTTP), string(Builtin)),
		"command": func(n *yaml.Node) { commandAt = resolve(n); l.words(&f.Command, "command of "+label)(n) },
		"dir":     l.dir(&f.Dir, "dir of "+label),
		"env":     l.env(&f.Env, label),
		"url":     l.url(&f.URL, "url of "+label),
		"builtin": func(n *yaml.Node) {
			builtinAt = n
			l.oneOf(&f.Builtin, "builtin of "+label, Builtins()...)(n)
		},
		"timeout":     l.duration(&f.Timeout, "timeout of "+label, time.Second, 15*time.Minute),
		"concurrency": l.integer(&f.Concurrency, "concurrency of "+label, 1, 10_000),
		"build":       l.words(&build, "build of "+label),
		"output":      l.text(&output, "output of "+label),
		"sources":     l.words(&sources, "sources of "+label),
	})
	if !l.require(key, label, found, "type", "one of lambda, command, http, builtin") || kind == "" {
		return
	}
	f.Kind = FunctionKind(kind)
	if f.Concurrency == 0 && f.Kind != Builtin {
		f.Concurrency = 10
	}
	process := f.Kind == Lambda || f.Kind == Command
	belongs := map[string]bool{
		"command": process, "dir": process, "env": process, "build": process, "output": process, "sources": process,
		"url": f.Kind == HTTP, "builtin": f.Kind == Builtin,
	}
	for name, at := range found {
		if applies, special := belongs[name]; special && !applies {
			l.errorf(at, "remove it", "%q means nothing for a function of type %s", name, f.Kind)
		}
	}
	switch f.Kind {
	case HTTP:
		l.require(key, label, found, "url", "such as http://127.0.0.1:9000/")
	case Builtin:
		if builtinAt == nil {
			l.require(key, label, found, "builtin", "one of "+strings.Join(Builtins(), ", "))
		}
	default:
		l.require(key, label, found, "command", "a list of words: the program and its arguments")
		l.buildOf(&f, found, build, sources, output)
		if found["build"] == nil || f.Build != nil { // else the build, which may make the program, is reported already
			l.program(f.Command, f.Dir, commandAt, label)
		}
	}
	l.project.Functions = append(l.project.Functions, f)
}

// buildOf settles what a function's build makes, and from what.
func (l *loader) buildOf(f *Function, found map[string]*yaml.Node, command, sources []string, output string) {
	if len(command) == 0 {
		for _, name := range []string{"output", "sources"} {
			if at := found[name]; at != nil && found["build"] == nil {
				l.errorf(at, "add build", "%q of function %s means nothing without \"build\"", name, f.Name)
			}
		}
		return
	}
	if output == "" {
		for i, word := range command[:len(command)-1] {
			if word == "-o" {
				output = command[i+1]
			}
		}
	}
	if output == "" {
		l.errorf(found["build"], "add output: PATH", "it cannot be told what the build of function %s makes", f.Name)
		return
	}
	command = l.expand(command)
	b := &Build{Command: command, Dir: f.Dir, Output: within(f.Dir, output)}
	if other, ok := l.outputs[b.Output]; ok {
		l.errorf(found["build"], "give each its own", "function %s is built into the same file as function %s", f.Name, other)
		return
	}
	l.outputs[b.Output] = f.Name
	if len(sources) == 0 {
		sources = guessSources(command[1:], f.Dir, b.Output)
	} else {
		for _, source := range sources {
			if _, err := os.Stat(within(f.Dir, source)); err != nil {
				l.errorf(found["sources"], "", "source %s of function %s: %v", source, f.Name, cause(err))
			}
		}
	}
	for _, source := range sources {
		b.sources = append(b.sources, within(f.Dir, source))
	}
	b.sources = append(b.sources, filepath.Join(l.project.Dir, FileName)) // which holds the command itself
	f.Build = b
}

// guessSources finds the arguments of a build command that name folders or files to build from: ./functions/inspect of
// `go build -o bin/inspect ./functions/inspect`. Without any it is the whole folder.
func guessSources(arguments []string, dir, output string) []string {
	var sources []string
	for _, word := range arguments {
		path := within(dir, strings.TrimSuffix(word, "/..."))
		if path == output {
			continue
		}
		if _, err := os.Stat(path); err == nil {
			sources = append(sources, path)
		}
	}
	if len(sources) == 0 {
		return []string{dir}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if path := filepath.Join(dir, name); exists(path) {
			sources = append(sources, path)
		}
	}
	return sources
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, filepath.FromSlash(path))
}

func (l *loader) job(key, n *yaml.Node) {
	label := "job " + key.Value
	if !jobName.MatchString(key.Value) {
		l.errorf(key, "letters, digits, '-' and '_', at most 128", "a job cannot be named %q", key.Value)
	}
	j := Job{Name: key.Value, Dir: l.project.Dir, Attempts: 1, Timeout: time.Hour, Concurrency: 4}
	var commandAt *yaml.Node
	found := l.object(n, label, fields{
		"command":     func(n *yaml.Node) { commandAt = resolve(n); l.words(&j.Command, "command of "+label)(n) },
		"dir":         l.dir(&j.Dir, "dir of "+label),
		"env":         l.env(&j.Env, label),
		"attempts":    l.integer(&j.Attempts, "attempts of "+label, 1, 10),
		"timeout":     l.duration(&j.Timeout, "timeout of "+label, time.Second, 14*24*time.Hour),
		"concurrency": l.integer(&j.Concurrency, "concurrency of "+label, 1, 10_000),
	})
	l.require(key, label, found, "command", "a list of words: the program and its arguments, Ref::name where a parameter goes")
	l.checkRefs(j.Command, commandAt, label)
	l.program(j.Command, j.Dir, commandAt, label)
	l.project.Jobs = append(l.project.Jobs, j)
}

// checkRefs reports a reference inside an argument, which no job takes: a parameter is an argument of its own, so that no script can be
// made of one.
func (l *loader) checkRefs(command []string, at *yaml.Node, label string) {
	const ref = "Ref::"
	for i, word := range command {
		if word == ref || strings.LastIndex(word, ref) > 0 {
			l.errorf(resolve(at.Content[i]), "an argument of its own: Ref::name", "command of %s: %q is no reference", label, word)
		}
	}
}

// expand puts the path of the running program in place of ${SUNDOG}.
func (l *loader) expand(words []string) []string {
	expanded := make([]string, len(words))
	for i, word := range words {
		expanded[i] = strings.ReplaceAll(word, "${SUNDOG}", l.opts.Executable)
	}
	return expanded
}

// program is the first word of a command that names a file, and where it stands.
type program struct {
	path  string
	label string
	at    *yaml.Node
}

// program expands a command and makes its first word something that can be run: a name in PATH, or an absolute path, which
// checkPrograms looks at when all builds are known.
func (l *loader) program(command []string, dir string, at *yaml.Node, label string) {
	if len(command) == 0 {
		return
	}
	copy(command, l.expand(command))
	switch {
	case strings.HasPrefix(command[0], "Ref::"): // known when the job runs
	case strings.ContainsRune(command[0], '/'), strings.ContainsRune(command[0], filepath.Separator):
		command[0] = within(dir, command[0])
		l.programs = append(l.programs, program{command[0], label, at})
	default:
		if _, err := exec.LookPath(command[0]); err != nil {
			*l.diags = append(*l.diags, Diagnostic{
				Severity: Warning, File: l.file, Line: at.Line, Column: at.Column,
				Reason: fmt.Sprintf("%s: there is no program %q in PATH", label, command[0]), Hint: "install it where this project is served",
			})
		}
	}
}

// checkPrograms reports programs that are not there and that no build of any function makes.
func (l *loader) checkPrograms() {
	for _, p := range l.programs {
		if _, built := l.outputs[p.path]; built {
			continue
		}
		info, err := os.Stat(p.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			l.errorf(p.at, "create it, or add build", "%s: there is no file %s", p.label, p.path)
		case err != nil:
			l.errorf(p.at, "", "%s: %s: %v", p.label, p.path, cause(err))
		case info.IsDir():
			l.errorf(p.at, "", "%s: %s is a folder", p.label, p.path)
		case info.Mode()&0o111 == 0:
			l.errorf(p.at, "chmod +x", "%s: %s is not executable", p.label, p.path)
		}
	}
}

// dir reads a folder inside the project folder.
func (l *loader) dir(dst *string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var v string
		if l.text(&v, name)(n); v == "" {
			return
		}
		n = resolve(n)
		info, err := l.root.Stat(filepath.FromSlash(v))
		switch {
		case err != nil:
			l.errorf(n, "a folder inside the project folder", "%s %s: %v", name, v, cause(err))
		case !info.IsDir():
			l.errorf(n, "a folder inside the project folder", "%s %s is no folder", name, v)
		default:
			*dst = within(l.project.Dir, v)
		}
	}
}

func (l *loader) url(dst *string, name string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var v string
		if l.text(&v, name)(n); v == "" {
			return
		}
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			l.errorf(resolve(n), "http://… or https://…", "%s is not the URL of an HTTP endpoint", name)
			return
		}
		*dst = v
	}
}
