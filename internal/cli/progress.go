package cli

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how far an input is read and how many payloads were accepted. The hidden one shows nothing.
type progress struct {
	app      *app
	shown    *mpb.Progress // nil: hidden
	bar      *mpb.Bar
	accepted atomic.Int64
}

// progress returns a progress on standard error, a hidden one unless visible, of so many bytes, 0 when nobody knows. It says how many were accepted
// when it is counting. end has to be called.
func (a *app) progress(ctx context.Context, size int64, visible, counting bool) *progress {
	p := &progress{app: a}
	if !visible {
		return p
	}
	accepted := decor.Any(func(decor.Statistics) string {
		if !counting {
			return ""
		}
		return count(p.accepted.Load()) + " accepted "
	})
	p.shown = mpb.NewWithContext(ctx, mpb.WithOutput(a.Err), mpb.WithAutoRefresh(), mpb.WithWidth(40))
	if size == 0 {
		p.bar = p.shown.New(0, mpb.NopStyle(), mpb.PrependDecorators(accepted), mpb.AppendDecorators(decor.CurrentKibiByte("% .1f")))
		return p
	}
	p.bar = p.shown.New(0, mpb.BarStyle(), mpb.PrependDecorators(accepted), mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f")))
	p.bar.SetTotal(size, false) // what is read is not done
	return p
}

// reader counts what is read of the input.
func (p *progress) reader(r io.Reader) io.Reader {
	if p.shown == nil {
		return r
	}
	return readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		p.bar.IncrBy(n)
		return n, err
	})
}

// writer counts what is written.
func (p *progress) writer(w io.Writer) io.Writer {
	if p.shown == nil {
		return w
	}
	return writerFunc(func(b []byte) (int, error) {
		n, err := w.Write(b)
		p.bar.IncrBy(n)
		return n, err
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// count says how many payloads were accepted.
func (p *progress) count(n int) { p.accepted.Store(int64(n)) }

// report prints a line about a document, above the bar.
func (p *progress) report(at place, what string) {
	if p.shown != nil {
		if _, err := io.WriteString(p.shown, "sundog: "+at.String()+": "+printable(what)+"\n"); err == nil {
			return
		}
	}
	p.app.complain("%s: %s", at, what)
}

// end removes the bar and waits for that.
func (p *progress) end() {
	if p.shown == nil {
		return
	}
	p.bar.Abort(true)
	p.shown.Wait()
}

// waiting shows on a terminal that the server is at work, and for how long; end has to be called.
func (a *app) waiting(ctx context.Context, what string) (end func()) {
	if !a.ErrTerminal || a.quiet {
		return func() {}
	}
	shown := mpb.NewWithContext(ctx, mpb.WithOutput(a.Err), mpb.WithAutoRefresh())
	bar := shown.New(0, mpb.SpinnerStyle().PositionLeft(), mpb.BarWidth(2), mpb.AppendDecorators(decor.Name(" "+what+" "), decor.Elapsed(decor.ET_STYLE_GO)))
	return func() {
		bar.Abort(true)
		shown.Wait()
	}
}
