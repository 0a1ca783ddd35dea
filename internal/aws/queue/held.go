package queue

import (
	"container/list"
	"sync"

	"sundog/internal/queue"
)

// maxHeld bounds the messages that are remembered: more than a consumer works on at one time.
const maxHeld = 1000

// held are the messages that were handed out and not settled, so that they can be made dead letters by their receipts. The oldest are forgotten when there
// are too many: their receipts are stale by then, or will be.
type held struct {
	mu       sync.Mutex
	messages map[string]*list.Element // of queue.Message, by receipt
	order    list.List
}

func (h *held) take(m queue.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.messages == nil {
		h.messages = map[string]*list.Element{}
	}
	h.messages[m.Receipt] = h.order.PushBack(m)
	if h.order.Len() > maxHeld {
		h.remove(h.order.Front())
	}
}

func (h *held) get(receipt string) (queue.Message, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.messages[receipt]
	if !ok {
		return queue.Message{}, false
	}
	return e.Value.(queue.Message), true
}

func (h *held) drop(receipt string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.messages[receipt]; ok {
		h.remove(e)
	}
}

func (h *held) remove(e *list.Element) {
	delete(h.messages, h.order.Remove(e).(queue.Message).Receipt)
}
