package queue_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// model is what a queue should be: every message with what is known about it.
type model struct {
	t      *rapid.T
	w      *world
	cfg    embedded.Config
	q      *embedded.Queue
	sent   int
	live   []*modelMessage // in the order in which they were sent
	dead   []*modelMessage
	held   []*modelMessage // with receipts, current and stale
	crashy bool
}

type modelMessage struct {
	body    string
	lane    int
	count   int
	visible time.Time
	receipt string
	current bool // held with this receipt
	gone    bool
}

var modelLanes = []string{"live", "bulk"}

// TestModel compares the queue with the model, operation by operation, in virtual time, across restarts and crashes.
func TestModel(t *testing.T) {
	for _, crashy := range []bool{false, true} {
		t.Run(fmt.Sprintf("crashes=%v", crashy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The deadline of a test is in real time, which a bubble does not have.
				rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { runModel(rt, t, crashy) })
			})
		})
	}
}

func runModel(rt *rapid.T, t *testing.T, crashy bool) {
	m := &model{t: rt, w: &world{t: t, fs: vfs.NewCrashableMem()}, crashy: crashy}
	m.cfg = embedded.Config{Lanes: modelLanes, Visibility: 10 * time.Second, MaxReceives: 3}
	if crashy {
		m.cfg.MaxReceives = -1 // a crash may forget a reception
	}
	m.w.open()
	defer func() { m.w.shut() }()
	m.q = m.w.declare(m.cfg)
	actions := map[string]func(*rapid.T){
		"send": m.send, "give up": m.giveUp, "receive": m.receive, "delete": m.delete, "retry": m.retry,
		"bury": m.bury, "send again": m.sendAgain, "wait": m.wait, "restart": m.restart, "": m.check,
	}
	if crashy {
		actions["crash"] = m.crash
	}
	rt.Repeat(actions)
}

func (m *model) send(t *rapid.T) {
	var drafts []queue.Draft
	for range rapid.IntRange(1, 4).Draw(t, "messages") {
		m.sent++
		msg := &modelMessage{body: fmt.Sprint(m.sent), lane: rapid.IntRange(0, 1).Draw(t, "lane"), visible: time.Now()}
		d := queue.Draft{Body: []byte(msg.body), Lane: modelLanes[msg.lane]}
		if rapid.Bool().Draw(t, "delayed") {
			d.Delay = time.Duration(rapid.IntRange(1, 30).Draw(t, "delay")) * time.Second
			msg.visible = msg.visible.Add(d.Delay)
		}
		drafts = append(drafts, d)
		m.live = append(m.live, msg)
	}
	if _, err := m.q.Send(m.w.t.Context(), drafts...); err != nil {
		t.Fatal(err)
	}
}

func (m *model) giveUp(t *rapid.T) {
	tx := m.w.store.Begin()
	if _, err := m.q.SendTx(tx, text("given up")); err != nil {
		t.Fatal(err)
	}
	if len(m.held) > 0 {
		if err := m.q.DeleteTx(tx, rapid.SampledFrom(m.held).Draw(t, "held").receipt); err != nil {
			t.Fatal(err)
		}
	}
}

// visible are the messages that can be received, in order.
func (m *model) visible() []*modelMessage {
	var out []*modelMessage
	for _, msg := range m.live {
		if !msg.visible.After(time.Now()) {
			out = append(out, msg)
		}
	}
	slices.SortStableFunc(out, func(a, b *modelMessage) int { return cmp.Compare(a.lane, b.lane) })
	return out
}

func (m *model) receive(t *rapid.T) {
	n := rapid.IntRange(1, 5).Draw(t, "max")
	want := m.visible()
	want = want[:min(n, len(want))]
	got, err := m.q.Receive(m.w.t.Context(), queue.Request{Max: n})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("received %q, want %d messages, first %+v", bodies(got), len(want), want)
	}
	for i, msg := range want {
		msg.count++
		if string(got[i].Body) != msg.body || got[i].Lane != modelLanes[msg.lane] {
			t.Fatalf("received %q in place %d, want %+v", got[i].Body, i, msg)
		}
		if got[i].ReceiveCount != msg.count && (!m.crashy || got[i].ReceiveCount > msg.count || got[i].ReceiveCount < 1) {
			t.Fatalf("message %s has count %d, want %d", msg.body, got[i].ReceiveCount, msg.count)
		}
		msg.count, msg.receipt, msg.current = got[i].ReceiveCount, got[i].Receipt, true
		msg.visible = time.Now().Add(m.cfg.Visibility)
		m.held = append(m.held, msg)
	}
}

func (m *model) pick(t *rapid.T) *modelMessage {
	if len(m.held) == 0 {
		t.Skip("nothing was received")
	}
	return rapid.SampledFrom(m.held).Draw(t, "held")
}

// remove takes a message out of what is live.
func (m *model) remove(msg *modelMessage) {
	m.live = slices.DeleteFunc(m.live, func(other *modelMessage) bool { return other == msg })
	m.held = slices.DeleteFunc(m.held, func(other *modelMessage) bool { return other == msg })
	msg.gone, msg.current = true, false
}

func (m *model) delete(t *rapid.T) {
	msg := m.pick(t)
	if err := m.q.Delete(m.w.t.Context(), msg.receipt); err != nil {
		t.Fatal(err)
	}
	m.remove(msg)
}

func (m *model) retry(t *rapid.T) {
	msg := m.pick(t)
	after := time.Duration(rapid.IntRange(0, 20).Draw(t, "after")) * time.Second
	err := m.q.Retry(m.w.t.Context(), msg.receipt, after, "why not")
	if !msg.current {
		if !errors.Is(err, queue.ErrStaleReceipt) {
			t.Fatalf("a stale receipt: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if m.cfg.MaxReceives > 0 && msg.count >= m.cfg.MaxReceives {
		m.remove(msg)
		m.dead = append(m.dead, msg)
		return
	}
	msg.visible, msg.current = time.Now().Add(after), false
	m.held = slices.DeleteFunc(m.held, func(other *modelMessage) bool { return other == msg })
}

func (m *model) bury(t *rapid.T) {
	msg := m.pick(t)
	err := m.q.DeadLetter(m.w.t.Context(), msg.receipt, "enough")
	if !msg.current {
		if !errors.Is(err, queue.ErrStaleReceipt) {
			t.Fatalf("a stale receipt: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.remove(msg)
	m.dead = append(m.dead, msg)
}

func (m *model) sendAgain(t *rapid.T) {
	if len(m.dead) == 0 {
		t.Skip("nothing is dead")
	}
	if n, err := m.q.SendAllAgain(m.w.t.Context(), nil); err != nil || n != int64(len(m.dead)) {
		t.Fatalf("sent %d again, %v; want %d", n, err, len(m.dead))
	}
	// Dead letters go in the order in which they were sent; how they died says nothing. Received ones tell which it was.
	for _, d := range m.deadInOrder() {
		m.live = append(m.live, &modelMessage{body: d.body, lane: d.lane, visible: time.Now()})
	}
	m.dead = nil
}

func (m *model) deadInOrder() []*modelMessage {
	return slices.SortedFunc(slices.Values(m.dead), func(a, b *modelMessage) int { return cmp.Compare(a.order(), b.order()) })
}

// order reads the sequence number out of the receipt, which begins with the id.
func (msg *modelMessage) order() string { return msg.receipt[:16] }

func (m *model) wait(t *rapid.T) {
	<-time.After(time.Duration(rapid.IntRange(1, 30).Draw(t, "half seconds"))*500*time.Millisecond + time.Millisecond)
	synctest.Wait()
	for _, msg := range slices.Clone(m.live) {
		if !msg.current || msg.visible.After(time.Now()) {
			continue
		}
		msg.current = false // its visibility timeout is over
		if m.cfg.MaxReceives > 0 && msg.count >= m.cfg.MaxReceives {
			m.remove(msg)
			m.dead = append(m.dead, msg)
		}
	}
}

func (m *model) restart(*rapid.T) {
	m.w.reopen()
	m.restarted()
}

func (m *model) crash(*rapid.T) {
	clone := m.w.fs.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
	m.w.shut()
	m.w.fs = clone
	m.w.open()
	m.restarted()
}

func (m *model) restarted() {
	m.q = m.w.declare(m.cfg)
	for _, msg := range slices.Clone(m.live) {
		if !msg.current {
			continue
		}
		msg.current, msg.visible = false, time.Now() // in flight before, visible at once now
		if m.cfg.MaxReceives > 0 && msg.count >= m.cfg.MaxReceives {
			m.remove(msg)
			m.dead = append(m.dead, msg)
		}
	}
}

func (m *model) check(t *rapid.T) {
	synctest.Wait()
	d := m.q.Depth()
	var want [2]queue.LaneDepth
	for i, name := range modelLanes {
		want[i].Name = name
	}
	for _, msg := range m.live {
		l := &want[msg.lane]
		switch {
		case msg.current:
			l.InFlight++
		case msg.visible.After(time.Now()):
			l.Delayed++
		default:
			l.Ready++
		}
	}
	for i := range d.Lanes {
		if l := &d.Lanes[i]; l.Oldest.IsZero() == (l.Ready > 0) || l.Oldest.After(time.Now()) {
			t.Fatalf("depth %+v: the oldest message of %s", d, l.Name)
		}
		d.Lanes[i].Oldest = time.Time{}
	}
	if !slices.Equal(d.Lanes, want[:]) || d.Dead != int64(len(m.dead)) {
		t.Fatalf("depth %+v, want %+v and %d dead", d, want, len(m.dead))
	}
	dead, err := m.q.DeadLetters(m.w.t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range dead {
		got = append(got, string(l.Body))
	}
	var dying []string
	for _, msg := range m.deadInOrder() {
		dying = append(dying, msg.body)
	}
	if !slices.Equal(got, dying) {
		t.Fatalf("dead letters %q, want %q", got, dying)
	}
}

// What was acknowledged when the machine stops is there afterwards, and what was deleted is not.
func TestCrash(t *testing.T) {
	fs := vfs.NewCrashableMem()
	w := &world{t: t, fs: fs}
	w.open()
	q := w.declare(embedded.Config{})
	const n = 300
	crashes := make(chan *vfs.MemFS, n/50+1)
	for i := range n {
		send(t, q, text(fmt.Sprintf("a%d", i)), text(fmt.Sprintf("b%d", i)))
		for _, m := range receive(t, q, 1, time.Minute) {
			if err := q.Delete(t.Context(), m.Receipt); err != nil {
				t.Fatal(err)
			}
		}
		if i%50 == 49 {
			crashes <- fs.CrashClone(vfs.CrashCloneCfg{})
		}
	}
	w.shut()
	close(crashes)
	for i := 50; ; i += 50 {
		clone, ok := <-crashes
		if !ok {
			return
		}
		w := &world{t: t, fs: clone, opts: store.Options{}}
		w.open()
		q := w.declare(embedded.Config{})
		if n := q.Depth().Total(); n != int64(i) {
			t.Errorf("after %d rounds and a crash there are %d messages", i, n)
		}
		if got := receive(t, q, queue.MaxBatch, time.Minute); len(got) != i || string(got[0].Body) != fmt.Sprintf("a%d", i/2) {
			t.Errorf("after %d rounds and a crash came %d messages, first %s", i, len(got), got[0].Body)
		}
		w.shut()
	}
}
