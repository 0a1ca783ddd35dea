package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// boardView shows how many tasks are in which state: a bar for each where somebody watches, and a line for each tenth that has ended where
// nobody does.
type boardView struct {
	w        io.Writer
	progress *mpb.Progress
	bars     map[string]*mpb.Bar
	ended    int
}

func newBoardView(w io.Writer) *boardView {
	v := &boardView{w: w}
	if watched(w) {
		v.progress, v.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(60)), map[string]*mpb.Bar{}
		for _, state := range taskStates {
			bar := v.progress.AddBar(0, mpb.PrependDecorators(decor.Name(state, decor.WC{W: 9, C: decor.DindentRight}), decor.CurrentNoUnit("%d", decor.WC{W: 4})))
			bar.SetTotal(demoTasks, false) // set here, it may be reached and left again; given to AddBar, it would end the bar
			v.bars[state] = bar
		}
	}
	return v
}

func (v *boardView) show(counts map[string]int) {
	for state, bar := range v.bars {
		bar.SetCurrent(int64(counts[state]))
	}
	ended := counts["SUCCESS"] + counts["GIVEN UP"]
	if v.bars != nil || ended < v.ended+demoTasks/10 {
		return
	}
	v.ended = ended
	texts := make([]string, 0, len(taskStates))
	for _, state := range taskStates {
		texts = append(texts, fmt.Sprintf("%d %s", counts[state], strings.ToLower(state)))
	}
	fmt.Fprintf(v.w, "%d of %d tasks have ended: %s\n", ended, demoTasks, strings.Join(texts, ", "))
}

// end leaves the bars as they are.
func (v *boardView) end() {
	for _, bar := range v.bars {
		bar.Abort(false)
	}
	if v.progress != nil {
		v.progress.Wait()
	}
}
