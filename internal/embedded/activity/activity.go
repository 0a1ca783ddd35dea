// Package activity keeps activities (Developer Guide, "Activities"): names under which workers that poll find the tasks of workflows.
//
// # Promises
//
//   - A task is handed to one worker. Until it has an answer the task is the worker's: if he does not come back, the time-outs of its state act.
//   - Tasks that nobody has taken survive a restart: the engine schedules them again, the oldest first.
//   - A waiting task costs its token; its input stays on disk.
package activity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// Errors of activities.
var (
	// ErrNotFound: there is no such activity (AWS: ActivityDoesNotExist).
	ErrNotFound = errors.New("activity does not exist")
	// ErrInvalidName: AWS's InvalidName.
	ErrInvalidName = errors.New("invalid activity name")
	// ErrInvalidToken: a page token that was not given out here (AWS: InvalidToken).
	ErrInvalidToken = errors.New("invalid page token")
)

// PollTime is how long a worker that asks for a task waits for one, at most (API reference, GetActivityTask).
const PollTime = 60 * time.Second

// validName is what AWS allows in the name of an activity.
var validName = regexp.MustCompile(`^[^\x00-\x1f\x7f-\x9f\s<>{}\[\]?*"#%\\^|~` + "`" + `$&,;:/]{1,80}$`)

// Activity is an activity.
type Activity struct {
	Name    string            `json:"-"`
	ARN     string            `json:"-"`
	Created time.Time         `json:"created"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// Takers hand out a task: the engine.
type Takers interface {
	TakeTask(ctx context.Context, token, worker string) (engine.Task, error)
}

// Options of the activities.
type Options struct {
	Store *store.Store
	// Takers says that a task is handed out. It may be set later, before anybody polls.
	Takers Takers
	// Region and Account show in ARNs.
	Region, Account string
	Now             func() time.Time // time.Now when nil
}

// Activities are the activities of a platform. They are safe for concurrent use.
type Activities struct {
	opts Options

	mu     sync.Mutex // held while the registry changes, too
	queues map[string]*queue
}

// queue is what waits for the workers of one activity.
type queue struct {
	tokens []string      // of tasks, the oldest first; some may have ended meanwhile
	grown  chan struct{} // closed when there are more
}

// New returns the activities on a store.
func New(opts Options) *Activities {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Activities{opts: opts, queues: map[string]*queue{}}
}

// SetTakers sets Options.Takers.
func (a *Activities) SetTakers(t Takers) { a.opts.Takers = t }

// ARN is the ARN of an activity of this name.
func (a *Activities) ARN(name string) string {
	return "arn:aws:states:" + a.opts.Region + ":" + a.opts.Account + ":activity:" + name
}

// Name returns the name of an activity's ARN; a plain name is its own.
func (a *Activities) Name(arn string) (string, error) {
	if name, ok := strings.CutPrefix(arn, a.ARN("")); ok {
		return name, nil
	}
	if strings.Contains(arn, ":") {
		return "", fmt.Errorf("%w: %s (those of this server are %s…)", ErrNotFound, arn, a.ARN(""))
	}
	return arn, nil
}

func key(name string) store.Key { return store.NewKey(store.PrefixActivity).String(name) }

// Create makes an activity, or returns the one that has the name; its tags then stay as they are.
func (a *Activities) Create(ctx context.Context, name string, tags map[string]string) (Activity, error) {
	if !validName.MatchString(name) {
		return Activity{}, fmt.Errorf("%w: %q: 1 to 80 characters without spaces, control characters and <>{}[]?*\"#%%\\^|~`$&,;:/", ErrInvalidName, name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found, err := a.get(name)
	if !errors.Is(err, ErrNotFound) {
		return found, err
	}
	return a.put(ctx, Activity{Name: name, Created: a.opts.Now().UTC(), Tags: tags})
}

// SetTags replaces the tags of an activity.
func (a *Activities) SetTags(ctx context.Context, arn string, tags map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, err := a.describe(arn)
	if err != nil {
		return err
	}
	found.Tags = tags
	_, err = a.put(ctx, found)
	return err
}

func (a *Activities) put(ctx context.Context, act Activity) (Activity, error) {
	act.ARN = a.ARN(act.Name)
	text, err := json.Marshal(act)
	if err != nil {
		return act, fmt.Errorf("storing activity %s: %w", act.Name, err)
	}
	tx := a.opts.Store.Begin()
	tx.Set(key(act.Name), text)
	if err := tx.Commit(ctx); err != nil {
		return act, fmt.Errorf("storing activity %s: %w", act.Name, err)
	}
	return act, nil
}

func (a *Activities) get(name string) (Activity, error) {
	act := Activity{Name: name, ARN: a.ARN(name)}
	text, err := a.opts.Store.Get(key(name))
	if errors.Is(err, store.ErrNotFound) {
		return act, fmt.Errorf("%w: %s", ErrNotFound, act.ARN)
	}
	if err == nil {
		err = json.Unmarshal(text, &act)
	}
	if err != nil {
		return act, fmt.Errorf("reading activity %s: %w", name, err)
	}
	return act, nil
}

func (a *Activities) describe(arn string) (Activity, error) {
	name, err := a.Name(arn)
	if err != nil {
		return Activity{}, err
	}
	return a.get(name)
}

// Describe returns an activity by its ARN or name.
func (a *Activities) Describe(_ context.Context, arn string) (Activity, error) {
	return a.describe(arn)
}

// Delete forgets an activity. Tasks that wait for its workers wait until they time out.
func (a *Activities) Delete(ctx context.Context, arn string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, err := a.describe(arn)
	if errors.Is(err, ErrNotFound) {
		return nil // as AWS has it
	}
	if err != nil {
		return err
	}
	tx := a.opts.Store.Begin()
	tx.Delete(key(found.Name))
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("deleting activity %s: %w", found.Name, err)
	}
	delete(a.queues, found.Name)
	return nil
}

// List returns a page of the activities in the order of their names, and the token of the next one, empty after the last.
func (a *Activities) List(_ context.Context, token string, limit int) ([]Activity, string, error) {
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %q", ErrInvalidToken, token)
	}
	r := store.NewKey(store.PrefixActivity).Range()
	if len(after) > 0 {
		r.Low = key(string(after)).End()
	}
	var page []Activity
	for entry, err := range a.opts.Store.Scan(r) {
		if err != nil {
			return nil, "", fmt.Errorf("listing activities: %w", err)
		}
		if len(page) == limit {
			return page, base64.RawURLEncoding.EncodeToString([]byte(page[limit-1].Name)), nil
		}
		f := store.Split(entry.Key)
		act := Activity{Name: f.String()}
		act.ARN = a.ARN(act.Name)
		if err := errors.Join(f.Err(), json.Unmarshal(entry.Value, &act)); err != nil {
			return nil, "", fmt.Errorf("listing activities: %w", err)
		}
		page = append(page, act)
	}
	return page, "", nil
}
