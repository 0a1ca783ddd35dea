package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/api"
	"sundog/internal/cli"
	"sundog/internal/client"
	"sundog/internal/embedded"
	"sundog/internal/problem"
)

// demoTasks is how many tasks there are.
const demoTasks = 200

// taskSettings make the example quicker than it is by itself: it waits for ten seconds otherwise.
var taskSettings = map[string]string{"TASKS_WAIT_SECONDS": "1", taskLimit: "5"}

// taskLimit names the variable that says how many attempts follow the first one.
const taskLimit = "TASKS_MAX_ATTEMPTS"

// taskStates are what a task can be, in the order in which they are shown.
var taskStates = []string{"NEW", "ACTIVE", "FAILED", "SUCCESS", "GIVEN UP"}

// showTasks creates tasks, shows how they go on, and what they took.
func showTasks(ctx context.Context, c *client.Client, _ *embedded.Platform, opts cli.DemoOptions) error {
	text, _ := lookup(taskSettings)(taskLimit)
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 {
		return problem.New(problem.Invalid, "%s is %q, which is no number of attempts", taskLimit, text).WithHint("set it to 1 or more, or unset it")
	}
	fmt.Fprintf(opts.Err, "Creating %d tasks at %s/task\n", demoTasks, c.Server())
	began := time.Now()
	for i := range demoTasks {
		if _, err := c.Create(ctx, "/task", map[string]string{"task_id": strconv.Itoa(i + 1)}); err != nil {
			return err
		}
	}
	tasks, err := followTasks(ctx, c, limit, opts.Err)
	if err != nil {
		return err
	}
	fmt.Fprintf(opts.Err, "Done in %.1f s.\n\n", time.Since(began).Seconds())
	if err := tasks.histogram(opts.Out); err != nil {
		return err
	}
	return tasks.check(ctx, c)
}

// task is what is known of one.
type task struct {
	state    string
	attempts int // beside the first one
}

// taskBoard is what is known of all tasks.
type taskBoard struct {
	limit int             // how many attempts follow the first one
	tasks map[string]task // by key
}

// followTasks shows the changes of tasks until all have ended.
func followTasks(ctx context.Context, c *client.Client, limit int, w io.Writer) (*taskBoard, error) {
	board := &taskBoard{limit: limit, tasks: map[string]task{}}
	view := newBoardView(w)
	defer view.end()
	enough := errors.New("all tasks have ended")
	err := c.Follow(ctx, "tasks", "0", func(change api.Change) error {
		board.apply(change)
		counts := board.counts()
		view.show(counts)
		if counts["SUCCESS"]+counts["GIVEN UP"] == demoTasks {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		return nil, fmt.Errorf("following the tasks, of which there are %v: %w", board.counts(), err)
	}
	return board, nil
}

func (b *taskBoard) apply(c api.Change) {
	item := gjson.ParseBytes(c.New)
	t := task{state: item.Get("workflow_status.S").String(), attempts: int(item.Get("attempts.N").Int())}
	switch {
	case t.state == "":
		t.state = "NEW"
	case t.state == "FAILED" && t.attempts >= b.limit:
		t.state = "GIVEN UP"
	}
	b.tasks[item.Get("PK.S").String()] = t
}

func (b *taskBoard) counts() map[string]int {
	out := map[string]int{}
	for _, t := range b.tasks {
		out[t.state]++
	}
	return out
}

// histogram prints how many attempts the tasks took.
func (b *taskBoard) histogram(w io.Writer) error {
	took := map[int]int{}
	for _, t := range b.tasks {
		took[t.attempts+1]++
	}
	most := slices.Max(slices.Collect(maps.Values(took)))
	rows := make([][]string, 0, len(took))
	for _, n := range slices.Sorted(maps.Keys(took)) {
		rows = append(rows, []string{strconv.Itoa(n), strings.Repeat("█", max(1, took[n]*40/most)), strconv.Itoa(took[n])})
	}
	if err := printTable(w, []string{"ATTEMPTS", "", "TASKS"}, rows); err != nil {
		return err
	}
	counts := b.counts()
	_, err := fmt.Fprintf(w, "\nSucceeded: %d. Failed for good, after %d attempts: %d.\n", counts["SUCCESS"], b.limit+1, counts["GIVEN UP"])
	return err
}

// check compares the executions with the attempts: there is one for each attempt, and one that gives up for each task that has failed.
func (b *taskBoard) check(ctx context.Context, c *client.Client) error {
	want := 0
	for _, t := range b.tasks {
		want += t.attempts + 1
	}
	if len(b.tasks) != demoTasks {
		return problem.New(problem.Internal, "there are %d tasks instead of %d", len(b.tasks), demoTasks)
	}
	executions := 0
	for next := ""; ; {
		page, err := c.Executions(ctx, "task", "", next, 1000)
		if err != nil {
			return err
		}
		executions += len(page.Executions)
		if next = page.Next; next == "" {
			break
		}
	}
	if givenUp := b.counts()["GIVEN UP"]; executions < want || executions > want+givenUp {
		return problem.New(problem.Internal, "%d attempts were %d executions", want, executions)
	}
	return nil
}
