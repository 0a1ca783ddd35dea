package embedded

import (
	"context"
	"fmt"
	"strings"

	"sundog/internal/access"
	"sundog/internal/audit"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
)

// noteTx puts into the audit log what the one whom ctx names does in a transaction. A reason that is too long is cut.
func (p *Platform) noteTx(ctx context.Context, tx *store.Tx, kind audit.Kind, subject, reason string) error {
	reason = strings.ToValidUTF8(reason[:min(len(reason), audit.MaxReason)], "")
	return p.Audit.AppendTx(tx, audit.Entry{At: p.opts.Now(), Kind: kind, Actor: access.Actor(ctx), Subject: subject, Reason: reason})
}

func (p *Platform) noteToken(ctx context.Context, tx *store.Tx, token, done string) error {
	return p.noteTx(ctx, tx, audit.Token, token, done)
}

func (p *Platform) noteStop(ctx context.Context, tx *store.Tx, d engine.Description, reason string) error {
	return p.noteTx(ctx, tx, audit.Stop, d.ARN, reason)
}

// noteLetter is the entry for one dead letter.
func (p *Platform) noteLetter(ctx context.Context, kind audit.Kind, q *queue.Queue, id, reason string) queue.With {
	return func(tx *store.Tx, _ int) error {
		return p.noteTx(ctx, tx, kind, q.Name(), because("dead letter "+id, reason))
	}
}

// noteLetters is an entry for each group of dead letters.
func (p *Platform) noteLetters(ctx context.Context, kind audit.Kind, q *queue.Queue, reason string) queue.With {
	return func(tx *store.Tx, letters int) error {
		what := fmt.Sprintf("%d dead letters", letters)
		if letters == 1 {
			what = "1 dead letter"
		}
		return p.noteTx(ctx, tx, kind, q.Name(), because(what, reason))
	}
}

func because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}

// RedriveDeadLetter sends a dead letter of a queue again and says so in the audit log, in one transaction. Errors are those of queue.SendAgain.
func (p *Platform) RedriveDeadLetter(ctx context.Context, q *queue.Queue, id string) error {
	_, err := q.SendAgainWith(ctx, id, p.noteLetter(ctx, audit.Redrive, q, id, ""))
	return err
}

// RedriveDeadLetters sends all dead letters of a queue again, each group of them with an entry in the audit log, and returns how many. With an error,
// what was sent so far stays sent.
func (p *Platform) RedriveDeadLetters(ctx context.Context, q *queue.Queue) (int64, error) {
	return q.SendAllAgainWith(ctx, nil, p.noteLetters(ctx, audit.Redrive, q, ""))
}

// DeleteDeadLetter deletes a dead letter of a queue and says so in the audit log, for a reason that may be empty, in one transaction. Errors are
// those of queue.DeleteDeadLetter.
func (p *Platform) DeleteDeadLetter(ctx context.Context, q *queue.Queue, id, reason string) error {
	return q.DeleteDeadLetterWith(ctx, id, p.noteLetter(ctx, audit.Purge, q, id, reason))
}

// PurgeDeadLetters deletes all dead letters of a queue, each group of them with an entry in the audit log, and returns how many. Errors wrap
// audit.ErrNoReason; with another one, what was deleted so far stays deleted.
func (p *Platform) PurgeDeadLetters(ctx context.Context, q *queue.Queue, reason string) (int64, error) {
	if reason == "" {
		return 0, fmt.Errorf("purging the dead letters of queue %s: %w", q.Name(), audit.ErrNoReason)
	}
	return q.PurgeDeadLettersWith(ctx, p.noteLetters(ctx, audit.Purge, q, reason))
}
