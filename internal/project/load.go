package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sundog/internal/embedded/integration"
	"sundog/internal/schedule"
)

// Bounds of the files that a project consists of.
const (
	maxFile   = 1 << 20  // of the project file and of a definition, which AWS bounds the same
	maxSecret = 64 << 10 // of a from_file value
)

// Options are what Load takes from its surroundings. The zero value is this process's.
type Options struct {
	// LookupEnv finds the values of from_env; os.LookupEnv when nil.
	LookupEnv func(name string) (string, bool)
	// Executable is what ${SUNDOG} stands for in commands; the running program when empty.
	Executable string
}

// loader reads one project.
type loader struct {
	decoder
	opts    Options
	root    *os.Root // the project folder, which nothing the project names by a relative path may leave
	project *Project

	declared      map[string][]string // names by section, those with errors of their own included
	outputs       map[string]string   // what is built, and by which function
	programs      []program
	subscriptions map[string]int // names, and the lines they are on
	retained      []*yaml.Node   // names of workflows whose records are kept in their own way
}

// Load reads the project in a folder. The project is nil when one of the diagnostics is an error; warnings come with a project.
func Load(dir string, opts Options) (*Project, Diagnostics) {
	var diags Diagnostics
	l := &loader{
		decoder:       decoder{file: FileName, diags: &diags},
		opts:          opts,
		outputs:       map[string]string{},
		subscriptions: map[string]int{},
	}
	l.load(dir)
	diags.sort()
	if diags.Errors() > 0 {
		return nil, diags
	}
	return l.project, diags
}

func (l *loader) load(dir string) {
	whole := &yaml.Node{} // line 0: the file as a whole
	dir, err := filepath.Abs(dir)
	if err != nil {
		l.errorf(whole, "", "finding the project folder: %v", err)
		return
	}
	if l.opts.LookupEnv == nil {
		l.opts.LookupEnv = os.LookupEnv
	}
	if l.opts.Executable == "" {
		if l.opts.Executable, err = os.Executable(); err != nil {
			l.errorf(whole, "", "finding the running program for ${SUNDOG}: %v", err)
		}
	}
	if l.root, err = os.OpenRoot(dir); err != nil {
		l.errorf(whole, "name the folder of a project", "opening the project folder %s: %v", dir, cause(err))
		return
	}
	defer func() { _ = l.root.Close() }() // only read from

	text, err := readFile(l.root, FileName, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		l.errorf(whole, "create it, or name the folder of a project", "there is no %s in %s", FileName, dir)
		return
	}
	if err != nil {
		l.errorf(whole, "", "reading the project file: %v", cause(err))
		return
	}
	document, ok := l.parse(text)
	if !ok {
		return
	}
	l.project = Default(dir, folderName(dir))
	l.read(document)
}

// parse reads YAML text that holds at most one document.
func (d *decoder) parse(text []byte) (*yaml.Node, bool) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := dec.Decode(&document); errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1, Column: 1}, true
	} else if err != nil {
		d.syntax(err)
		return nil, false
	}
	if err := dec.Decode(&more); err == nil {
		d.errorf(&more, "remove the line ---", "a second document begins here")
		return nil, false
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil, false
	}
	if len(document.Content) == 0 {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1, Column: 1}, true
	}
	return document.Content[0], true
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntax reports an error of the YAML parser, which names only the line.
func (d *decoder) syntax(err error) {
	at := &yaml.Node{Line: 1, Column: 1}
	reason := strings.ReplaceAll(err.Error(), "\n", " ")
	if m := yamlLine.FindStringSubmatch(reason); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			at.Line = n
		}
		reason = m[2]
	}
	d.errorf(at, "check indentation, colons and quotes here and on the line before", "not YAML: %s", reason)
}

var (
	projectName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	workflowName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,79}$`)
	functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	jobName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)
	topicName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	queueName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	headerName   = regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`)
	regionName   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	envName      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

var notNameRune = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// folderName makes a project's name out of its folder's.
func folderName(dir string) string {
	name := strings.Trim(notNameRune.ReplaceAllString(filepath.Base(dir), "-"), "-_")
	if name = name[:min(len(name), 64)]; name == "" {
		return "project"
	}
	return name
}

func (l *loader) read(document *yaml.Node) {
	p := l.project
	var workflows, functions, jobs, subscriptions, connections, resources, catalog, triggers, schedules *yaml.Node
	later := func(dst **yaml.Node) func(*yaml.Node) { return func(n *yaml.Node) { *dst = n } }
	l.object(document, "the project", fields{
		"name":          l.pattern(&p.Name, "name", projectName, "letters, digits, '-' and '_', at most 64"),
		"region":        l.pattern(&p.Region, "region", regionName, "such as us-east-1"),
		"account":       l.pattern(&p.Account, "account", accountID, "twelve digits in quotes"),
		"workflows":     later(&workflows),
		"functions":     later(&functions),
		"jobs":          later(&jobs),
		"subscriptions": later(&subscriptions),
		"connections":   later(&connections),
		"triggers":      later(&triggers),
		"schedules":     later(&schedules),
		"queues": l.names(&p.Queues, "queue", func(dst *string, label string) func(*yaml.Node) {
			return l.pattern(dst, label, queueName, "letters, digits, '-' and '_', at most 80")
		}),
		"topics": l.names(&p.Topics, "topic", func(dst *string, label string) func(*yaml.Node) {
			return l.pattern(dst, label, topicName, "letters, digits, '-' and '_', at most 256")
		}),
		"resources": later(&resources),
		"tables":    func(n *yaml.Node) { l.entries(n, "tables", l.table) },
		"lanes":     l.lanes,
		"process":   l.process,
		"limits":    l.limits,

		"retention": l.retention,
		"egress":    l.egress,
		"catalog":   later(&catalog),
	})
	// What refers to something is read after it, whatever the order in the file.
	l.declared = map[string][]string{
		"function": keys(functions), "job": keys(jobs), "workflow": keys(workflows), "connection": keys(connections),
	}
	l.checkRetained()
	p.Catalog = defaultCatalog(p.Name)
	if catalog != nil {
		l.catalog(catalog)
	}
	if functions != nil {
		l.entries(functions, "functions", l.function)
	}
	if jobs != nil {
		l.entries(jobs, "jobs", l.job)
	}
	l.checkPrograms()
	if connections != nil {
		l.entries(connections, "connections", l.connection)
	}
	if subscriptions != nil {
		l.readSubscriptions(subscriptions)
	}
	l.declared["queue"] = append([]string{"process"}, p.Queues...)
	l.declared["topic"] = append([]string{"publish", "workflow-event", schedule.Topic, integration.DefaultBus}, p.Topics...)
	for _, s := range p.Subscriptions {
		l.declared["queue"], l.declared["topic"] = append(l.declared["queue"], s.Queue), append(l.declared["topic"], s.Topic)
	}
	for _, t := range p.Tables {
		l.declared["table"] = append(l.declared["table"], t.Name)
	}
	if resources != nil {
		l.entries(resources, "resources", l.resource)
	}
	if triggers != nil {
		l.entries(triggers, "triggers", l.trigger)
	}
	if schedules != nil {
		l.entries(schedules, "schedules", l.schedule)
	}
	if workflows != nil {
		l.entries(workflows, "workflows", l.workflow)
	}
}

// keys returns the names that a section declares.
func keys(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	var names []string
	if n = resolve(n); n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			names = append(names, resolve(n.Content[i]).Value)
		}
	}
	return names
}

func (l *loader) lanes(n *yaml.Node) {
	known := fields{}
	for i := range l.project.Lanes {
		lane := &l.project.Lanes[i]
		name := "lane " + lane.Name
		known[lane.Name] = func(n *yaml.Node) {
			l.object(n, name, fields{"concurrency": l.integer(&lane.Concurrency, "concurrency of "+name, 1, 100_000)})
		}
	}
	l.object(n, "lanes", known)
}

func (l *loader) process(n *yaml.Node) {
	p := &l.project.Process
	l.object(n, "process", fields{
		"visibility_timeout": l.duration(&p.VisibilityTimeout, "visibility_timeout", time.Second, 12*time.Hour),
		"max_receives":       l.integer(&p.MaxReceives, "max_receives", 1, 1000),
	})
}

func (l *loader) limits(n *yaml.Node) {
	limits := &l.project.Limits
	l.object(n, "limits", fields{
		"payload_bytes":       l.integer(&limits.PayloadBytes, "payload_bytes", 1<<10, 64<<20),
		"input_bytes":         l.integer(&limits.InputBytes, "input_bytes", 1<<10, 64<<20),
		"data_bytes":          l.integer(&limits.DataBytes, "data_bytes", 1<<10, 64<<20),
		"history_events":      l.integer(&limits.HistoryEvents, "history_events", 100, 1_000_000),
		"map_concurrency":     l.integer(&limits.MapConcurrency, "map_concurrency", 1, 10_000),
		"requests_per_second": l.integer(&limits.RequestsPerSecond, "requests_per_second", 1, 1_000_000),
	})
}

func (l *loader) catalog(n *yaml.Node) {
	c := &l.project.Catalog
	found := l.object(n, "catalog", fields{
		"id":          l.pattern(&c.ID, "id of the catalog", projectName, "letters, digits, '-' and '_', at most 64"),
		"title":       l.text(&c.Title, "title of the catalog"),
		"description": l.text(&c.Description, "description of the catalog"),
	})
	if found["title"] == nil {
		c.Title = c.ID
	}
}

// readFile reads a file of the project folder, up to a limit.
func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	return readLimited(f, limit)
}

func readLimited(f *os.File, limit int64) ([]byte, error) {
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return text, nil
}

// cause is the reason of a file system error without operation and path, which the message around it names.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
